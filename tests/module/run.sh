#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the programs that are given, each into a log beside it, under
# $MPS_TEST_WRAPPER where that is set. What `make installcheck` calls.
set -u

failed=0
for program in "$@"; do
    # shellcheck disable=SC2086 # the wrapper is a command with its options
    if ${MPS_TEST_WRAPPER-} "./$program" >"$program.log" 2>&1; then
        echo "PASS: $program"
    else
        echo "FAIL: $program (exit status: $?, see $program.log)"
        failed=1
    fi
done
exit $failed
