#!/bin/sh
# SPDX-License-Identifier: MIT
# The abstraction for AppArmor compiles within a profile, and knows the paths
# that module and helper have built in. The kernel's part isn't tested: nothing
# is loaded. From the build directory, with srcdir set.
set -eu

srcdir=${srcdir-.}
abstraction=$srcdir/packaging/apparmor/mps-credential
list=$(mktemp)
profile=$(mktemp)
trap 'rm -f "$list" "$profile"' EXIT
result=ok

# "/proc/self/fdinfo/%d" is "@{PROC}/@{pid}/fdinfo/" in a rule. /dev/null is
# in <abstractions/base>; paths of D-Bus have rules of their own.
grep -hoE '"/(dev|etc|proc|run|sys|tmp|usr|var)/[^"]*"' \
    "$srcdir"/src/*.c "$srcdir"/keyring-helper/*.c | tr -d '"' | sort -u |
    sed -n 's|%.*||; s|^/proc/self/|@{PROC}/@{pid}/|; s|^/proc/|@{PROC}/|
        s|^/run/|@{run}/|; \|^/dev/null$|!p' >"$list"
[ -s "$list" ] || {
    echo 'no paths were found in the source'
    result=failed
}
while read -r path; do
    grep -qF " $path" "$abstraction" || {
        echo "$abstraction: no rule for $path"
        result=failed
    }
done <"$list"

PATH=$PATH:/usr/sbin:/sbin
if command -v apparmor_parser >/dev/null &&
    [ -e /etc/apparmor.d/abi/3.0 ]; then
    # By its path, not its name: one may be installed.
    cat >"$profile" <<PROFILE
abi <abi/3.0>,
include <tunables/global>
profile mps-credential-test /usr/bin/mps-credential-test {
  include <abstractions/base>
  include "$(cd "$srcdir" && pwd)/packaging/apparmor/mps-credential"
  /usr/bin/mps-credential-test mr,
}
PROFILE
    # Neither the kernel (-Q) nor the cache (-K) has a part in it.
    apparmor_parser --skip-kernel-load --skip-cache --quiet "$profile" ||
        result=failed
else
    echo '(not possible here: no apparmor_parser with abi/3.0)'
fi
echo "check: $result"
[ $result = ok ]
