#!/bin/sh
# Brings CPython 3.13, 3.14 and 3.15 of the newer Debian suites into a private directory:
#
#     tests/pythons.sh [DIR]        leaves DIR/bin/python3.13, python3.14, python3.15
#
# DIR defaults to $LINEPROF_PYTHONS, then to the cache directory that tests/interpreters.py names.
# Nothing is installed on this machine and no root is needed: apt resolves and downloads with a
# configuration of its own, the packages are unpacked side by side, and each interpreter is given the
# loader and the libraries of its own suite. It runs by its path, without chroot, so a shim that was
# built on this machine can be preloaded into it. To refresh, remove DIR and run this again.
#
# Exit code: 0 all there, 1 failed, 3 the package mirror does not answer or is not Debian's.
set -eu

versions='3.13 3.14 3.15'
edition=1                       # raise it when what this script makes changes
suites='trixie sid'             # one archive of both: the highest version wins, a version that left sid stays

say() { echo "pythons.sh: $*" >&2; }
die() { code=$1; shift; say "$@"; exit "$code"; }

# Root's home is closed to others, and the tests also run as an unprivileged user.
if [ "$(id -u)" = 0 ]; then cache=/var/cache/lineprof
else cache=${XDG_CACHE_HOME:-$HOME/.cache}/lineprof; fi
dir=${1:-${LINEPROF_PYTHONS:-$cache/pythons}}

umask 022
mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
stamp=$dir/complete
mine=$dir/.lineprof-pythons     # this directory is ours to empty; also the lock

# Paths are written into the binaries, so a directory that was moved is made anew.
is_complete() { [ "$(cat "$stamp" 2>/dev/null)" = "$dir $edition" ]; }

is_complete && exit 0
for tool in apt-get dpkg-deb patchelf flock; do
    command -v $tool >/dev/null || die 1 "needs $tool: apt-get install apt dpkg patchelf util-linux"
done
[ -e "$mine" ] || [ -z "$(ls -A "$dir")" ] || die 1 "$dir is not empty and not from this script; choose another"
exec 9>"$mine"
flock 9                         # two test runs at once share one download
is_complete && exit 0

rm -rf "$stamp" "$dir"/bin "$dir"/lib "$dir"/lib64 "$dir"/share "$dir"/work.*
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# --- the mirror that this machine already uses -----------------------------------------------------

release=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v own="$release" '
        $2 == "main" && ($1 == own || $1 ~ /^(oldstable|stable|testing|unstable|sid)$/) { print $3; exit }')
[ -n "$mirror" ] || die 3 "no Debian mirror among this machine's apt sources (looked for $release main)"

# --- apt with a configuration of its own -----------------------------------------------------------

mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
: >"$work/status"               # nothing counts as installed: every library comes from the new suites
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e $keyring ] && signed="[signed-by=$keyring]" || signed=
for suite in $suites; do echo "deb $signed $mirror $suite main"; done >"$work/sources"
cat >"$work/apt.conf" <<END
Dir::Etc::SourceList "$work/sources";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$work";
Dir::State::Lists "$work/lists";
Dir::State::Status "$work/status";
Dir::Cache "$work/cache";
Dir::Log "$work";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";     // a mirror may be frozen; its signatures are checked all the same
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Debug::NoLocking "true";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
END
apt_quietly() { apt-get -c "$work/apt.conf" -qq "$@" >"$work/log" 2>&1; }   # -c comes after the machine's own settings

say "fetching CPython $versions into $dir"
apt_quietly update --error-on=any || {
    cat "$work/log" >&2
    grep -qiE 'connect|resolv|timed out|unreachable' "$work/log" && die 3 "the package mirror $mirror does not answer"
    die 1 "apt cannot read the suites $suites of $mirror"
}
packages=
for v in $versions; do packages="$packages python$v-venv libpython$v-stdlib"; done
apt_quietly install --download-only $packages libstdc++6 || { cat "$work/log" >&2; die 1 "apt cannot get$packages"; }

# --- unpack and adapt ------------------------------------------------------------------------------

root=$work/root
mkdir -p "$root/usr/lib" "$root/usr/lib64"
for part in lib lib64; do ln -s usr/$part "$root/$part"; done   # as base-files does: packages may ship /lib
for package in "$work"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$root"
done
# DIR takes the place of /usr, so that Python finds its library beside its own bin, in virtual environments too.
# Other commands of these packages stay behind: they would not find their loader.
mkdir "$dir/bin"
for v in $versions; do mv "$root/usr/bin/python$v" "$dir/bin"; done
mv "$root/usr/lib" "$root/usr/lib64" "$root/usr/share" "$dir"

for v in $versions; do
    python=$dir/bin/python$v
    # The file keeps its name: tools that look for a Python process go by it. An RPATH, unlike a RUNPATH,
    # also serves the libraries of extension modules and of what is preloaded.
    patchelf --set-interpreter "$dir/lib64/ld-linux-x86-64.so.2" \
        --force-rpath --set-rpath "$dir/lib/x86_64-linux-gnu" "$python"
    # Debian's ensurepip has its wheels at a fixed path.
    grep -rlI --include='*.py' /usr/share/python-wheels "$dir/lib/python$v" |
        xargs -r sed -i "s|/usr/share/python-wheels|$dir/share/python-wheels|g"
    # Byte code, as a package's own installation makes it: an unprivileged user could not write it later.
    "$python" -m compileall -q "$dir/lib/python$v" >"$work/log" 2>&1 ||
        say "python$v: some modules do not compile (harmless)"
    "$python" -c 'import ssl, json, ctypes, zlib, sqlite3' ||
        die 1 "$python does not run (see above); remove $dir and try again"
    say "$python is $("$python" -c 'import sys; print(sys.version.split()[0])')"
done
echo "$dir $edition" >"$stamp"
