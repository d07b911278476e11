#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How many instructions does a token from memory cost, of the calling thread's,
# from get_credential() to the end of release_credential()? Counted by
# callgrind over 500,000 pairs on 1,000 businesses, with the first call for each,
# which takes the lock, and the looks once a second. The count varies by what
# the looks take, much less than one instruction a pair.
#
#   bench/instructions.sh [PREFIX]
#   bench/instructions.sh --check [PREFIX]   no more than the budget, or fails
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

budget=250
pairs=500000

compile hot host.c floor.c pairs.c -lpthread
session_emulator 'lifetime_s = 86400'
configure 'keyring = off' 'deadline_ms = 60000'
seq 102290129340001 102290129341000 >list

count() { # two functions; instructions for a call of each
    valgrind -q --tool=callgrind --toggle-collect="$1" --toggle-collect="$2" \
        --callgrind-out-file="$1.out" \
        ./hot "$prefix/lib/mps-credential/graph.so" list count $pairs
    awk -v pairs=$pairs '/^summary:|^totals:/ { total = $2 }
        END { printf "%.1f", total / pairs }' "$1.out"
}

ours=$(count get_credential release_credential)
if [ "${1-}" = --check ]; then
    awk -v ours="$ours" -v budget=$budget 'BEGIN { exit !(ours <= budget) }' ||
        fail "$ours instructions a pair, the budget is $budget;" \
            "callgrind_annotate says where"
    echo "$ours instructions a pair, of $budget"
    exit 0
fi
row 'get and release, 1 thread' "$ours instructions" \
    "floor: $(count floor_get floor_release)" "$ours" "<= $budget"
