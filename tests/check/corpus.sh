#!/bin/sh
# SPDX-License-Identifier: MIT
# Each fuzz target takes its seeds, among them every input that once was a
# finding. From the build directory, with srcdir set.
set -eu

srcdir=${srcdir-.}
result=ok
for seeds in "$srcdir"/fuzz/corpus/*; do
    name=$(basename "$seeds")
    # shellcheck disable=SC2086 # a command with its options, or nothing
    ${MPS_TEST_WRAPPER-} "fuzz/fuzz_$name" "$seeds"/* >corpus-$$.out 2>&1 || {
        tail -n 40 corpus-$$.out
        echo "fuzz_$name: the seed named last"
        result=failed
    }
    rm -f corpus-$$.out
    echo "fuzz_$name: $(find "$seeds" -type f | wc -l) seeds"
done
[ -n "${name-}" ] || result=failed
echo "check: $result"
[ $result = ok ]
