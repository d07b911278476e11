#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does a fleet come to the endpoint evenly? 10,000 machines with 1,000
# businesses each start within a minute, with tokens that live an hour, and run
# for eight lifetimes under a virtual clock, with the module's own refresh.c,
# limit.c and retry.c (what is simplified is said in bench/fleet_model.h). In
# the second lifetime the endpoint is down for ten minutes, and later it limits
# the rate for five. Requests are counted by the minute; from the third lifetime
# on the fullest is compared with their mean. Lost is a token that ended before
# there was another, though the endpoint was neither down nor limiting at some
# second between the drawn moment of its refresh and its end. Then the same,
# with a tenth of the machines, where outage and limit come in the fifth
# lifetime, so that the peak is what comes back after them: whose token ended
# during the outage comes as soon as it is over, since nothing better is left.
#
#   bench/fleet.sh             builds the plain variant and measures it
#   bench/fleet.sh PREFIX      the plain variant has been built
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"

top=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || "$top/scripts/build" plain >&2
make -C "$top/build/plain" -s bench/fleet >&2

simulate() { # machines early|late [FILE]; sets $peak, $lost, $unavoidable
    local requests
    echo "$1 machines, 1,000 businesses, outage and limit: $2" >&2
    read -r peak lost unavoidable requests < <(
        "$top/build/plain/bench/fleet" "$1" 1000 "$2" "${@:3}")
    echo "$requests requests" >&2
}

# What came later than the third lifetime's begin had no disturbance in it.
simulate 10000 early ${BENCH_DATA:+"$BENCH_DATA/fleet.dat"}
row '10,000 machines x 1,000 businesses: requests in the fullest minute' \
    "$peak x the mean" 'the mean, from the third lifetime on' "$peak" '<= 1.5'
row '... tokens lost that could have been replaced' "$lost" \
    "of 10,000,000; $unavoidable more could not" "$lost" '<= 0'
simulate 1000 late ${BENCH_DATA:+"$BENCH_DATA/fleet_late.dat"}
row '1,000 machines, outage and limit in the fifth lifetime: the same' \
    "$peak x the mean" 'the mean, from the third lifetime on' "$peak" -
row '... tokens lost that could have been replaced' "$lost" \
    "of 1,000,000; $unavoidable more could not" "$lost" -
