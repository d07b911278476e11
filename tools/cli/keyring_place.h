/* SPDX-License-Identifier: MIT */
/*
 * keyring_place: what belongs to the keyring of one user's services, by name:
 * see mps-credential-keyring@.service(8).
 */
#ifndef CLI_KEYRING_PLACE_H
#define CLI_KEYRING_PLACE_H

#include <stddef.h>

#define CLI_KEYRING_PATH 512

#define CLI_KEYRING_UNIT "mps-credential-keyring"

/* Begins each text file that the verb writes. */
#define CLI_KEYRING_MARK "# Made by mps-credential keyring-setup\n"

/* A service's drop-in: its path is DIRECTORY/SERVICE.d/NAME. */
#define CLI_KEYRING_UNITS "/etc/systemd/system"
#define CLI_KEYRING_DROP_IN "mps-credential-keyring.conf"

struct cli_keyring_place {
    const char *user;
    unsigned uid; /* these two where the user exists: the caller's part */
    unsigned gid;
    char unit[CLI_KEYRING_PATH];          /* the keyring's */
    char encrypted[CLI_KEYRING_PATH];     /* the password, by systemd-creds, */
    char encrypted_new[CLI_KEYRING_PATH]; /* until it is whole: mkstemp(3)'s */
    char plain[CLI_KEYRING_PATH];         /* or in the clear, */
    char plain_unit[CLI_KEYRING_PATH];    /* with a drop-in of the unit */
    char tmpfiles[CLI_KEYRING_PATH];
    char state[CLI_KEYRING_PATH]; /* gnome-keyring's files */
};

/* Fills it in for a user's name, which has to stay. 0, or -1 where no unit
 * can have that name. */
int cli_keyring_place(struct cli_keyring_place *place, const char *user);

/* True where a text file is there and begins with the mark. */
int cli_keyring_is_ours(const char *path);

/* True where a name is fit for a part of a unit's name and of a path. */
int cli_keyring_name_ok(const char *name);

#endif
