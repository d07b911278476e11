#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How many requests are made under load? 16 processes with 16 threads each, which
# prefetch and then ask for every business once a second, with a keyring, for
# six lifetimes of a token: an hour, if they lived ten minutes. The hour is made
# short by tokens that live less: the draw of the refresh and its last tenth go
# by the lifetime up to ten minutes, so that only what takes real time (fetches,
# the keyring) is longer beside it, and the module has it harder. The least
# possible is one request for each business, and one whenever a token has come
# to the moment that was drawn for it; all others are too many. Each token
# costs each process a helper, some 20 ms of a processor: 1,000 businesses on
# two processors take a lifetime of about 400 s.
#
#   bench/load.sh [PREFIX]
#   bench/load.sh --scale=PROCESSES,THREADS,BUSINESSES,LIFETIME_S [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

processes=16 threads=16 businesses=100 lifetime_s=40
case ${1-} in
--scale=*)
    IFS=, read -r processes threads businesses lifetime_s <<<"${1#--scale=}"
    ;;
esac
seconds=$((6 * lifetime_s))

make -C "$top/build/plain" -s bench/load_host >&2
session_emulator "lifetime_s = $lifetime_s"
configure 'keyring_deadline_ms = 20000' 'deadline_ms = 60000'
seq 102290129340001 $((102290129340000 + businesses)) >list

echo "$processes processes, $threads threads, $businesses businesses," \
    "tokens of $lifetime_s s: $seconds s" >&2
hosts=()
for ((i = 0; i < processes; i++)); do
    "$top/build/plain/bench/load_host" \
        "$prefix/lib/mps-credential/graph.so" list "$threads" "$seconds" \
        "$lifetime_s" >"host.$i" &
    hosts+=($!)
done
for pid in "${hosts[@]}"; do
    wait "$pid" || fail 'a host failed'
done

# A business's tokens in the order of their receipt, which is known by the
# second: each is due where the moment of the one before it has come.
due=$(grep -h '^token' host.* | sort -u | sort -k 2,2 -k 4,4n | awk '
    $2 != business || ($4 - end + 1) * 1000 >= offset { due++ }
    { business = $2; end = $4; offset = $5 }
    END { print due + 0 }')
made=$(requests)
sum() { # word
    cat host.* | awk -v word="$1" '$1 == word { n += $2 } END { print n }'
}
row "requests, $processes processes x $threads threads x $businesses \
businesses, $seconds s of tokens of $lifetime_s s" "$made" \
    "the least possible: $due" \
    "$(awk -v a="$made" -v b="$due" 'BEGIN { printf "%.3f", a / b }')" \
    '<= 1.05'
row '... calls that failed' "$(sum failed)" "of $(sum calls)" \
    "$(sum failed)" '<= 0'
