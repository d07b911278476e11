#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What it costs to keep tokens in gnome-keyring: a prefetch of so many until
# all are stored, in the pages that the module packs them into; one token more
# when so many are there; and one item for each token, by libsecret's simple
# calls. And how long a process that was started again takes until it serves
# 10,000 from memory.
# For each store gnome-keyring encrypts and writes its whole file: that is what
# one token more takes the longer, the more there are, however they are packed.
#
#   bench/keyring.sh [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

sizes='100 1000 10000 100000'
module=$prefix/lib/mps-credential/graph.so
cli=$prefix/bin/mps-credential

compile later_fetch -lcurl
compile restart
# shellcheck disable=SC2046 # words
compile items $(pkg-config --cflags --libs libsecret-1)
session_emulator 'latency_ms = 0'
configure 'keyring_deadline_ms = 20000' 'deadline_ms = 120000'
url="$base_url/v25.0/$solution/access_token?business_id="
header="Authorization: Bearer $(cat "$token")"
"$cli" get 1 >token
length=$(($(wc -c <token) - 1))
declare -A batch single item lookup

per() { # milliseconds count
    awk -v ms="$1" -v count="$2" 'BEGIN { printf("%.3f", ms / count) }'
}

prefetch() { # how many
    local begin
    seq 5000001 $((5000000 + $1)) >"list.$1"
    "$cli" forget --all >/dev/null 2>&1
    begin=$(now_ms)
    "$cli" prefetch "list.$1" >/dev/null || fail "a prefetch of $1"
    batch[$1]=$(per $(($(now_ms) - begin)) "$1")
}

# From when the caller has its token until the keyring has it.
store_one() { # with how many there
    local run
    for run in 1 2 3 4 5; do
        ./later_fetch "$module" "$url" "$ca" "$header" \
            5000020 $((7000000 + 10 * run)) 3
    done >later
    # shellcheck disable=SC2046 # words
    single[$1]=$(median $(awk '{ print $4 - $3 }' later))
}

measure_restart() {
    local run times first=() hot=()
    for run in 1 2 3 4 5; do
        read -ra times < <(./restart "$module" list.10000)
        first+=("${times[0]}")
        hot+=("${times[1]}")
        echo "restart $run: ${times[*]}" >&2
    done
    first_ms=$(median "${first[@]}")
    hot_ms=$(median "${hot[@]}")
}

for size in $sizes; do
    prefetch "$size"
    store_one "$size"
    echo "$size tokens: ${batch[$size]} ms each in a batch," \
        "${single[$size]} ms for one more" >&2
    [ "$size" -ne 10000 ] || measure_restart
done
"$cli" forget --all >/dev/null 2>&1
for size in 100 1000; do
    read -r item[$size] lookup[$size] < <(./items "$size" "$length")
    echo "$size items: ${item[$size]} ms each" >&2
done

for size in $sizes; do
    echo "$size ${batch[$size]} ${single[$size]} ${item[$size]-NaN}"
done >"$BENCH_DATA/keyring.dat"

row 'prefetch 10,000 and store them, each' "${batch[10000]} ms" \
    "of 100, each: ${batch[100]} ms" \
    "$(ratio "${batch[10000]}" "${batch[100]}")" '<= 2'
row 'prefetch 100,000 and store them, each' "${batch[100000]} ms" \
    "of 100, each: ${batch[100]} ms" \
    "$(ratio "${batch[100000]}" "${batch[100]}")" -
row 'store one more at 10,000' "${single[10000]} ms" \
    "at 100: ${single[100]} ms" \
    "$(ratio "${single[10000]}" "${single[100]}")" '<= 5'
row 'store one more at 100,000' "${single[100000]} ms" \
    "at 100: ${single[100]} ms" \
    "$(ratio "${single[100000]}" "${single[100]}")" -
row 'prefetch 1,000 and store them, each' "${batch[1000]} ms" \
    "one item each, 1,000: ${item[1000]} ms" \
    "$(ratio "${batch[1000]}" "${item[1000]}")" -
row 'a restarted process until it serves 10,000 from memory' \
    "$hot_ms ms (the first call: $first_ms ms)" \
    "one item each, 1,000 looked up: $(per "${lookup[1000]}" 0.001) ms" \
    "$(per "$hot_ms" 1000) s" '<= 0.5'
