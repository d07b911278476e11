#!/bin/sh
# SPDX-License-Identifier: MIT
# The README's program is examples/minimal.c. Its command builds that program,
# which then asks the emulator, run by the README's command, with the
# configuration that this prints. What the README names is there. From the
# build directory, with srcdir set; tests/module/test_readme runs what needs an
# installation.
set -eu

srcdir=$(cd "${srcdir-.}" && pwd)
readme=$srcdir/README.md
result=ok
work=$(mktemp -d)
emulator=
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || :
    rm -rf "$work"' EXIT
wrong() {
    echo "$1"
    result=failed
}

# --- its program ---------------------------------------------------------------
# shellcheck disable=SC2016 # no command, a code fence
sed -n '/^```c$/,/^```$/p' "$readme" | sed '1d;$d' >"$work/readme.c"
grep -v SPDX "$srcdir/examples/minimal.c" | diff - "$work/readme.c" ||
    wrong 'examples/minimal.c (<) and the README (>) differ'

# --- its commands -------------------------------------------------------------
build=$PWD
# The one command of the README that begins so.
command_of() {
    sed -n "s/^    \($1 .*\)/\1/p; s/.*\`\($1 [^\`]*\)\`.*/\1/p" "$readme" |
        sed 1q
}
# As installed, but for where the header and the module are.
sed "s|^includedir=.*|includedir=$srcdir/include|" mps-credential.pc \
    >"$work/mps-credential.pc"
sed "s|mps_load(&api, NULL)|mps_load(\&api, \"$build/.libs/graph.so\")|" \
    "$work/readme.c" >"$work/host.c"
# With the compiler and flags of the build, which may have a sanitizer.
cflags=$(sed -n 's/^CFLAGS = //p' Makefile)
# shellcheck disable=SC2086,SC2317,SC2329 # words; the README calls it
cc() { ${CC-cc} $cflags "$@"; }
compile=$(command_of cc)
[ -n "$compile" ] || wrong 'the README has no command that compiles'
(cd "$work" && export PKG_CONFIG_PATH="$work" && eval "$compile") ||
    wrong "this doesn't compile: $compile"

run=$(command_of mps-graph-emulator | sed "s|DIR\$|'$work/emulator'|")
mkdir "$work/emulator"
eval "exec ./$run --port=0" >"$work/conf" 2>"$work/err" &
emulator=$!
tries=0
until grep -qs '^token_file' "$work/conf"; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 "$emulator" 2>/dev/null; then
        cat "$work/err"
        echo "check: failed: this doesn't run: $run"
        exit 1
    fi
    sleep 0.1
done
# The session's keyring is no concern of a test.
echo 'keyring = off' >>"$work/conf"
MPS_CREDENTIAL_CONF=$work/conf "$work/host" 102938475610293 >"$work/out" ||
    wrong "the README's program fails"
grep -qE '^token [0-9a-f]{12} for business 102938475610293$' "$work/out" ||
    wrong "the README's program prints: $(cat "$work/out")"

# --- what it names ------------------------------------------------------------
# The scripts and files of a clone; a tarball lacks some.
{
    sed -n 's/^    \([a-z]*\/[a-z-]*\).*/\1/p' "$readme"
    # shellcheck disable=SC2016 # no command, a path
    grep -oE '`[A-Za-z]+(/[A-Za-z_.-]*|\.md)' "$readme" | tr -d '`'
} | sort -u >"$work/names"
[ "$(wc -l <"$work/names")" -ge 15 ] || wrong 'few names were found'
while read -r name; do
    [ -e "$srcdir/$name" ] || case $name in
    build/*) ;;
    *) [ ! -e "$srcdir/.git" ] || wrong "no $name, which the README names" ;;
    esac
done <"$work/names"
echo "check: $result"
[ $result = ok ]
