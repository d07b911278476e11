#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What does a token cost that is there already, with what is in use now? The
# module's get_credential() and release_credential() against a lookup in the
# keyring by libsecret, by secret-tool, by docker's and git's helpers, and
# against liboidc-agent with an oidc-agent that has the token in memory. All
# have one secret of 200 characters, in the same keyring; each is asked over
# and over, in turn with the module, five times. Medians.
#
#   bench/peers.sh [PREFIX]
set -eu
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/session.sh"
session_enter "$@"

runs=5
at=bench.invalid
git_helper=/usr/share/doc/git/contrib/credential/libsecret

read -ra libsecret < <(pkg-config --cflags --libs libsecret-1)
compile peer_module
compile peer_libsecret "${libsecret[@]}"
compile peer_oidc -loidc-agent
[ -d "$git_helper" ] || fail "$git_helper isn't there: reinstall git with \
its documentation (dpkg leaves it out where path-exclude says so)"
# shellcheck disable=SC2086 # options
${CC:-cc} -O2 -o git-credential-libsecret \
    "$git_helper/git-credential-libsecret.c" "${libsecret[@]}"

session_emulator 'token_length = 200' 'lifetime_s = 86400'
configure 'keyring = off'
secret=$(openssl rand -hex 100)

# --- an account with oidc-agent, and an issuer for it -------------------------
issuer=https://localhost:$((20000 + $$ % 20000))
start_issuer() {
    mkdir issuer .oidc-agent
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -days 2 -subj /CN=localhost -keyout issuer/key.pem \
        -out issuer/cert.pem -addext 'subjectAltName=DNS:localhost' \
        2>/dev/null
    cat >issuer/nginx.conf <<END
daemon off;
master_process off;
pid pid;
error_log error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type application/json;
  server {
    listen 127.0.0.1:${issuer##*:} ssl;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location /.well-known/ {
      return 200 '{"issuer": "$issuer", "token_endpoint": "$issuer/token",
        "authorization_endpoint": "$issuer/authorization",
        "scopes_supported": ["openid", "offline_access"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"]}';
    }
    location /token {
      return 200 '{"access_token": "$secret", "token_type": "Bearer",
        "expires_in": 36000, "refresh_token": "refresh",
        "scope": "openid offline_access"}';
    }
  }
}
END
    nginx -p "$HOME/issuer" -c "$HOME/issuer/nginx.conf" \
        -e "$HOME/issuer/error.log" &
    servers+=($!)
    await curl -qsf --cacert issuer/cert.pem -o /dev/null "$issuer/token"
}

start_agent() {
    # Sockets go to TMPDIR; away with the rest of the session.
    eval "$(TMPDIR=$HOME oidc-agent)" >/dev/null
    # shellcheck disable=SC2153 # oidc-agent's
    servers+=("$OIDCD_PID")
    oidc-gen "$at" --manual --flow=refresh --issuer="$issuer" \
        --client-id=bench --client-secret=bench --rt=refresh \
        --scope='openid offline_access' --redirect-uri=http://localhost:4242 \
        --cp="$HOME/issuer/cert.pem" --pw-cmd='echo bench' --prompt=none \
        --confirm-default --no-url-call </dev/null >oidc-gen.out 2>&1 || {
        cat oidc-gen.out >&2
        fail 'oidc-gen makes no account'
    }
}

# --- the same secret in the keyring, an item for each ----------------------------
give_secrets() {
    printf %s "$secret" | secret-tool store --label=bench server "tool.$at"
    printf '{"ServerURL": "https://%s", "Username": "bench", "Secret": "%s"}' \
        "$at" "$secret" | docker-credential-secretservice store
    printf 'protocol=https\nhost=%s\nusername=bench\npassword=%s\n' \
        "$at" "$secret" | ./git-credential-libsecret store >/dev/null
}

# --- one measure each: nanoseconds a lookup -----------------------------------
by_module() {
    ./peer_module "$prefix/lib/mps-credential/graph.so" 102290129340001 1000000
}

by_libsecret() {
    ./peer_libsecret "tool.$at" 200
}

by_liboidc_agent() {
    ./peer_oidc "$at" 200
}

secret_tool() {
    secret-tool lookup server "tool.$at"
}

docker_helper() {
    echo "https://$at" | docker-credential-secretservice get
}

git_credential() {
    printf 'protocol=https\nhost=%s\nusername=bench\n' "$at" |
        ./git-credential-libsecret get
}

by_program() { # function
    local begin i times=20
    case $("$1") in
    *"$secret"*) ;;
    *) fail "$1 gives another secret" ;;
    esac
    begin=$(date +%s%N)
    for ((i = 0; i < times; i++)); do
        "$1" >/dev/null
    done
    echo $((($(date +%s%N) - begin) / times))
}

# --- in turn ------------------------------------------------------------------
against() { # what, command...
    local what=$1 run module=() peer=() a b
    shift
    for ((run = 0; run < runs; run++)); do
        module+=("$(by_module)")
        peer+=("$("$@")")
    done
    a=$(median "${module[@]}")
    b=$(median "${peer[@]}")
    row "a cached token, by the module" "$(awk "BEGIN { printf \"%.0f\", $a }") ns" \
        "$what: $(awk "BEGIN { printf \"%.2f\", $b / 1e6 }") ms" \
        "$(ratio "$b" "$a")" '>= 5000'
    printf '"%s" %s\n' "$what" "$b" >>"$BENCH_DATA/peers.dat"
    printf '"the module" %s\n' "$a" >"$BENCH_DATA/peers.module"
}

start_issuer
start_agent
give_secrets
: >"$BENCH_DATA/peers.dat"
against libsecret by_libsecret
against liboidc-agent by_liboidc_agent
against 'secret-tool lookup' by_program secret_tool
against git-credential-libsecret by_program git_credential
against docker-credential-secretservice by_program docker_helper
cat "$BENCH_DATA/peers.module" >>"$BENCH_DATA/peers.dat"
rm "$BENCH_DATA/peers.module"
