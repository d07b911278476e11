# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the scripts here say and do alike. Sourced, with the source's top
# directory in "top".
: "${top:?}"

# Prints the comment at the script's head.
usage() {
    sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# die WORD...: ends with that message.
die() {
    echo "$0: $*" >&2
    exit 1
}

# die_of LOG WORD...: the same, below the log's last lines.
die_of() {
    tail -n 60 "$1" >&2
    log=$1
    shift
    die "$*, see $log"
}

# The Debian release of this machine: what is built here is installed in a
# root of the same one.
own_release() {
    sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | grep . ||
        die '/etc/os-release names no release; run it on one of Debian'
}

# own_root DIR: has "root" be DIR, a root for this script alone: what an
# earlier run has left of it is removed now, and it when the script ends.
own_root() {
    root=$1
    "$top/packaging/root" remove "$root"
    trap '"$top/packaging/root" remove "$root"' EXIT
    trap 'exit 1' HUP INT TERM
}

# remove_packages DIR: those that build-deb has made there. What else is there
# is the user's, and build-deb refuses it.
remove_packages() {
    rm -f "$1"/mps-credential*_[0-9]* "$1"/mps-graph-emulator*_[0-9]*
}
