#!/bin/sh
# SPDX-License-Identifier: MIT
# Each example runs with both modules as they were built, not installed:
# static.so with a file, graph.so with the emulated endpoint and without a
# keyring. Two businesses have a token, a third has none. From the build
# directory, with srcdir set; the programs run under $MPS_TEST_WRAPPER.
set -eu

srcdir=${srcdir-.}
emulator=
router=
work=$(mktemp -d)
finish() {
    for pid in $emulator $router; do
        kill "$pid" 2>/dev/null || :
    done
    rm -rf "$work"
}
trap finish EXIT
result=ok
wrong() {
    echo "$*"
    cat "$work/out" "$work/err"
    result=failed
}
# wait_for COMMAND...: until it succeeds, ten seconds at most.
wait_for() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || return 1
        sleep 0.1
    done
}

# --- what the modules find ---------------------------------------------------
cat >"$work/static" <<'JSON'
{
    "1001": {"access_token": "EAAone", "expires_at": 4102444800},
    "1002": {"access_token": "EAAtwo"}
}
JSON
chmod 600 "$work/static"
printf 'static_file = %s\nlog = off\naudit = off\n' "$work/static" \
    >"$work/static.conf"
printf '[business 1003]\nstatus = 404\n' >"$work/scenario"
"${MPS_GRAPH_EMULATOR-./mps-graph-emulator}" --port=0 --dir="$work" \
    --scenario="$work/scenario" >"$work/graph.conf" 2>"$work/emulator.log" &
emulator=$!
wait_for grep -q token_file "$work/graph.conf" || {
    cat "$work/emulator.log"
    echo "the emulator doesn't start"
    echo 'check: failed'
    exit 1
}
printf 'keyring = off\nlog = off\naudit = off\n' >>"$work/graph.conf"

# --- the examples --------------------------------------------------------------
# run STATUS COMMAND...: its output is in out and err.
run() {
    expected=$1
    shift
    status=0
    # shellcheck disable=SC2086 # the wrapper is a command with its options
    timeout 60 ${wrapper-} "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status -eq "$expected" ] ||
        wrong "$* ($module.so): exit status $status, not $expected"
}
# check_tokens COMMAND...: with businesses that have tokens.
check_tokens() {
    run 0 "$@" 1001 1002
    for business in 1001 1002; do
        grep -qE "^$business: token [0-9a-f]{12}" "$work/out" ||
            wrong "$* ($module.so): no token for $business"
    done
}
# check COMMAND...: the same, then with one that hasn't.
check() {
    check_tokens "$@"
    run 1 "$@" 1001 1003
    grep -q '^1001: token' "$work/out" ||
        wrong "$* ($module.so): no token for 1001 beside a failure"
    cat "$work/out" "$work/err" | grep -q 'business 1003' ||
        wrong "$* ($module.so): nothing of 1003"
    if grep -q EAA "$work/out" "$work/err"; then
        wrong "$* ($module.so): shows a token"
    fi
}
# A refused token is reported, and another one had where there is one.
check_refused() {
    expected=0
    [ $module = graph ] || expected=1
    run $expected examples/host -r -m "$PWD/.libs/$module.so" 1001
    grep -qE '^1001: token [0-9a-f]{12} is refused' "$work/out" ||
        wrong "host -r ($module.so): no token is refused"
    [ "$(grep -oE 'token [0-9a-f]{12}' "$work/out" | sort -u | wc -l)" -eq \
        $((2 - expected)) ] || wrong "host -r ($module.so): no other token"
}
check_router() {
    run 2 examples/service/router -m "$PWD/.libs/$module.so" -s 0 1001
    # shellcheck disable=SC2086 # likewise
    ${wrapper-} examples/service/router -m "$PWD/.libs/$module.so" -s 1 \
        1001 1003 >"$work/out" 2>"$work/err" &
    router=$!
    # Twice: the pause is over.
    # shellcheck disable=SC2016 # $1 is the inner shell's
    wait_for sh -c '[ "$(grep -c "^<6>business 1001: token" "$1")" -ge 2 ]' \
        sh "$work/err" || wrong "router ($module.so): no two rounds"
    grep -q '^<3>.*business 1003' "$work/err" ||
        wrong "router ($module.so): nothing of 1003"
    kill -TERM "$router"
    status=0
    wait "$router" || status=$?
    router=
    [ $status -eq 0 ] || wrong "router ($module.so): exit status $status"
}
for module in static graph; do
    export MPS_CREDENTIAL_CONF="$work/$module.conf"
    wrapper=${MPS_TEST_WRAPPER-}
    for example in host threads prefork; do
        check "examples/$example" -m "$PWD/.libs/$module.so"
    done
    if [ ! -x examples/event_loop ]; then
        echo '(not possible here: the event loop, without libevent)'
    elif [ $module = static ]; then
        # It asks on and on for one that the file may have one day.
        check_tokens examples/event_loop -m "$PWD/.libs/$module.so"
    else
        check examples/event_loop -m "$PWD/.libs/$module.so"
    fi
    check_refused
    check_router
    wrapper=
    if ! command -v python3 >/dev/null; then
        echo '(not possible here: the host in Python, without python3)'
    elif readelf -d ".libs/$module.so" | grep -qE 'NEEDED.*lib[at]san'; then
        echo "(not possible here: the host in Python, with a sanitizer's module)"
    else
        check python3 "$srcdir/examples/host.py" -m "$PWD/.libs/$module.so"
    fi
done
echo "check: $result"
[ $result = ok ]
