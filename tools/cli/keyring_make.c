/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_make.h"

#include <errno.h>
#include <fcntl.h>
#include <mps/credential.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "put_file.h"

#define CREDENTIAL "keyring-password"
#define PASSWORD_BYTES 32

/* systemd's own exit status for a credential; see systemd.exec(5). */
#define NOT_DECRYPTED "243"

/* The next step where the system has refused something. */
#define GO_ON "; mend that and run keyring-setup again"

static const char name_option[] = "--name=" CREDENTIAL;
/* With the TPM's key, but bound to no measurement of the boot: otherwise an
 * update of the firmware or of Secure Boot's keys would lose the keyring. */
static const char pcrs_option[] = "--tpm2-pcrs=";

static int
exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int
fail_at(struct cli_steps *steps, const char *path)
{
    return cli_steps_fail(steps, MPS_E_KEYRING,
                          "%s can't be written: %s" GO_ON, path,
                          strerror(errno));
}

/* A text file and its directory. MPS_OK, or MPS_E_KEYRING after it was told.
 */
static int
put(struct cli_steps *steps, const char *path, mode_t directory, mode_t mode,
    const char *text)
{
    if (cli_put_directory(path, directory) != 0 ||
        cli_put_file(path, mode, text, strlen(text)) != 0) {
        return fail_at(steps, path);
    }
    return MPS_OK;
}

/* A program that has to succeed. MPS_OK, or MPS_E_KEYRING after it was told.
 */
static int
run(struct cli_steps *steps, const char *const argv[])
{
    char output[CLI_COMMAND_OUTPUT];
    int status = cli_command_run(argv, NULL, output);

    if (status == 0) {
        return MPS_OK;
    }
    return cli_steps_fail(steps, MPS_E_KEYRING, "%s %s failed: %s" GO_ON,
                          argv[0], argv[1], output);
}

static int
check_packages(struct cli_steps *steps)
{
    static const struct {
        const char *program;
        const char *package;
    } needed[] = {{"dbus-daemon", "dbus-daemon"},
                  {"gnome-keyring-daemon", "gnome-keyring"}};

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!cli_command_there(needed[i].program)) {
            return cli_steps_fail(steps, MPS_E_KEYRING,
                                  "%s is missing: install the package %s "
                                  "(apt-get install %s)",
                                  needed[i].program, needed[i].package,
                                  needed[i].package);
        }
    }
    return MPS_OK;
}

