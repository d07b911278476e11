#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the programs that are given, each into a log beside it, under
# $MPS_TEST_WRAPPER where that is set. What `make installcheck` calls. Most of
# their time they wait, and each has a scene of its own: as many run at once
# as there are processors.
set -u

if [ "${1-}" = --one ]; then
    program=$2
    # shellcheck disable=SC2086 # the wrapper is a command with its options
    if ${MPS_TEST_WRAPPER-} "./$program" >"$program.log" 2>&1 </dev/null; then
        echo "PASS: $program"
    else
        echo "FAIL: $program (exit status: $?, see $program.log)"
        exit 1
    fi
    exit 0
fi
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" "$0" --one
