/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keyring.h"

#include <stddef.h>

static const struct {
    const char *text;
    const char *advice;
} texts[] = {
    [MPSC_KEYRING_OK] = {"the keyring is usable", "nothing to do"},
    [MPSC_KEYRING_NO_BUS] = {"no D-Bus bus can be reached",
                             "set keyring_bus, start the user's bus, or set "
                             "keyring = off; " MPSC_KEYRING_FOR_A_SERVICE},
    [MPSC_KEYRING_NO_RUNTIME_DIR] =
        {"there is no usable runtime_dir",
         "make it a local directory of the program's user with mode "
         "0700; " MPSC_KEYRING_FOR_A_SERVICE},
    [MPSC_KEYRING_NO_HELPER] = {"the keyring helper cannot be run",
                                "install it again, or let the program start "
                                "processes"},
    [MPSC_KEYRING_BAD_HELPER] = {"the keyring helper died or made no sense",
                                 "see the system's log"},
    [MPSC_KEYRING_BUSY] = {"another process holds the keyring's lock for too "
                           "long",
                           "look for a stopped keyring-helper"},
    [MPSC_KEYRING_ABSENT] = {"no Secret Service is on the bus",
                             "start gnome-keyring-daemon or another one"},
    [MPSC_KEYRING_NO_COLLECTION] = {"the keyring has no default collection",
                                    "create one, or start gnome-keyring-"
                                    "daemon with --unlock"},
    [MPSC_KEYRING_LOCKED] = {"the keyring is locked",
                             "unlock it; a service's: systemctl restart "
                             "mps-credential-keyring@USER"},
    [MPSC_KEYRING_REFUSED] = {"the keyring refused",
                              "see the Secret Service's log"},
    [MPSC_KEYRING_SILENT] = {"the keyring does not answer",
                             "restart the Secret Service"},
    [MPSC_KEYRING_NEWER] = {"the keyring's page has a newer format",
                            "use the newer version of mps-credential"},
    [MPSC_KEYRING_NO_MEMORY] = {"there was no memory for the keyring",
                                "raise the program's memory limit"},
    [MPSC_KEYRING_PURGED] = {"the tokens were purged meanwhile",
                             "nothing to do"},
    [MPSC_KEYRING_OTHER_HELPER] =
        {"the keyring helper and the module are of different versions",
         "restart the program: mps-credential was installed anew since it "
         "started"},
};

static int
known(enum mpsc_keyring_state state)
{
    return (size_t)state < sizeof(texts) / sizeof(texts[0]);
}

const char *
mpsc_keyring_text(enum mpsc_keyring_state state)
{
    return known(state) ? texts[state].text : "unknown keyring state";
}

const char *
mpsc_keyring_advice(enum mpsc_keyring_state state)
{
    return known(state) ? texts[state].advice : "report this";
}
