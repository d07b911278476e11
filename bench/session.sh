# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # what is set here the parts use
# What the parts of the measurements share; they source it. A session is a
# private home (the working directory then), a D-Bus session and an unlocked
# gnome-keyring; an endpoint at loopback and nginx in front of it are started
# on demand. All of it is gone when the part ends.
#
#   . "$(dirname "$0")/session.sh"
#   session_enter "$@"             from here on inside; sets $top, $prefix
#   session_emulator [LINE...]     with these lines of a scenario; sets
#                                  $base_url, $ca and $token (a file)
#   session_nginx                  HTTP/2 before it: $fronted, $fronted_ca
#
# $prefix is the part's last argument, where that is no option, or else the
# plain variant, which is built.
# $BENCH_DATA is a directory for a part's curves.

solution=1234567890123456
servers=()

fail() {
    echo "$0: $*" >&2
    exit 1
}

# In a session of its own the part runs a second time.
session_enter() { # the part's arguments
    top=$(cd "$(dirname "$0")/.." && pwd)
    if [ -z "${BENCH_PREFIX-}" ]; then
        session_start "$@"
        exit 0
    fi
    prefix=$BENCH_PREFIX
    cd "$HOME" || exit 1
    trap session_end EXIT
    trap 'exit 130' HUP INT TERM
    # The keyring's password is of no use outside this temporary home.
    printf bench | gnome-keyring-daemon --unlock --components=secrets \
        >/dev/null
    export MPS_CREDENTIAL_CONF="$HOME/conf"
}

session_start() { # the part's arguments
    local home installed=
    [ $# -eq 0 ] || installed=${!#}
    if [ -z "${installed##-*}" ]; then
        "$top/scripts/dependencies" --bench >&2
        "$top/scripts/build" plain >&2
        installed=$top/build/plain/inst
    fi
    installed=$(cd "$installed" && pwd)
    home=$(mktemp -d)
    chmod 700 "$home"
    # shellcheck disable=SC2064 # the directory as it is called now
    trap "rm -rf '$home'" EXIT
    trap 'exit 130' HUP INT TERM
    env -i PATH="$PATH:/usr/sbin" HOME="$home" XDG_RUNTIME_DIR="$home" \
        BENCH_PREFIX="$installed" BENCH_DATA="${BENCH_DATA:-$home}" \
        dbus-run-session -- "$top/bench/${0##*/}" "$@"
}

session_end() {
    [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || :
    servers=()
}

await() { # a command that is true when it is ready
    local tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -le 400 ] || fail "not ready: $*"
        sleep 0.05
    done
}

session_emulator() { # scenario's lines
    printf '%s\n' "$@" >scenario
    "$prefix/bin/mps-graph-emulator" --port=0 --dir="$HOME/emulator" \
        --scenario=scenario --log=/dev/null >/dev/null &
    servers+=($!)
    await test -e emulator/base_url
    base_url=$(cat emulator/base_url)
    ca=$HOME/emulator/ca.pem
    token=$HOME/emulator/partner_token
}

session_nginx() {
    # Any free port; nobody else is about to take one here.
    local port=$((20000 + $$ % 20000))

    mkdir nginx
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -days 2 -subj /CN=localhost -keyout nginx/key.pem \
        -out nginx/cert.pem -addext 'subjectAltName=DNS:localhost' 2>/dev/null
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
    server ${base_url#https://};
    keepalive 128;
    keepalive_requests 100000;
  }
  server {
    listen 127.0.0.1:$port ssl http2;
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
    nginx -p "$HOME/nginx" -c "$HOME/nginx/nginx.conf" \
        -e "$HOME/nginx/error.log" &
    servers+=($!)
    fronted=https://localhost:$port
    fronted_ca=$HOME/nginx/cert.pem
    await curl -qsf --cacert "$fronted_ca" -o /dev/null "$fronted/__health"
}

# The module's configuration: the emulator, nothing logged, and what is given.
configure() { # LINE...
    local line
    {
        for line in "solution_id = $solution" "base_url = $base_url" \
            "ca_file = $ca" "token_file = $token" 'log = off' 'audit = off'; do
            printf '%s\n' "$@" | grep -q "^${line%% *} " || echo "$line"
        done
        printf '%s\n' "$@"
    } >conf
}

# A program of bench/, into the working directory, as a host is built.
compile() { # NAME [its other sources, more for the compiler...]
    local name=$1
    shift
    (cd "$top/bench" && ${CC:-cc} -O2 -g -Wall -Wextra -D_GNU_SOURCE \
        -I"$prefix/include" -o "$HOME/$name" "$name.c" "$@")
}

# How many requests the emulator has had.
requests() {
    curl -qsf --cacert "$HOME/emulator/ca.pem" \
        "$(cat "$HOME/emulator/base_url")/__stats" |
        grep -o '"requests":[0-9]*' | head -n 1 | cut -d: -f2
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

# Field N of lines that have numbers in each.
field() { # N FILE
    awk -v n="$1" '{ print $n }' "$2"
}

median() { # number...
    printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"
}

ratio() { # number number
    awk -v a="$1" -v b="$2" 'BEGIN {
        r = a / b
        printf((r >= 100 ? "%.0f" : r >= 0.1 ? "%.2f" : "%.2g"), r)
    }'
}

# A row of the table: what, its measure, what it is measured against, the
# ratio or value, and the goal for that: "<= 1.2", ">= 5000" or "-" (told
# only).
row() {
    [ $# -eq 5 ] || fail "a row of $# fields: $*"
    printf '%s\t%s\t%s\t%s\t%s\n' "$@"
}
