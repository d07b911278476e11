#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual and the shell's completion know the same options as the programs:
# each key of the configuration with its default and range, and each option of
# the command line. From the build directory, with srcdir set.
set -eu

srcdir=${srcdir-.}
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT
result=ok
wrong() {
    echo "$1"
    result=failed
}

# --- mps-credential.conf(5) against the table of the source ------------------
# A row "NUMBER(attempts, 1, 10, 3)" becomes "attempts 3 1 to 10"; an option
# without a default has "-".
sed -n '/configuration_option options\[\] = {/,/^};/p' \
    "$srcdir/src/configuration_options.c" | tr '\n' ' ' |
    sed 's/{MEMBER(/\nMEMBER(/g
        s/\(STRING\|PRIVATE\|NUMBER\|CHOICE\)(/\n\1(/g' |
    sed 's/  */ /g; s/"//g' |
    sed -n 's/^MEMBER(\([a-z_]*\)).*/\1 -/p
        s/^PRIVATE(\([a-z_]*\),.*/\1 -/p
        s/^STRING(\([a-z_]*\), [a-z_]*, NULL,.*/\1 -/p
        s/^STRING(\([a-z_]*\), [a-z_]*, \([^,]*\),.*/\1 \2/p
        s/^NUMBER(\([a-z_]*\), \([0-9]*\), \([0-9]*\), \([0-9]*\)).*/\1 \4 \2 to \3/p
        s/^CHOICE(\([a-z_]*\), [a-z_]*, [a-z_]*, \([a-z]*\),.*/\1 \2/p' |
    sort >"$list/table"
# The page's entries in the same form; a default in words is none.
sed -n '/^\.Sh OPTIONS/,/^\.Ss Lines of the log/p' \
    "$srcdir/man/mps-credential.conf.5" |
    awk '/^\.It Cm/ { if (entry) print entry; entry = $0; next }
        /^\.(El|Ss|Sh)/ { if (entry) print entry; entry = ""; next }
        entry { entry = entry " " $0 }' |
    sed -n 's/^\.It Cm \([a-z_]*\) Pq \([^ ]*\)\(.*\)/\1 \2 \3/p' |
    awk '{
        value = $2
        if ($0 ~ /^[a-z_]+ (none|see|the) / || $2 == "none,") value = "-"
        range = match($0, /[0-9]+ to [0-9]+/) && value ~ /^[0-9]+$/ \
            ? " " substr($0, RSTART, RLENGTH) : ""
        print $1 " " value range
    }' | sort >"$list/page"
# As many rows as the struct has members, but for the profile's name.
members=$(sed -n '/^struct mpsc_configuration {/,/^};/p' \
    "$srcdir/src/configuration.h" | grep -c ';')
[ "$(wc -l <"$list/table")" -eq $((members - 2)) ] ||
    wrong 'the table of options was not understood'
diff "$list/table" "$list/page" ||
    wrong 'the options (<) and mps-credential.conf(5) (>) differ'

# The file that packages install: every key, with its default, in a comment.
# A key without a default shows an example or nothing.
sed -n 's/^#\([a-z_]*\) =\(.*\)$/\1\2/p' \
    "$srcdir/packaging/mps-credential.conf" | awk '!seen[$1]++' |
    sort >"$list/installed"
awk '{ print $1 }' "$list/installed" >"$list/keys"
awk '{ print $1 }' "$list/table" | diff - "$list/keys" ||
    wrong 'the options (<) and packaging/mps-credential.conf (>) differ'
grep -v ' -$' "$list/table" | awk '{ print $1 " " $2 }' |
    sort | comm -23 - "$list/installed" | grep . &&
    wrong 'packaging/mps-credential.conf: these defaults are others'
grep -vE '^(#|$)' "$srcdir/packaging/mps-credential.conf" &&
    wrong 'packaging/mps-credential.conf sets something'

# The values that can be chosen are on the page.
sed -n '/^static const struct choice/,/;$/p' \
    "$srcdir/src/configuration_options.c" | grep -oE '\{"[a-z]+"' |
    tr -d '{"' | sort -u >"$list/values"
[ -s "$list/values" ] || wrong 'no values to choose in the table'
while read -r value; do
    grep -qE "(^\.Cm $value( |\$)|Pq $value\$)" \
        "$srcdir/man/mps-credential.conf.5" ||
        wrong "mps-credential.conf(5): no value $value"
done <"$list/values"

# --- mps-credential(1) and the completion against --help ---------------------
long() {
    grep -oE -e '--[a-z]+(-[a-z]+)*' | sort -u
}
page=$srcdir/man/mps-credential.1
# ".Fl Fl name" is "--name".
flags() {
    sed 's/Fl Fl \([a-z-]*\)/--\1/g' | long
}
sed -n '/^\.Sh DESCRIPTION/,/^\.Sh JSON/p' "$page" | grep '^\.It ' |
    flags >"$list/described"
# "  get            print the token of one customer business" is a verb's.
verbs=$(./mps-credential --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
[ -n "$verbs" ] || wrong 'mps-credential --help tells no verb'
completion=$srcdir/completion/mps-credential
common=$(sed -n "s/^ *words+='\(.*\)'\$/\1/p" "$completion")
for verb in $verbs; do
    ./mps-credential "$verb" --help | long >"$list/help"
    [ -s "$list/help" ] || wrong "$verb --help tells no option"
    # A verb's lines of the SYNOPSIS; help is said once for all.
    sed -n "/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/{/^\.Cm $verb\$/,/^\.Nm/p}" \
        "$page" | flags >"$list/synopsis"
    echo --help | sort -u - "$list/synopsis" | diff "$list/help" - ||
        wrong "$verb --help (<) and the page's SYNOPSIS (>) differ"
    { [ "$verb" = keyring-setup ] || echo "$common"; } >"$list/common"
    { cat "$list/common" && sed -n "s/^ *$verb) echo '\(.*\)' ;;\$/\1/p" \
        "$completion"; } | long | diff "$list/help" - ||
        wrong "$verb --help (<) and the completion (>) differ"
    comm -23 "$list/help" "$list/described" | grep . &&
        wrong "$verb: the page doesn't describe these options"
done
{ ./mps-credential --help | long && echo "$verbs"; } | sort >"$list/help"
sed -n "s/^ *words='\(.*\)'\$/\1/p" "$completion" | tr ' ' '\n' | sort |
    diff "$list/help" - ||
    wrong 'mps-credential --help (<) and the completion (>) differ'

# --- mps-graph-emulator(1) ---------------------------------------------------
./mps-graph-emulator --help | sed -n '/^  --/p' | long >"$list/help"
page=$srcdir/man/mps-graph-emulator.1
for section in SYNOPSIS:DESCRIPTION DESCRIPTION:FILES; do
    sed -n "/^\.Sh ${section%:*}/,/^\.Sh ${section#*:}/p" "$page" |
        grep -E '^\.(Op|It|Fl|Nm)' | flags | diff "$list/help" - ||
        wrong "mps-graph-emulator --help (<) and its ${section%:*} (>) differ"
done
echo "check: $result"
[ $result = ok ]
