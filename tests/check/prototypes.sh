#!/bin/sh
# SPDX-License-Identifier: MIT
# What section 3 of the manual says of functions, structs and codes is what
# the headers say: each function has a page, and name, types and arguments in
# its SYNOPSIS; each struct that a page shows has the header's members; each
# list of codes has them all, with their numbers.
set -eu

srcdir=${srcdir-.}
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT
result=ok
wrong() {
    echo "$1"
    result=failed
}

# The headers without comments and preprocessor lines, one declaration a line.
cat "$srcdir"/include/mps/*.h | sed '/^#.*\\$/,/[^\\]$/d; /^#/d' |
    tr '\n' ' ' | sed 's,/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/,,g
        s/extern "C" {//g; s/  */ /g' >"$list/text"
tr ';' '\n' <"$list/text" | sed 's/^ *//; s/ *$//' >"$list/declarations"

# "typedef int name_fn(int a)" is a function's type and "name_fn name" the
# function of it; one without such a function is a callback's type. Inline
# functions are declared as they are.
sed -n 's/^\([a-z_]*_fn\) \([a-z_]*\)$/\2/p' "$list/declarations" |
    sort >"$list/functions"
while read -r line; do
    type=$(echo "$line" | sed -n 's/^typedef .*[ *]\([a-z_]*_fn\)(.*)$/\1/p')
    [ -n "$type" ] || continue
    if grep -qx "${type%_fn}" "$list/functions"; then
        echo "$line" | sed 's/^typedef //; s/_fn(/(/'
    else
        echo "$line"
    fi
done <"$list/declarations" >"$list/header"
grep -oE 'static inline [a-z ]+ \**[a-z_]*[a-z]\([^()]*\) \{' "$list/text" |
    sed 's/^static inline //; s/ {$//' >>"$list/header"
sort -o "$list/header" "$list/header"

# The pages' .Ft, .Fo, .Fa and .Fc, in the same form.
cat "$srcdir"/man/*.3 | awk '
    function bare(text) {
        gsub(/"/, "", text)
        return text
    }
    /^\.Sh/ { synopsis = $2 == "SYNOPSIS" }
    !synopsis { next }
    /^\.Ft/ { type = bare(substr($0, 5)) }
    /^\.Fo/ { name = $2; arguments = "" }
    /^\.Fa/ {
        arguments = arguments (arguments == "" ? "" : ", ") \
            bare(substr($0, 5))
    }
    /^\.Fc/ {
        print type (type ~ /\*$/ ? "" : " ") name "(" arguments ")"
    }' | sort >"$list/pages"

[ "$(wc -l <"$list/functions")" -ge 14 ] ||
    wrong 'the headers were not understood'
diff "$list/header" "$list/pages" ||
    wrong "the headers (<) and section 3 (>) differ"
# man(1) finds a page by its file's name, or by NAME where it has an index: a
# function has a page of its own or a link to the one that names it.
while read -r name; do
    page=$(sed -n "s/^\t$name\.3:\([a-z_]*\.3\)\( \\\\\)\{0,1\}$/\1/p" \
        "$srcdir/man/manual.am")
    page=$srcdir/man/${page:-$name.3}
    grep -qsE "^\.Nm $name( ,)?\$" "$page" ||
        wrong "$name: neither it nor manual_links of man/manual.am has a page"
done <"$list/functions"

# Structs and codes.
for page in "$srcdir"/man/*.3; do
    tr '\n' ' ' <"$page" |
        grep -oE 'struct [a-z_]+ \{[^}]*\}' | sed 's/  */ /g' \
        >"$list/structs" || true
    while read -r struct; do
        grep -qF "$struct" "$list/text" ||
            wrong "$page: no such struct in the headers: $struct"
    done <"$list/structs"
done
sed 's/, / = /' "$list/text" | grep -oE 'MPS_(OK|E_[A-Z_]+) = [0-9]+' |
    sed 's/\(.*\) = \(.*\)/\2 \1/' | sort -n >"$list/codes"
[ "$(wc -l <"$list/codes")" -ge 18 ] || wrong 'no codes in the headers'
for page in mps-credential.1 credential_error.3; do
    sed -n 's/^\.It \([0-9]*\) Pq \(MPS_.*\)$/\1 \2/p' "$srcdir/man/$page" |
        sort -n | diff "$list/codes" - ||
        wrong "$page: the codes differ from the header's"
done
for struct in mps_credential mps_request mps_error; do
    grep -q "^struct $struct {" "$srcdir"/man/*.3 ||
        wrong "struct $struct is on no page"
done
echo "check: $result"
[ $result = ok ]
