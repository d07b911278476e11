#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What does it cost a host to open the module? dlopen() of graph.so against
# that of libcurl.so.4, which it needs: time, and by how much the process grows;
# each in a new process, in turn, 51 times. Medians. The share, where a page that
# N processes have counts as 1/N, says most of what else runs here.
#
#   bench/dlopen.sh [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

runs=51

compile dlopen -ldl
for ((i = 0; i < runs; i++)); do
    ./dlopen "$prefix/lib/mps-credential/graph.so" >>module.out
    ./dlopen libcurl.so.4 >>curl.out
done

compare() { # what, field, unit
    local ours theirs
    # shellcheck disable=SC2046 # numbers
    ours=$(median $(field "$2" module.out))
    # shellcheck disable=SC2046
    theirs=$(median $(field "$2" curl.out))
    row "dlopen of the module: $1" "$ours $3" "libcurl: $theirs $3" \
        "$(ratio "$ours" "$theirs")" "$4"
}

compare time 1 us '<= 1.1'
compare 'resident size' 2 KB '<= 1.1'
compare 'share of resident size' 3 KB -
