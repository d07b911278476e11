#!/bin/sh
# SPDX-License-Identifier: MIT
# The README's program is examples/minimal.c, and every example compiles
# without a warning.
set -eu

srcdir=${srcdir-.}
result=ok
example=$(mktemp)
trap 'rm -f "$example" "$example.o"' EXIT
# shellcheck disable=SC2016 # no command, a code fence
sed -n '/^```c$/,/^```$/p' "$srcdir/README.md" | sed '1d;$d' >"$example"
grep -v SPDX "$srcdir/examples/minimal.c" | diff - "$example" || result=failed
for source in "$srcdir"/examples/*.c; do
    ${CC-cc} -std=gnu11 -I"$srcdir/include" -Wall -Wextra -Wpedantic -Werror \
        -c "$source" -o "$example.o" || result=failed
done
echo "check: $result"
[ $result = ok ]
