#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How fast is a prefetch? 1,000 businesses against `curl --parallel
# --parallel-max 32` with the same requests, at an endpoint that takes 50 ms for
# each: over HTTP/1.1 the emulator itself, over HTTP/2 with nginx in front;
# without a keyring, and with one. Measured are whole processes: a host that
# calls prefetch_credentials() and ends, and `mps-credential prefetch`, which
# waits until the keyring has all, too. They are run in turn, five times; the
# medians count. Not a test: it measures this machine.
#
#   bench/prefetch.sh            builds the plain variant and measures it
#   bench/prefetch.sh PREFIX     measures what is installed there
set -eu

runs=5
businesses=1000
at_once=32
latency_ms=50
solution=1234567890123456

top=$(cd "$(dirname "$0")/.." && pwd)
if [ "${1-}" != --inside ]; then
    prefix=${1-}
    if [ -z "$prefix" ]; then
        "$top/scripts/dependencies"
        "$top/scripts/build" plain
        prefix=$top/build/plain/inst
    fi
    home=$(mktemp -d)
    chmod 700 "$home"
    trap 'rm -rf "$home"' EXIT
    trap 'exit 130' HUP INT TERM
    env -i PATH="$PATH:/usr/sbin" HOME="$home" XDG_RUNTIME_DIR="$home" \
        dbus-run-session -- "$0" --inside "$prefix" "$top"
    exit 0
fi

# --- inside the session -------------------------------------------------------
prefix=$2
cd "$HOME"
# The keyring's password is of no use outside this temporary home.
printf bench | gnome-keyring-daemon --unlock --components=secrets >/dev/null

${CC:-cc} -O2 -D_GNU_SOURCE -I"$prefix/include" -o prefetch_host \
    "$3/bench/prefetch_host.c"

servers=()
# shellcheck disable=SC2317 # called by the trap
end() {
    [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || :
}
trap end EXIT

await() { # a command that is true when it is ready
    local tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -le 200 ] || {
            echo "bench/prefetch.sh: not ready: $*" >&2
            exit 1
        }
        sleep 0.05
    done
}

printf 'latency_ms = %s\n' "$latency_ms" >scenario
"$prefix/bin/mps-graph-emulator" --port=0 --dir="$HOME/emulator" \
    --scenario=scenario --log=/dev/null >/dev/null &
servers+=($!)
await test -e emulator/base_url
direct=$(cat emulator/base_url)
token=$HOME/emulator/partner_token

# Any free port; nobody else is about to take one here.
nginx_port=$((20000 + $$ % 20000))
mkdir nginx
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -keyout nginx/key.pem -out nginx/cert.pem \
    -addext 'subjectAltName=DNS:localhost' 2>/dev/null
cat >nginx/nginx.conf <<END
daemon off;
master_process off;
pid pid;
error_log error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 100000;
  upstream behind {
    server ${direct#https://};
    keepalive 128;
    keepalive_requests 100000;
  }
  server {
    listen 127.0.0.1:$nginx_port ssl http2;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location / {
      proxy_pass https://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host \$http_host;
    }
  }
}
END
nginx -p "$HOME/nginx" -c "$HOME/nginx/nginx.conf" -e "$HOME/nginx/error.log" &
servers+=($!)
fronted=https://localhost:$nginx_port
await curl -qsf --cacert nginx/cert.pem -o /dev/null "$fronted/__health"

requests() {
    curl -qsf --cacert emulator/ca.pem "$direct/__stats" |
        grep -o '"requests":[0-9]*' | head -n 1 | cut -d: -f2
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# Each measured run has businesses of its own: nobody finds them in a keyring.
next=1
measure() { # command...; its time in ms to $took; all were asked for
    local before begin
    before=$(requests)
    begin=$(now_ms)
    "$@"
    took=$(($(now_ms) - begin))
    if [ $(($(requests) - before)) -ne $businesses ]; then
        echo "bench/prefetch.sh: $(($(requests) - before)) requests: $*" >&2
        exit 1
    fi
    next=$((next + businesses))
}

by_curl() { # base_url CA
    local i
    {
        printf 'cacert = "%s"\n' "$2"
        printf 'header = "Authorization: Bearer %s"\n' "$(cat "$token")"
        for ((i = 0; i < businesses; i++)); do
            printf 'url = "%s/v25.0/%s/access_token?business_id=%s"\n' "$1" \
                $solution $((next + i))
            printf 'output = "/dev/null"\n'
        done
    } >list.curl
    # Its progress goes to standard error, whatever it is told.
    measure curl -qsf --parallel --parallel-max $at_once --config list.curl \
        2>/dev/null
}

configure() { # base_url CA keyring
    cat >conf <<END
solution_id = $solution
base_url = $1
ca_file = $2
token_file = $token
keyring = $3
keyring_deadline_ms = 10000
deadline_ms = 60000
log = off
audit = off
END
    seq $next $((next + businesses - 1)) >list
    export MPS_CREDENTIAL_CONF="$HOME/conf"
    # Not slowed down by what the runs before have stored.
    "$prefix/bin/mps-credential" forget --all >/dev/null 2>&1 || :
}

by() { # command...
    measure "$@" >/dev/null 2>by.err || {
        cat by.err >&2
        exit 1
    }
}

median() {
    printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

ratio() {
    awk "BEGIN { printf \"%.2f\", $1 / $2 }"
}

compare() { # name base_url CA keyring
    local run curl=() host=() command=() a b c
    for ((run = 0; run < runs; run++)); do
        by_curl "$2" "$3"
        curl+=("$took")
        configure "$2" "$3" "$4"
        by ./prefetch_host "$prefix/lib/mps-credential/provider.so" list
        host+=("$took")
        configure "$2" "$3" "$4"
        by "$prefix/bin/mps-credential" prefetch list
        command+=("$took")
    done
    a=$(median "${curl[@]}")
    b=$(median "${host[@]}")
    c=$(median "${command[@]}")
    printf '%-28s curl %5s ms   host %5s ms (%s)   command %5s ms (%s)\n' \
        "$1" "$a" "$b" "$(ratio "$b" "$a")" "$c" "$(ratio "$c" "$a")"
}

echo "$businesses businesses, $latency_ms ms, medians of $runs" \
    "(below 1: faster than curl)"
for keyring in off preferred; do
    compare "HTTP/1.1, keyring $keyring" "$direct" "$HOME/emulator/ca.pem" \
        $keyring
    compare "HTTP/2, keyring $keyring" "$fronted" "$HOME/nginx/cert.pem" \
        $keyring
done