/* 64 hex digits; 0 or -1. */
static int
draw_password(char password[2 * PASSWORD_BYTES + 1])
{
    unsigned char bytes[PASSWORD_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        snprintf(password + 2 * i, 3, "%02x", bytes[i]);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}

/* By systemd-creds, which makes the machine's key where it needs one. MPS_OK,
 * or MPS_E_KEYRING after it was told. */
static int
encrypt(const struct cli_keyring_place *place, const char *password,
        struct cli_steps *steps)
{
    char output[CLI_COMMAND_OUTPUT];
    char path[CLI_KEYRING_PATH];
    const char *argv[] = {
        "systemd-creds", "encrypt", name_option, pcrs_option, "-", path, NULL};
    int code;
    int fd;

    snprintf(path, sizeof(path), "%s", place->encrypted_new);
    fd = cli_put_directory(path, 0700) == 0 ? mkostemp(path, O_CLOEXEC) : -1;
    if (fd < 0) {
        return fail_at(steps, path);
    }
    close(fd);
    if (cli_command_run(argv, password, output) != 0) {
        code = cli_steps_fail(steps, MPS_E_KEYRING,
                              "systemd-creds can't encrypt the unlock "
                              "password: %s" GO_ON,
                              output);
    } else if (unlink(place->plain_unit) != 0 && errno != ENOENT) {
        /* It would have the unit look for a password in the clear. */
        code = fail_at(steps, place->plain_unit);
    } else if (chmod(path, 0600) != 0 || rename(path, place->encrypted) != 0) {
        code = fail_at(steps, place->encrypted);
    } else {
        cli_steps_done(steps,
                       "Made an unlock password, encrypted with this "
                       "machine's key: %s",
                       place->encrypted);
        return MPS_OK;
    }
    (void)unlink(path);
    return code;
}

/* Has the unit take the password in the clear. */
static int
point_at_plain(const struct cli_keyring_place *place, struct cli_steps *steps)
{
    char text[CLI_KEYRING_PATH + 256];

    snprintf(text, sizeof(text),
             CLI_KEYRING_MARK "[Service]\nLoadCredentialEncrypted=\n"
                              "LoadCredential=" CREDENTIAL ":%s\n",
             place->plain);
    return put(steps, place->plain_unit, 0755, 0644, text);
}

/* Without systemd-creds: for root alone. */
static int
keep_plain(const struct cli_keyring_place *place, const char *password,
           struct cli_steps *steps)
{
    int code = put(steps, place->plain, 0700, 0600, password);

    if (code == MPS_OK) {
        code = point_at_plain(place, steps);
    }
    if (code == MPS_OK) {
        cli_steps_done(steps,
                       "Made an unlock password: %s, which root alone may "
                       "read; it is not encrypted, since there is no "
                       "systemd-creds here",
                       place->plain);
    }
    return code;
}

static int
make_password(const struct cli_keyring_place *place, struct cli_steps *steps)
{
    char password[2 * PASSWORD_BYTES + 1];
    int code;

    if (draw_password(password) != 0) {
        return cli_steps_fail(steps, MPS_E_KEYRING,
                              "no random numbers: %s" GO_ON, strerror(errno));
    }
    code = cli_command_there("systemd-creds")
               ? encrypt(place, password, steps)
               : keep_plain(place, password, steps);
    explicit_bzero(password, sizeof(password));
    return code;
}

/* The one that is there, since it is the one of the keyring that is there. */
static int
keep_password(const struct cli_keyring_place *place, struct cli_steps *steps)
{
    char keyring[CLI_KEYRING_PATH + 32];

    if (exists(place->encrypted)) {
        cli_steps_done(steps, "Kept the unlock password: %s",
                       place->encrypted);
        return MPS_OK;
    }
    if (exists(place->plain)) {
        cli_steps_done(steps, "Kept the unlock password: %s", place->plain);
        return point_at_plain(place, steps);
    }
    snprintf(keyring, sizeof(keyring), "%s/keyrings/login.keyring",
             place->state);
    if (exists(keyring)) {
        return cli_steps_fail(
            steps, MPS_E_KEYRING,
            "%s is there, and its password %s is not: restore that file, or "
            "begin with an empty keyring by --undo",
            keyring, place->encrypted);
    }
    return make_password(place, steps);
}

static int
make_directory(const struct cli_keyring_place *place, struct cli_steps *steps)
{
    const char *argv[] = {"systemd-tmpfiles", "--create", place->tmpfiles,
                          NULL};
    char text[CLI_KEYRING_PATH];
    int code;

    if (exists(place->tmpfiles) && !cli_keyring_is_ours(place->tmpfiles)) {
        return cli_steps_fail(steps, MPS_E_KEYRING,
                              "%s is there, and not made by keyring-setup, "
                              "which would overwrite it: move it away and run "
                              "keyring-setup again",
                              place->tmpfiles);
    }
    snprintf(text, sizeof(text),
             CLI_KEYRING_MARK "d /run/mps-credential/%u 0700 %u %u -\n",
             place->uid, place->uid, place->gid);
    code = put(steps, place->tmpfiles, 0755, 0644, text);
    if (code == MPS_OK) {
        code = run(steps, argv);
    }
    if (code == MPS_OK) {
        cli_steps_done(steps,
                       "Made /run/mps-credential/%u, now and at each start "
                       "of the machine: %s",
                       place->uid, place->tmpfiles);
    }
    return code;
}

/* What systemd knows of a unit. */
static void
show(const char *unit, const char *property, char *output)
{
    const char *argv[] = {"systemctl", "show", "--value", "-p",
                          property,    "--",   unit,      NULL};

    if (cli_command_run(argv, NULL, output) != 0) {
        output[0] = '\0';
    }
}

/* The service's drop-in; without a write to /run there is no keyring. */
static int
write_drop_in(const struct cli_keyring_place *place, const char *service,
              const char *path, struct cli_steps *steps)
{
    char protection[CLI_COMMAND_OUTPUT];
    char writable[128] = "";
    char text[3 * CLI_KEYRING_PATH];
    int code;

    show(service, "ProtectSystem", protection);
    if (strcmp(protection, "strict") == 0) {
        snprintf(writable, sizeof(writable),
                 "\n[Service]\nReadWritePaths=-/run/mps-credential/%u\n",
                 place->uid);
    }
    snprintf(text, sizeof(text),
             CLI_KEYRING_MARK "[Unit]\nWants=%s\nAfter=%s\n%s", place->unit,
             place->unit, writable);
    code = put(steps, path, 0755, 0644, text);
    if (code != MPS_OK) {
        return code;
    }
    cli_steps_done(steps, "%s starts after the keyring: %s", service, path);
    if (writable[0] != '\0') {
        cli_steps_done(steps,
                       "%s has ProtectSystem=strict: there it may write to "
                       "/run/mps-credential/%u; restart it",
                       service, place->uid);
    }
    return MPS_OK;
}

static int
put_after(const struct cli_keyring_place *place, const char *name,
          struct cli_steps *steps)
{
    const size_t len = strlen(name);
    const char *suffix =
        len > 8 && strcmp(name + len - 8, ".service") == 0 ? "" : ".service";
    char service[CLI_KEYRING_PATH];
    char path[2 * CLI_KEYRING_PATH];
    char output[CLI_COMMAND_OUTPUT];

    snprintf(service, sizeof(service), "%s%s", name, suffix);
    show(service, "LoadState", output);
    if (strcmp(output, "loaded") != 0) {
        return cli_steps_fail(
            steps, MPS_E_INVALID,
            "%s is no unit that systemd has loaded (%s): "
            "see systemctl status %s, or systemctl "
            "list-unit-files for the name",
            service, output[0] != '\0' ? output : "no answer", service);
    }
    show(service, "User", output);
    if (strcmp(output, place->user) != 0) {
        cli_steps_done(steps,
                       "Note: %s has User=%s: it finds the keyring if it "
                       "becomes %s itself",
                       service, output, place->user);
    }
    snprintf(path, sizeof(path), CLI_KEYRING_UNITS "/%s.d/%s", service,
             CLI_KEYRING_DROP_IN);
    return write_drop_in(place, service, path, steps);
}

static int
start(const struct cli_keyring_place *place, struct cli_steps *steps)
{
    const char *const reload[] = {"systemctl", "daemon-reload", NULL};
    const char *const enable[] = {"systemctl", "enable", "--quiet",
                                  place->unit, NULL};
    const char *const begin[] = {"systemctl", "start", place->unit, NULL};
    char output[CLI_COMMAND_OUTPUT];
    char said[CLI_COMMAND_OUTPUT];
    int code = run(steps, reload);

    if (code == MPS_OK) {
        code = run(steps, enable);
    }
    if (code != MPS_OK) {
        return code;
    }
    if (cli_command_run(begin, NULL, output) != 0) {
        show(place->unit, "ExecMainStatus", said);
        if (strcmp(said, NOT_DECRYPTED) == 0) {
            return cli_steps_fail(
                steps, MPS_E_KEYRING,
                "%s does not start: this machine's key does not decrypt the "
                "unlock password %s; restore the one that it does, or begin "
                "with an empty keyring: mps-credential keyring-setup --undo "
                "%s, then without --undo",
                place->unit, place->encrypted, place->user);
        }
        show(place->unit, "StatusText", said);
        return cli_steps_fail(steps, MPS_E_KEYRING,
                              "%s does not start: %s; see journalctl -u %s",
                              place->unit, said[0] != '\0' ? said : output,
                              place->unit);
    }
    cli_steps_done(steps,
                   "Started %s, now and at each start of the machine: the "
                   "keyring in %s is unlocked",
                   place->unit, place->state);
    return MPS_OK;
}

int
cli_keyring_make(const struct cli_keyring_place *place, const char *service,
                 struct cli_steps *steps)
{
    int code = check_packages(steps);

    if (code == MPS_OK && service != NULL) {
        code = put_after(place, service, steps);
    }
    if (code == MPS_OK) {
        code = keep_password(place, steps);
    }
    if (code == MPS_OK) {
        code = make_directory(place, steps);
    }
    return code == MPS_OK ? start(place, steps) : code;
}
