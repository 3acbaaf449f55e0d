#!/bin/sh
# Runs a command as an unprivileged user, for tests that must hold without root's rights:
#
#     tests/as-user.sh COMMAND [ARGUMENT...]
#
# Started as an ordinary user it runs the command as it is. Started as root it becomes `nobody`, with a home of its own.
# Folders of root are closed to others, but pyenv's interpreters and this checkout may lie in one: in a mount namespace
# of this command alone, such a folder shows these two and nothing else.
set -eu

[ "$(id -u)" = 0 ] || exec "$@"
namespace=$(readlink /proc/self/ns/mnt)

if [ -z "${AS_USER_OUTSIDE-}" ]; then
    export AS_USER_OUTSIDE="$namespace"
    AS_USER_WORK=$(mktemp -d)
    export AS_USER_WORK
    trap 'rm -rf "$AS_USER_WORK"' EXIT
    mkdir "$AS_USER_WORK/home" "$AS_USER_WORK/kept"
    chmod 755 "$AS_USER_WORK"
    chown nobody "$AS_USER_WORK/home"
    # Where mounting is not allowed the command runs all the same, and sees what others can see.
    if unshare --mount mount -t tmpfs as-user "$AS_USER_WORK/kept" 2>/dev/null
    then unshare --mount --propagation private "$0" "$@"
    else "$0" "$@"; fi
    exit
fi

# The outermost folder above $1 that others may not enter; nothing where there is none.
closed_above() {
    above=$1 closed=
    while [ "$above" != / ]; do
        above=$(dirname "$above")
        case $(stat -c %A "$above") in *[xt]) ;; *) closed=$above ;; esac
    done
    echo "$closed"
}

project=$(cd "$(dirname "$0")/.." && pwd -P)
pyenv=${PYENV_ROOT:-$HOME/.pyenv}
hidden=
if [ "$namespace" != "$AS_USER_OUTSIDE" ]; then     # never a mount that the rest of the machine would see
    for folder in "$project" "$pyenv"; do
        if [ -d "$folder" ] && [ -n "$(closed_above "$folder")" ]; then hidden="$hidden $folder"; fi
    done
fi
kept=$AS_USER_WORK/kept
for folder in $hidden; do
    mkdir -p "$kept$folder"
    mount --rbind "$folder" "$kept$folder"
done
for folder in $hidden; do
    closed=$(closed_above "$folder")
    [ -z "$closed" ] || mount -t tmpfs -o mode=755 as-user "$closed"
    mkdir -p "$folder"
    mount --move "$kept$folder" "$folder"
done
cd "$PWD" 2>/dev/null || cd /   # by its path: what stands there may be new

home=$AS_USER_WORK/home
unset AS_USER_OUTSIDE AS_USER_WORK XDG_CACHE_HOME XDG_RUNTIME_DIR
as_nobody() { setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"; }
as_nobody test -x "$project" || { echo "as-user.sh: $project is closed to others; chmod o+x it" >&2; exit 1; }
export HOME="$home" TMPDIR="$home" PYENV_ROOT="$pyenv" PYTHONDONTWRITEBYTECODE=1
as_nobody "$@"
