#!/bin/sh
# SPDX-License-Identifier: MIT
# The functions that the header declares, the version script names and each
# module exports are the same; and the version script's nodes have each what
# they were released with, since a host that needs a node counts on all of it:
# what is new comes in a new one. From the build directory, with srcdir set.
set -eu

srcdir=${srcdir-.}
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT
result=ok

# "get_credential_fn get_credential;" declares a function by its type.
sed -n 's/^[a-z_]*_fn \([a-z_]*\);$/\1/p' \
    "$srcdir/include/mps/credential.h" | sort >"$list/header"
# "get_credential MPS_CREDENTIAL_1", of the script and of the modules.
awk '/^MPS_CREDENTIAL_[0-9]+ \{$/ { node = $1 }
    /^    [a-z_]+;$/ { print substr($1, 1, length($1) - 1) " " node }' \
    "$srcdir/plugins/module.map" | sort >"$list/map"
[ -s "$list/header" ] || result=failed
cut -d' ' -f1 "$list/map" | diff "$list/header" - || result=failed
for module in graph static; do
    nm -D --defined-only ".libs/$module.so" |
        grep -vE ' A MPS_CREDENTIAL_[0-9]+$' >"$list/symbols"
    sed -n 's/^[0-9a-f]* T \([a-z_]*\)@@\(MPS_CREDENTIAL_[0-9]*\)$/\1 \2/p' \
        "$list/symbols" | sort | diff "$list/map" - || {
        echo "$module.so exports others (>) than module.map (<)"
        result=failed
    }
    # Nothing else is visible.
    [ "$(wc -l <"$list/symbols")" -eq "$(wc -l <"$list/header")" ] || {
        echo "$module.so exports more than functions of module.map"
        result=failed
    }
done

# What each release had in its nodes, from the record of its ABI.
for record in "$srcdir"/abi/*.abi; do
    sed -n "s/.*<elf-symbol name='\([a-z_]*\)' version='\([A-Z_0-9]*\)'.*/\1 \2/p" \
        "$record" | sort >"$list/record"
    [ -s "$list/record" ] || result=failed
    cut -d' ' -f2 "$list/record" | sort -u >"$list/nodes"
    grep -wF -f "$list/nodes" "$list/map" | diff "$list/record" - || {
        echo "module.map differs (>) from the nodes of $record (<)"
        result=failed
    }
done
echo "check: $result"
[ $result = ok ]
