/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring_bus.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

static const char unix_prefix[] = "unix:";
static const char path_prefix[] = "unix:path=";

/* The entry after this one; NULL behind the last. */
static const char *
next_entry(const char *entry)
{
    const char *end = strchr(entry, ';');

    return end == NULL || end[1] == '\0' ? NULL : end + 1;
}

int
mpsc_keyring_bus_local(const char *address)
{
    if (address == NULL) {
        return 0;
    }
    for (const char *at = address; at != NULL; at = next_entry(at)) {
        if (strncmp(at, unix_prefix, sizeof(unix_prefix) - 1) != 0) {
            return 0;
        }
    }
    return 1;
}

static int
hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at;

    if (digit >= 'A' && digit <= 'F') {
        digit = (char)(digit - 'A' + 'a');
    }
    at = digit == '\0' ? NULL : strchr(digits, digit);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Undoes the %XX of a path up to its end in the address; 0, or -1 where it
 * is longer than a socket's can be or badly escaped. */
static int
unescape_path(const char *from, char *path, size_t size)
{
    size_t len = 0;

    for (; *from != '\0' && *from != ',' && *from != ';'; from++) {
        char byte = *from;

        if (byte == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);

            if (low < 0) {
                return -1;
            }
            byte = (char)(high << 4 | low);
            from += 2;
        }
        if (len + 1 >= size) {
            return -1;
        }
        path[len++] = byte;
    }
    path[len] = '\0';
    return 0;
}

static int
entry_present(const char *entry)
{
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    struct stat status;

    if (strncmp(entry, path_prefix, sizeof(path_prefix) - 1) != 0) {
        return 1;
    }
    return unescape_path(entry + sizeof(path_prefix) - 1, path,
                         sizeof(path)) == 0 &&
           stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

int
mpsc_keyring_bus_present(const char *address)
{
    for (const char *at = address; at != NULL; at = next_entry(at)) {
        if (entry_present(at)) {
            return 1;
        }
    }
    return 0;
}
