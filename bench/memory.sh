#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What memory does a cached token take? Measured is what a host's private
# written pages grow by when 10,000 businesses follow 10,000 others: what is
# there once is there by then, and what is free on the heap isn't counted.
# And with tokens that live for seconds, does 10 million calls' rotation make
# it grow? The first half has seen all that there is at any one time.
#
#   bench/memory.sh            builds the plain variant and measures it
#   bench/memory.sh PREFIX     measures what is installed there
set -eu

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

count=10000
runs=5
rotating=200
calls=10000000
seconds=60

compile memory_host -lpthread
module=$prefix/lib/mps-credential/graph.so

measure_cached() {
    local run first bytes length firsts=() all=()

    for ((run = 0; run < runs; run++)); do
        read -r first bytes length < <(./memory_host "$module" cached $count)
        firsts+=("$first")
        all+=("$bytes")
    done
    bytes=$(median "${all[@]}")
    row "memory per cached token, from $count to $((2 * count)) businesses" \
        "$bytes bytes" \
        "the token, $length bytes" \
        "$(awk -v a="$bytes" -v b="$length" 'BEGIN { print a - b }')" '<= 200'
    first=$(median "${firsts[@]}")
    row "the same from 1 business on, with what $count fetches leave" \
        "$first bytes" "the token, $length bytes" \
        "$(awk -v a="$first" -v b="$length" 'BEGIN { print a - b }')" '-'
}

measure_rotation() {
    local before middle end fetched

    before=$(requests)
    {
        read -r middle
        read -r end
    } < <(./memory_host "$module" rotation $rotating $calls $seconds)
    fetched=$(($(requests) - before))
    row "growth of memory in $((calls / 2)) calls of 2 threads, KiB" \
        "$((end / 1024)) KiB at the end, $fetched tokens fetched" \
        "$((middle / 1024)) KiB after as many calls before" \
        "$(((end - middle) / 1024))" '<= 128'
}

session_emulator
configure 'keyring = off' 'deadline_ms = 60000'
echo "$runs times $((2 * count)) businesses" >&2
measure_cached
session_end
wait

session_emulator 'lifetime_s = 4'
configure 'keyring = off'
echo "$calls calls in $seconds s, tokens that live for 4 s" >&2
measure_rotation
