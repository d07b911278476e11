#!/bin/sh
# SPDX-License-Identifier: MIT
# Each file of src/ is in the layer table of docs/architecture.md and includes
# headers of its own layer or a lower one alone; libcurl is in one file, and
# GLib in the helper alone. The helper shares only libmpsbase with the module,
# the tools are hosts like any other, and the public headers need no other.
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
[ "$(grep -rl '<curl/' "$srcdir/src" "$srcdir/plugins" \
    "$srcdir/keyring-helper" "$srcdir/tools" "$srcdir/include")" = \
    "$srcdir/src/http_curl.c" ] ||
    wrong 'libcurl is not in http_curl.c alone'
if grep -rlE '<(glib|gio|libsecret|dbus)' "$srcdir/src" "$srcdir/plugins" \
    "$srcdir/tools" "$srcdir/include"; then
    wrong 'GLib, libsecret or D-Bus outside the keyring helper'
fi
# Nor by way of another library.
if readelf -d .libs/graph.so | grep -E 'NEEDED.*(glib|gio|gobject|secret|dbus)'; then
    wrong 'the module is linked to the helper'"'"'s libraries'
fi

# Who starts it waits until it has been loaded.
if readelf -d keyring-helper/keyring-helper | grep -E 'NEEDED.*(crypto|ssl|curl)'; then
    wrong 'the helper is linked to libraries that it needs for nothing'
fi

# The module for emergencies needs the least.
if readelf -d .libs/static.so | grep -E 'NEEDED.*(curl|ssl)'; then
    wrong 'static.so is linked to libraries of the network'
fi

# "src/clock.c src/clock.h" of libmpsbase in Makefile.am.
base=$(sed -n '/^libmpsbase_la_SOURCES/,/[^\\]$/p' "$srcdir/Makefile.am" |
    grep -o 'src/[a-z_]*\.h')
[ -n "$base" ] || wrong 'libmpsbase was not found in Makefile.am'
# shellcheck disable=SC2013 # names without blanks
for header in $(sed -n 's/^#include "\(.*\)"$/\1/p' \
    "$srcdir"/keyring-helper/*.[ch] | sort -u); do
    if [ "$header" != config.h ] &&
        [ ! -e "$srcdir/keyring-helper/$header" ] &&
        ! echo "$base" | grep -qx "src/$header"; then
        wrong "the helper includes $header, which libmpsbase doesn't have"
    fi
done
# The tools know the ABI alone, but for the verbs that tell of what no host
# sees, and what these have in common.
if grep -HE '^#include "(\.\.|src/)' "$srcdir"/tools/*/*.[ch] |
    grep -vE '/cli/(account|all_users|config|doctor|forget|metrics|status|survey|which)[a-z_]*\.[ch]:#include "src/'
then
    wrong 'a tool includes a header of the module'
fi
if grep -HE '^#include "' "$srcdir"/include/mps/*.h ||
    grep -hE '^#include <mps/' "$srcdir/include/mps/credential.h"; then
    wrong 'a public header needs a header that is not installed'
fi
echo "check: $result"
[ $result = ok ]
