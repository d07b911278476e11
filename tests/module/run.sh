#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the programs that are given, each into a log beside it, under
# $MPS_TEST_WRAPPER where that is set. What `make installcheck` calls. Most of
# their time they wait, and each has a scene of its own: as many run at once
# as there are processors. What fails beside others is run once more alone,
# which is said: some tests need a thread or a process in time. The logs of
# those that run with static.so have names of their own.
set -u

case ${MPS_TEST_MODULE-} in
*/static.so) suffix=.static ;;
*) suffix= ;;
esac

if [ "${1-}" = --one ]; then
    program=$2
    # shellcheck disable=SC2086 # the wrapper is a command with its options
    ${MPS_TEST_WRAPPER-} "./$program" >"$program$suffix.log" 2>&1 </dev/null
    status=$?
    if [ "$status" -eq 0 ]; then
        echo "PASS: $program$suffix"
    else
        program=$program$suffix
        echo "${3-FAIL}: $program (exit status: $status, see $program.log)"
        cp "$program.log" "$program.failed"
        exit 1
    fi
    exit 0
fi
[ $# -gt 0 ] || exit 0
for program; do
    rm -f "$program$suffix.failed"
done
printf '%s\n' "$@" | xargs -I '{}' -P "$(nproc)" "$0" --one '{}' BESIDE
failed=0
for program; do
    if [ -e "$program$suffix.failed" ]; then
        "$0" --one "$program" || failed=1
    fi
done
exit $failed
