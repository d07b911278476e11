# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A machine to test on: Debian 12 booted by systemd-nspawn, with no network
# but its own loopback. Sourced, with "top" the source's top directory and
# "work" one for what this keeps.
: "${top:?}" "${work:?}"

machine=$work/machine
nspawn=
leader=

# What it has before the packages come; kept for a week.
machine_packages='curl dbus gcc libc6-dev procps systemd systemd-sysv'

machine_apt() {
    "$top/packaging/root" run "$machine" apt-get -q -y \
        -o Dpkg::Use-Pty=0 "$@" >>"$work/apt.log" 2>&1 || {
        tail -n 20 "$work/apt.log" >&2
        echo "apt-get $* failed, see $work/apt.log" >&2
        return 1
    }
}

# machine_make DEB...: a fresh one, stopped, with those packages in
# /srv/packages and what they need and recommend where apt finds it.
machine_make() {
    local tarball=$work/machine.tar
    machine_remove
    if [ -z "$(find "$tarball" -mtime -7 2>/dev/null)" ]; then
        "$top/packaging/root" make bookworm "$(dpkg --print-architecture)" \
            "$machine"
        # shellcheck disable=SC2086 # a list
        machine_apt --no-install-recommends install $machine_packages
        tar -C "$machine" -cf "$tarball.new" .
        mv "$tarball.new" "$tarball"
    else
        mkdir -p "$machine"
        tar -C "$machine" -xpf "$tarball"
    fi
    mkdir "$machine/srv/packages"
    cp "$@" "$machine/srv/packages/"
    machine_apt --download-only install "${@/#*\//\/srv\/packages\/}"
    # Here services may be started, and the journal outlives a restart.
    rm -f "$machine/usr/sbin/policy-rc.d" "$machine/etc/machine-id"
    mkdir -p "$machine/var/log/journal"
    systemd-machine-id-setup --root="$machine" >/dev/null 2>&1
}

# Starts it and waits until all its services are up.
machine_boot() {
    local tries=0
    systemd-nspawn --quiet --boot --register=no --keep-unit \
        --private-network --capability=CAP_IPC_LOCK --console=pipe \
        --directory="$machine" </dev/null >>"$work/console.log" 2>&1 &
    nspawn=$!
    until machine_is_up; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$nspawn" 2>/dev/null; then
            tail -n 20 "$work/console.log" >&2
            echo 'the machine does not boot' >&2
            return 1
        fi
        sleep 0.1
    done
}
machine_is_up() {
    leader=$(machine_leader) && inside systemctl --wait is-system-running 2>&1 |
        grep -qE '^(running|degraded)$'
}

# The PID of the machine's own first process.
machine_leader() {
    pgrep -P "$nspawn"
}

# inside COMMAND...: runs it in the machine, as root; bounded.
inside() {
    timeout 200 nsenter --target "$leader" --all \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# Shuts it down as an administrator does, or ends it after half a minute.
machine_off() {
    local tries=0
    [ -n "$nspawn" ] || return 0
    if leader=$(machine_leader); then
        # The bus over which it answers may be gone by then.
        inside systemctl poweroff >/dev/null 2>&1 || true
    fi
    while kill -0 "$nspawn" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -ne 300 ] || kill -TERM "$nspawn"
        [ $tries -ne 400 ] || kill -KILL "$nspawn"
        sleep 0.1
    done
    wait "$nspawn" || true
    nspawn=
}

machine_remove() {
    machine_off
    [ ! -e "$machine" ] || rm -rf --one-file-system "$machine"
}
