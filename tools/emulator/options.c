/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const emu_options_help =
    "Usage: mps-graph-emulator [OPTION]...\n"
    "Emulate Meta's Multi-Partner Solution access_token endpoint on the\n"
    "loopback, over TLS, until SIGINT or SIGTERM.\n"
    "\n"
    "  --address=ADDRESS    listen on this loopback address (127.0.0.1)\n"
    "  --port=PORT          listen on this port; 0: any free one (8443)\n"
    "  --dir=DIR            write ca.pem, partner_token and, when ready,\n"
    "                       base_url to DIR (a temporary directory that is\n"
    "                       removed at the end)\n"
    "  --scenario=FILE      read what to answer from FILE\n"
    "  --log=FILE           append a line per request to FILE\n"
    "  --certificate=KIND   show a good, an expired or a wrong-host\n"
    "                       certificate (good)\n"
    "  --tls=MIN[-MAX]      speak these versions of TLS, 1.0 to 1.3\n"
    "                       (1.2-1.3)\n"
    "  --list-faults        print the faults that a scenario may name\n"
    "  --list-keys          print the keys that a scenario may set\n"
    "  --help               print this\n"
    "  --version            print the version\n"
    "\n"
    "Without a scenario the solution is 1234567890123456, each business\n"
    "has a token, and the partner's token is made and written to\n"
    "DIR/partner_token.  Then:\n"
    "\n"
    "  curl --cacert DIR/ca.pem \\\n"
    "    -H \"Authorization: Bearer $(cat DIR/partner_token)\" \\\n"
    "    \"$(cat DIR/base_url)/v25.0/1234567890123456/access_token"
    "?business_id=1\"\n"
    "\n"
    "At run time, under the same base URL: GET /__stats, POST /__reset,\n"
    "PUT /__business/ID?key=value, DELETE /__business/ID,\n"
    "PUT /__endpoint?key=value, DELETE /__endpoint, GET /__health.\n"
    "\n"
    "See mps-graph-emulator(1).\n";

enum option_key {
    OPTION_ADDRESS = 256,
    OPTION_CERTIFICATE,
    OPTION_DIR,
    OPTION_HELP,
    OPTION_LIST_FAULTS,
    OPTION_LIST_KEYS,
    OPTION_LOG,
    OPTION_PORT,
    OPTION_SCENARIO,
    OPTION_TLS,
    OPTION_VERSION
};

static const struct option long_options[] = {
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"certificate", required_argument, NULL, OPTION_CERTIFICATE},
    {"dir", required_argument, NULL, OPTION_DIR},
    {"help", no_argument, NULL, OPTION_HELP},
    {"list-faults", no_argument, NULL, OPTION_LIST_FAULTS},
    {"list-keys", no_argument, NULL, OPTION_LIST_KEYS},
    {"log", required_argument, NULL, OPTION_LOG},
    {"port", required_argument, NULL, OPTION_PORT},
    {"scenario", required_argument, NULL, OPTION_SCENARIO},
    {"tls", required_argument, NULL, OPTION_TLS},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static int
parse_port(const char *text, unsigned *port, struct emu_error *error)
{
    char *end = NULL;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' ||
        number > 65535) {
        return emu_fail(error,
                        "--port: %.100s is no port; give a number "
                        "from 0 to 65535",
                        text);
    }
    *port = (unsigned)number;
    return 0;
}

static int
parse_certificate(const char *text, enum emu_certificate_kind *kind,
                  struct emu_error *error)
{
    static const char *const kinds[] = {"good", "expired", "wrong-host"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(text, kinds[i]) == 0) {
            *kind = (enum emu_certificate_kind)i;
            return 0;
        }
    }
    return emu_fail(error,
                    "--certificate: %.100s is none of good, expired "
                    "and wrong-host",
                    text);
}

/* "1.2" or "1.0-1.1", as minor versions; *most stays where it is not given. */
static int
parse_versions(const char *text, int *least, int *most)
{
    const size_t length = strlen(text);

    if ((length != 3 && length != 7) || strncmp(text, "1.", 2) != 0) {
        return -1;
    }
    *least = text[2] - '0';
    if (length == 7) {
        if (strncmp(text + 3, "-1.", 3) != 0) {
            return -1;
        }
        *most = text[6] - '0';
    }
    return *least >= 0 && *least <= *most && *most <= 3 ? 0 : -1;
}

static int
parse_tls(const char *text, char *priorities, size_t size,
          struct emu_error *error)
{
    int least = 0;
    int most = 3;
    size_t at;

    if (parse_versions(text, &least, &most)) {
        return emu_fail(error,
                        "--tls: %.100s is no range of versions; give "
                        "MIN or MIN-MAX, each one of 1.0 to 1.3",
                        text);
    }
    (void)snprintf(priorities, size, "NORMAL:-VERS-ALL");
    for (int version = least; version <= most; version++) {
        at = strlen(priorities);
        (void)snprintf(priorities + at, size - at, ":+VERS-TLS1.%d", version);
    }
    /* What signs a handshake before TLS 1.2 is off by default. */
    if (least < 2) {
        (void)strncat(priorities, ":+SHA1:+SIGN-ALL",
                      size - strlen(priorities) - 1);
    }
    return 0;
}

static enum emu_action
take_text_option(int key, struct emu_options *options)
{
    switch (key) {
    case OPTION_ADDRESS:
        options->address = optarg;
        return EMU_RUN;
    case OPTION_DIR:
        options->dir = optarg;
        return EMU_RUN;
    case OPTION_LOG:
        options->log = optarg;
        return EMU_RUN;
    case OPTION_SCENARIO:
        options->scenario = optarg;
        return EMU_RUN;
    case OPTION_HELP:
        return EMU_SHOW_HELP;
    case OPTION_VERSION:
        return EMU_SHOW_VERSION;
    case OPTION_LIST_FAULTS:
        return EMU_LIST_FAULTS;
    case OPTION_LIST_KEYS:
        return EMU_LIST_KEYS;
    default:
        return EMU_USAGE_ERROR;
    }
}

static enum emu_action
take_option(int key, struct emu_options *options, struct emu_error *error)
{
    switch (key) {
    case OPTION_PORT:
        return parse_port(optarg, &options->port, error) ? EMU_USAGE_ERROR
                                                         : EMU_RUN;
    case OPTION_CERTIFICATE:
        return parse_certificate(optarg, &options->certificate, error)
                   ? EMU_USAGE_ERROR
                   : EMU_RUN;
    case OPTION_TLS:
        return parse_tls(optarg, options->priorities,
                         sizeof options->priorities, error)
                   ? EMU_USAGE_ERROR
                   : EMU_RUN;
    default:
        return take_text_option(key, options);
    }
}

enum emu_action
emu_options_parse(int argc, char **argv, struct emu_options *options,
                  struct emu_error *error)
{
    enum emu_action action = EMU_RUN;
    int key;

    *options = (struct emu_options){.address = "127.0.0.1", .port = 8443};
    if (parse_tls("1.2", options->priorities, sizeof options->priorities,
                  error)) {
        return EMU_USAGE_ERROR;
    }
    opterr = 0;
    while (action == EMU_RUN &&
           (key = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (key == ':') {
            (void)emu_fail(error, "%.100s needs a value", argv[optind - 1]);
        } else if (key == '?') {
            (void)emu_fail(error, "%.100s is no option", argv[optind - 1]);
        }
        action = take_option(key, options, error);
    }
    if (action == EMU_RUN && optind < argc) {
        (void)emu_fail(error, "%.100s is one argument too many", argv[optind]);
        action = EMU_USAGE_ERROR;
    }
    return action;
}
