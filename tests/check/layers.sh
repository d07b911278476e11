#!/bin/sh
# SPDX-License-Identifier: MIT
# Each file of src/ is in the layer table of docs/architecture.md and includes
# headers of its own layer or a lower one alone; libcurl is in one file, and
# GLib in none.
set -eu

srcdir=${srcdir-.}
table=$(mktemp)
trap 'rm -f "$table"' EXIT
# "| 1 | configuration* log | values |" becomes lines "configuration* 1".
sed -n 's/^| \([0-5]\) | \([^|]*\) |.*/\1 \2/p' \
    "$srcdir/docs/architecture.md" | tr -d ';' |
    while read -r layer names; do
        # shellcheck disable=SC2086 # words; the * stands for itself
        set -f && printf '%s\n' $names | sed "s/\$/ $layer/"
    done >"$table"

layer_of() {
    while read -r name layer; do
        # shellcheck disable=SC2254 # a pattern it is
        case $1 in
        $name)
            echo "$layer"
            return
            ;;
        esac
    done <"$table"
}

result=ok
wrong() {
    echo "$1"
    result=failed
}
for file in "$srcdir"/src/*.[ch]; do
    name=$(basename "${file%.[ch]}")
    layer=$(layer_of "$name")
    [ -n "$layer" ] || wrong "$file: in no layer of docs/architecture.md"
    # shellcheck disable=SC2013 # names without blanks
    for header in $(sed -n 's/^#include "\(.*\)\.h"$/\1/p' "$file"); do
        [ "$header" != config ] || continue
        other=$(layer_of "$header")
        [ "${other:-9}" -le "${layer:-0}" ] ||
            wrong "$file: layer $layer includes $header.h of layer $other"
    done
done
[ "$(grep -l '<curl/' "$srcdir"/src/*.[ch])" = "$srcdir/src/http_curl.c" ] ||
    wrong 'libcurl is not in http_curl.c alone'
if grep -lE '<(glib|gio|libsecret)' "$srcdir"/src/*.[ch] \
    "$srcdir"/plugins/*/*.c "$srcdir"/tools/*/*.[ch]; then
    wrong 'GLib or libsecret outside the keyring helper'
fi
echo "check: $result"
[ $result = ok ]
