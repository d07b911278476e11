#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Are calls that memory can answer held up by refreshes? Two threads call
# without a pause, ten million times and more, while the tokens of 1,000
# businesses are refreshed at an endpoint that takes a second for each. A call
# that waited for a lock that is held over a request would take as long. By
# callgrind, in a second run: how many of the calls leave the fast path. (Once
# a second one must, to look whether a file has changed, and one for each new
# token, to take it up; under callgrind most of these are still on their way.)
#
#   bench/refreshing.sh [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

latency_ms=1000
businesses=1000
calls=10000000
seconds=20
module=$prefix/lib/mps-credential/graph.so

compile refreshing host.c -lpthread
session_emulator "latency_ms = $latency_ms" 'lifetime_s = 86400'
configure 'keyring = off' 'deadline_ms = 120000'
seq 102290129340001 $((102290129340000 + businesses)) >list

refreshing() { # command before it...; how many there were to $refreshed
    local before
    before=$(requests)
    "$@" ./refreshing "$module" list $calls $seconds >result
    refreshed=$(($(requests) - before - businesses))
    # Some are still on their way, under callgrind more of them.
    [ $refreshed -ge $((businesses / 2)) ] ||
        fail "only $refreshed of $businesses were refreshed"
}

refreshing
read -r made waits longest_ms _ <result
in_all="$((made / 1000000)) million calls, $refreshed refreshes"
row "longest 100 calls of $in_all" "$longest_ms ms" \
    "a request: $latency_ms ms" "$(ratio "$longest_ms" $latency_ms)" '<= 0.5'
row "waits for any lock, of $in_all" "$waits" 'a wait a refresh' \
    "$(ratio "$waits" "$refreshed")" -

# Calls of a function, by any other, in callgrind's files.
entries() { # function
    awk -v name="cfn=$1" '$0 == name { found = 1; next }
        found && /^calls=/ { split($1, part, "="); sum += part[2]; found = 0 }
        END { print sum + 0 }' calls.out-*
}

# With files of their own, the threads are switched on one by one.
refreshing valgrind -q --tool=callgrind --fair-sched=yes \
    --separate-threads=yes --compress-strings=no \
    --toggle-collect=keep_calling --callgrind-out-file=calls.out
read -r made _ _ took_s <result
slow=$(entries mpsc_get)
[ "$(entries get_credential)" -eq "$made" ] ||
    fail "callgrind has counted $(entries get_credential) calls of $made"
[ "$slow" -gt 0 ] || fail 'callgrind has counted no look'
row "slow of $((made / 1000000)) million calls, $refreshed refreshes" "$slow" \
    "looks: $((2 * took_s)); new tokens taken up: $refreshed at most" \
    "$(ratio "$slow" $((2 * took_s + refreshed)))" '<= 1.0'
