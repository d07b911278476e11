#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/codes.md and the README have each code of the header with its number,
# in its order, and with the classes that the source gives it; and the lines of
# the log that docs/codes.md shows are put together from texts of the source.
# From the build directory, with srcdir set.
set -eu

srcdir=${srcdir-.}
page=$srcdir/docs/codes.md
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT
result=ok
wrong() {
    echo "$1"
    result=failed
}

# "MPS_E_CONFIG = 2," of the header becomes "2 MPS_E_CONFIG RETRY, ALERT", with
# the classes of "[MPS_E_CONFIG] = {..., RETRY | ALERT}" in src/error.c.
tr '\n' ' ' <"$srcdir/src/error.c" | sed 's/  */ /g
    s/\[MPS_/\n&/g' | sed -n \
    's/^\[\(MPS_[A-Z_]*\)\] = {.*", \([A-Z| 0]*\)},.*/\1 \2/p' |
    sed 's/ | /, /g; s/ 0$//' >"$list/classes"
grep -oE '^    MPS_(OK|E_[A-Z_]+) = [0-9]+' "$srcdir/include/mps/credential.h" |
    while read -r name _ number; do
        echo "$number $(grep "^$name\>" "$list/classes" || echo "$name ?")"
    done >"$list/codes"
[ "$(wc -l <"$list/codes")" -ge 18 ] || wrong 'no codes in the header'
rows() {
    sed -n 's/^| \([0-9]*\) | \(MPS_[A-Z_]*\) | \([A-Za-z, ]*\)|.*/\1 \2 \3/p' \
        "$1" | sed 's/ *$//'
}
rows "$page" | diff "$list/codes" - ||
    wrong "the source (<) and docs/codes.md (>) differ"
rows "$srcdir/README.md" | sed 's/\<[a-z]*\>/\U&/g' | diff "$list/codes" - ||
    wrong "the source (<) and README.md (>) differ"

# The source in one line, strings that go over several lines joined.
cat "$srcdir"/src/*.c | tr '\n' ' ' | sed 's/" *"//g; s/\\"/"/g' \
    >"$list/source"
# What stands in backquotes is a line of the log. "..." and HTTP
# statuses are not compared; each piece of the rest must be in the source.
# shellcheck disable=SC2016 # no command, a line of the log
tr '\n' ' ' <"$page" | grep -o '`[^`]*`' | tr -d '`' |
    grep -E '^[A-Za-z_]+(:|,? [^=]*\.\.\.|=)|^\(|^; ' >"$list/lines"
[ "$(wc -l <"$list/lines")" -ge 20 ] || wrong 'no lines of the log were found'
sed 's/\.\.\./\n/g; s/HTTP [0-9]*/HTTP \n/g
    s/^\(MPS_E_[A-Z_]*\|[a-z_]*\): /\1\n/; s/[a-z_]*=/\n&\n/g' "$list/lines" |
    sed 's/^[:;,. ("]*//; s/[,: )("]*$//' |
    grep -E '.{4}' | sort -u >"$list/pieces"
while read -r piece; do
    case $piece in
    MPS_E_*) grep -q "^[0-9]* $piece\>" "$list/codes" ;;
    *) grep -qF -e "$piece" "$list/source" ;;
    esac || wrong "docs/codes.md: not in the source: $piece"
done <"$list/pieces"
echo "check: $result"
[ $result = ok ]
