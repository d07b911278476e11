/* SPDX-License-Identifier: MIT */
/*
 * plain BUSINESS [LOCALE]: a host that does nothing special, but that calls
 * every function.
 */
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>

#include "house.h"

int
main(int argc, char **argv)
{
    if (argc < 2 || (argc > 2 && setlocale(LC_ALL, argv[2]) == NULL)) {
        return argc < 2 ? 98 : HOUSE_CANNOT;
    }
    house_forget_locpath();
    house_open();
    umask(031);
    house_before();
    house_live(argv[1]);
    house_after();
    return house_end();
}
