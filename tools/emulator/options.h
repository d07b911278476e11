/* SPDX-License-Identifier: MIT */
/* The command line. */

#ifndef EMU_OPTIONS_H
#define EMU_OPTIONS_H

#include "certificate.h"
#include "error.h"

struct emu_options {
    const char *address;
    unsigned port;        /* 0: any free one */
    const char *dir;      /* NULL: a temporary one */
    const char *scenario; /* NULL: none */
    const char *log;      /* NULL: none */
    enum emu_certificate_kind certificate;
    char priorities[128]; /* for GnuTLS */
};

enum emu_action {
    EMU_RUN,
    EMU_SHOW_HELP,
    EMU_SHOW_VERSION,
    EMU_LIST_FAULTS,
    EMU_LIST_KEYS,
    EMU_USAGE_ERROR
};

/* Reads the command line into *options, whose texts point into argv or are
 * static.  On EMU_USAGE_ERROR error is filled.  Uses getopt: once only. */
enum emu_action emu_options_parse(int argc, char **argv,
                                  struct emu_options *options,
                                  struct emu_error *error);

/* The text of --help; static. */
extern const char *const emu_options_help;

#endif
