#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the first call of a process costs, and its later fetches: whole
# processes against curl and secret-tool, run in turn, medians; and in one
# process against libcurl alone. The endpoint is at loopback and answers at
# once, its CA is one of some 140 in the file.
# Where the time of a first call goes, by perf's probes with little else to do:
# of 24 ms from the keyring dlopen(3) of libcurl and its 30 libraries takes 5,
# configuration and OpenSSL 1, two clones and an exec 1, the end of the process
# 1, and the helper 12, as long as secret-tool as a whole: 2 to load GLib, 5 for
# the Diffie-Hellman exchange of libsecret's session. A first fetch is a curl
# and 9 ms more, for a helper that finds no page. No connection is opened beside
# it: who finds a token needs none, and to read the CA file takes longer (20 ms)
# than the helper.
#
#   bench/calls.sh [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

runs=31
module=$prefix/lib/mps-credential/graph.so

compile alternate
compile first_call
compile later_fetch -lcurl
session_emulator 'latency_ms = 0'
cat "$ca" /etc/ssl/certs/ca-certificates.crt >bundle.pem
printf 'Authorization: Bearer %s\n' "$(cat "$token")" >header
url="$base_url/v25.0/$solution/access_token?business_id="

with_keyring() { # preferred|off
    configure "ca_file = $HOME/bundle.pem" "keyring = $1" \
        'keyring_deadline_ms = 10000'
}

# A business of its own for each run, of more digits for curl's.
first_against_curl() { # what number goal
    local times
    read -ra times < <(./alternate $runs "$2" \
        ./first_call "$module" '{}' endpoint -- \
        curl -qsf --cacert bundle.pem -H @header -o /dev/null "${url}9{}")
    row "first call of a process, $1" "${times[0]} ms" \
        "curl, whole process: ${times[1]} ms" \
        "$(ratio "${times[0]}" "${times[1]}")" "$3"
}

store() { # how many tokens are to be in the keyring
    seq 5000001 $((5000000 + $1)) >list
    "$prefix/bin/mps-credential" forget --all >/dev/null 2>&1
    "$prefix/bin/mps-credential" prefetch list >/dev/null
}

first_against_secret_tool() { # how many tokens
    local times
    store "$1"
    read -ra times < <(./alternate $runs 0 \
        ./first_call "$module" 5000005 keyring -- \
        secret-tool lookup application bench | tr -d A)
    row "first call of a process, from a keyring with $1 tokens" \
        "${times[0]} ms" "secret-tool lookup, whole process: ${times[1]} ms" \
        "$(ratio "${times[0]}" "${times[1]}")" '<= 1.5'
}

# A process that finds more than three tokens in the keyring reads it whole.
later() {
    local run kept helper fetch stored bound
    for run in 1 2 3 4 5 6 7 8 9; do
        ./later_fetch "$module" "$url" bundle.pem "$(cat header)" \
            5000100 $((7000000 + 10 * run)) 3
    done >later
    # shellcheck disable=SC2046 # words
    {
        kept=$(median $(cut -d' ' -f1 later))
        helper=$(median $(cut -d' ' -f2 later))
        fetch=$(median $(cut -d' ' -f3 later))
        stored=$(median $(cut -d' ' -f4 later))
    }
    bound=$(awk -v kept="$kept" -v helper="$helper" \
        'BEGIN { printf("%.2f", 1.5 * kept + helper) }')
    row 'a later fetch of another business' "$fetch ms" \
        "1.5 x libcurl on a kept connection ($kept ms) + one helper \
($helper ms): $bound ms" "$(ratio "$fetch" "$bound")" '<= 1.0'
    row 'until the caller has its token' "$fetch ms" \
        "until the keyring has it: $stored ms" \
        "$(ratio "$fetch" "$stored")" -
}

printf 'AAAAAAAAAAAAAAAA' |
    secret-tool store --label=bench application bench
with_keyring preferred
first_against_curl 'nothing in the keyring' 10000 '<= 1.3'
first_against_secret_tool 10
first_against_secret_tool 10000
later
with_keyring off
first_against_curl 'no keyring' 20000 -
