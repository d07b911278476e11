#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How fast is a prefetch? 1,000 businesses against `curl --parallel
# --parallel-max 32` with the same requests, at an endpoint that takes 50 ms for
# each: over HTTP/1.1 the emulator itself, over HTTP/2 with nginx in front;
# without a keyring, and with one. Measured are whole processes: a host that
# calls prefetch_credentials() and ends, and `mps-credential prefetch`, which
# waits until the keyring has all, too. They are run in turn, five times; the
# medians count.
# 32 at once and 50 ms for each make 1,600 ms at the least, for curl as well.
# What comes on top with a keyring: until it has been read (15 ms), and the last
# page, which is written when all is there.
#
#   bench/prefetch.sh [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

runs=5
businesses=1000
at_once=32
latency_ms=50

compile prefetch_host host.c
session_emulator "latency_ms = $latency_ms"
session_nginx

# Each measured run has businesses of its own: nobody finds them in a keyring.
next=1
measure() { # command...; its time in ms to $took; all were asked for
    local before begin
    before=$(requests)
    begin=$(now_ms)
    "$@"
    took=$(($(now_ms) - begin))
    [ $(($(requests) - before)) -eq $businesses ] ||
        fail "$(($(requests) - before)) requests: $*"
    next=$((next + businesses))
}

by_curl() { # base_url CA
    local i
    {
        printf 'cacert = "%s"\n' "$2"
        printf 'header = "Authorization: Bearer %s"\n' "$(cat "$token")"
        for ((i = 0; i < businesses; i++)); do
            printf 'url = "%s/v25.0/%s/access_token?business_id=%s"\n' "$1" \
                "$solution" $((next + i))
            printf 'output = "/dev/null"\n'
        done
    } >list.curl
    # Its progress goes to standard error, whatever it is told.
    measure curl -qsf --parallel --parallel-max $at_once --config list.curl \
        2>/dev/null
}

list() { # base_url CA keyring
    configure "base_url = $1" "ca_file = $2" "keyring = $3" \
        'keyring_deadline_ms = 10000' 'deadline_ms = 60000'
    seq $next $((next + businesses - 1)) >list
    # Not slowed down by what the runs before have stored.
    "$prefix/bin/mps-credential" forget --all >/dev/null 2>&1 || :
}

by() { # command...
    measure "$@" >/dev/null 2>by.err || {
        cat by.err >&2
        exit 1
    }
}

compare() { # name base_url CA keyring
    local run curl=() host=() command=() a b c
    for ((run = 0; run < runs; run++)); do
        by_curl "$2" "$3"
        curl+=("$took")
        list "$2" "$3" "$4"
        by ./prefetch_host "$prefix/lib/mps-credential/provider.so" list
        host+=("$took")
        list "$2" "$3" "$4"
        by "$prefix/bin/mps-credential" prefetch list
        command+=("$took")
    done
    a=$(median "${curl[@]}")
    b=$(median "${host[@]}")
    c=$(median "${command[@]}")
    row "a host prefetches $businesses, $1" "$b ms" "curl --parallel: $a ms" \
        "$(ratio "$b" "$a")" '<= 1.0'
    row "mps-credential prefetch, $1" "$c ms" "curl --parallel: $a ms" \
        "$(ratio "$c" "$a")" -
}

for keyring in off preferred; do
    with='no keyring'
    [ $keyring = off ] || with='with keyring'
    compare "HTTP/1.1, $with" "$base_url" "$ca" $keyring
    compare "HTTP/2, $with" "$fronted" "$fronted_ca" $keyring
done
