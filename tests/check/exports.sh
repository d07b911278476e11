#!/bin/sh
# SPDX-License-Identifier: MIT
# The functions that the header declares, the version script names and the
# module exports are the same. From the build directory, with srcdir set.
set -eu

srcdir=${srcdir-.}
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT

# "get_credential_fn get_credential;" declares a function by its type.
sed -n 's/^[a-z_]*_fn \([a-z_]*\);$/\1/p' \
    "$srcdir/include/mps/credential.h" | sort >"$list/header"
sed -n 's/^    \([a-z_]*\);$/\1/p' "$srcdir/plugins/graph/graph.map" |
    sort >"$list/map"
nm -D --defined-only .libs/graph.so |
    sed -n 's/^[0-9a-f]* T \([a-z_]*\)@@MPS_CREDENTIAL_1$/\1/p' |
    sort >"$list/module"
nm -D --defined-only .libs/graph.so |
    grep -cv ' A MPS_CREDENTIAL_1$' >"$list/count"

result=ok
[ -s "$list/header" ] || result=failed
diff "$list/header" "$list/map" || result=failed
diff "$list/header" "$list/module" || result=failed
# Nothing else is visible.
[ "$(cat "$list/count")" -eq "$(wc -l <"$list/header")" ] || result=failed
echo "check: $result"
[ $result = ok ]
