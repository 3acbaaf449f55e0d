#!/bin/sh
# Installs those of the named Debian packages that this machine lacks:
#
#     tests/need.sh PACKAGE...
#
# As root, or through sudo; otherwise it prints the one command to run. Silent when nothing is missing.
# Pipes are kept free of standard input, so that it also works under `bash .ci/run </dev/null`.
set -eu

command -v dpkg-query >/dev/null || {
    echo "This machine has no dpkg. Install what these Debian packages hold, then build by hand (see README.md):" >&2
    echo "  $*" >&2
    exit 1
}

missing=
for package; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then as_root=
elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then as_root=sudo
else
    echo "Some Debian packages are missing. Run this as root, then start again:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Recommended packages would triple what is downloaded. `env` because sudo drops variables.
{ $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends $missing; } </dev/null >"$log" 2>&1 ||
    { tail -n 30 "$log" >&2; echo "apt-get could not install$missing (see above)" >&2; exit 1; }
