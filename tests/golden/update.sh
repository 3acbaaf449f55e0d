#!/bin/sh
# Writes the expected files of the golden tests anew, after a change that was meant:
#
#     tests/golden/update.sh [BUILD]        BUILD: a configured build tree, else build/release
#
# Look at `git diff tests/golden/expected` before you commit.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/release}
mkdir -p "$here/expected"
cmake --build "$build" --target golden_table golden_json
"$build/tests/golden/golden_table" --update
"$build/tests/golden/golden_json" --update
