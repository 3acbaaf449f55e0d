#!/bin/sh
# From a fresh Debian machine to a first profile:
#
#     examples/first-run.sh
#
# Installs what the build needs and is missing, builds into build/release, and profiles examples/hot_line.py.
set -eu
cd "$(dirname "$0")/.."

tests/need.sh gcc libc6-dev cmake ninja-build pkg-config libjansson-dev python3

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Building lineprof into build/release" >&2
{ CMAKE_GENERATOR=Ninja cmake --preset release -DLINEPROF_TESTS=OFF &&
    cmake --build --preset release --parallel "$(nproc)"; } >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; echo "The build failed (see above)" >&2; exit 1; }

echo "Profiling examples/hot_line.py, about four seconds" >&2
build/release/lineprof --cli --no-browser examples/hot_line.py
echo "Now your own program: $PWD/build/release/lineprof your_script.py" >&2
