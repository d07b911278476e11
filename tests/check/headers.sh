#!/bin/sh
# SPDX-License-Identifier: MIT
# Each header compiles alone, the public ones also as strict C11 and as C++.
set -eu

srcdir=${srcdir-.}
CC=${CC-cc}
result=ok
# shellcheck disable=SC2086 # CFLAGS are words
compile() {
    $CC $FLAGS "$@" -fsyntax-only || {
        echo "$*"
        result=failed
    }
}

for header in "$srcdir"/include/mps/*.h "$srcdir"/src/*.h \
    "$srcdir"/plugins/*/*.h "$srcdir"/keyring-helper/*.h \
    "$srcdir"/tools/*/*.h; do
    FLAGS="-std=gnu11 -D_GNU_SOURCE -I$srcdir/include -Wall -Werror"
    case $header in
    */keyring-helper/* | */plugins/*) FLAGS="$FLAGS -I$srcdir/src" ;;
    */tools/cli/*) FLAGS="$FLAGS -I$srcdir" ;;
    esac
    compile -x c "$header"
done
for header in credential loader; do
    FLAGS="-I$srcdir/include -Wall -Wextra -Wpedantic -Werror"
    echo "#include <mps/$header.h>" >"header-$$.c"
    compile -std=c11 "header-$$.c"
    if command -v "${CXX-c++}" >/dev/null; then
        CC=${CXX-c++} compile -x c++ "header-$$.c"
    fi
    rm -f "header-$$.c"
done
echo "check: $result"
[ $result = ok ]
