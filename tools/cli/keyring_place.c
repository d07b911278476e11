/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_place.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "put_file.h"

#define NAME_MAX_LEN 128

__attribute__((format(printf, 2, 3))) static void
put(char *to, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(to, CLI_KEYRING_PATH, format, arguments);
    va_end(arguments);
}

int
cli_keyring_name_ok(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.@:-\\";

    return name[0] != '\0' && name[0] != '.' && name[0] != '-' &&
           strlen(name) <= NAME_MAX_LEN && name[strspn(name, allowed)] == '\0';
}

int
cli_keyring_is_ours(const char *path)
{
    static const char mark[] = CLI_KEYRING_MARK;
    char *text = cli_get_file(path);
    int result = text != NULL && strncmp(text, mark, sizeof(mark) - 1) == 0;

    free(text);
    return result;
}

int
cli_keyring_place(struct cli_keyring_place *place, const char *user)
{
    /* systemd takes a backslash in an instance for an escape. */
    if (!cli_keyring_name_ok(user) || strchr(user, '\\') != NULL) {
        return -1;
    }
    place->user = user;
    put(place->unit, CLI_KEYRING_UNIT "@%s.service", user);
    put(place->encrypted, "/etc/credstore.encrypted/" CLI_KEYRING_UNIT ".%s",
        user);
    /* No user's name makes another's password of it, as with a suffix. */
    put(place->encrypted_new,
        "/etc/credstore.encrypted/." CLI_KEYRING_UNIT ".%s.XXXXXX", user);
    put(place->plain, "/etc/credstore/" CLI_KEYRING_UNIT ".%s", user);
    put(place->plain_unit, CLI_KEYRING_UNITS "/%s.d/password.conf",
        place->unit);
    put(place->tmpfiles, "/etc/tmpfiles.d/mps-credential-%s.conf", user);
    put(place->state, "/var/lib/mps-credential/%s", user);
    return 0;
}
