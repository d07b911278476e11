#!/bin/sh
# SPDX-License-Identifier: MIT
# configure.ac, the newest entry of NEWS and, as far as they are there, the
# packages' files name the same version. From the build directory, with srcdir
# set.
set -eu

srcdir=${srcdir-.}
result=ok
# expect FILE VERSION: what was found in it; empty = nothing.
expect() {
    [ "$2" = "$version" ] || {
        echo "$1 names version '$2', configure.ac '$version'"
        result=failed
    }
}

version=$(sed -n 's/^AC_INIT(\[mps-credential\], \[\(.*\)\])$/\1/p' \
    "$srcdir/configure.ac")
[ -n "$version" ] || {
    echo 'configure.ac names no version'
    result=failed
}
# "mps-credential 0.9.0 (2026-11-22)"
expect NEWS "$(sed -n 's/^mps-credential \([0-9.]*\) (20..-..-..)$/\1/p' \
    "$srcdir/NEWS" | sed 1q)"
# "mps-credential (0.9.0-1) unstable; urgency=medium": but for the revision.
if [ -e "$srcdir/debian/changelog" ]; then
    expect debian/changelog "$(sed -n '1s/^mps-credential (\([^-)]*\).*/\1/p' \
        "$srcdir/debian/changelog")"
fi
if [ -e "$srcdir/packaging/mps-credential.spec" ]; then
    expect packaging/mps-credential.spec "$(sed -n \
        's/^Version: *\([^ ]*\) *$/\1/p' "$srcdir/packaging/mps-credential.spec")"
fi
echo "check: $result"
[ $result = ok ]
