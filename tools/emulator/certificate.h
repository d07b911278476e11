/* SPDX-License-Identifier: MIT */
/* The certificates that the server shows, made at start. */

#ifndef EMU_CERTIFICATE_H
#define EMU_CERTIFICATE_H

#include "error.h"

enum emu_certificate_kind {
    EMU_CERTIFICATE_GOOD,
    EMU_CERTIFICATE_EXPIRED,   /* since a day */
    EMU_CERTIFICATE_WRONG_HOST /* for another host than this one */
};

struct emu_certificate {
    char *ca_pem;          /* the CA's certificate: what clients trust */
    char *certificate_pem; /* the server's */
    char *key_pem;         /* its private key; only ever in memory */
};

/* Makes a CA and a certificate that it signs for localhost, 127.0.0.1, ::1
 * and address (a numeric IP address).  Returns 0, or -1 with error filled and
 * *certificate empty.  Ends with emu_certificate_clear. */
int emu_certificate_make(struct emu_certificate *certificate,
                         enum emu_certificate_kind kind, const char *address,
                         struct emu_error *error);

/* Frees the texts, the key wiped, and leaves it empty. */
void emu_certificate_clear(struct emu_certificate *certificate);

#endif
