#!/bin/sh
# Installs what is missing, builds, and runs every test:
#
#     tests/run.sh
#
# Two builds: build/debug runs the unit tests (label `unit`) under AddressSanitizer and UBSan, build/release runs
# everything. With CI=true warnings are errors. LINEPROF_INTERPRETERS=quick tests one Python a minor version.
#
# Fails as well where an interpreter that the package mirror can bring was not there to be tested.
set -eu
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

# --- what the build and the tests need -------------------------------------------------------------

step "Debian packages"
# The sanitizers' run-time of clang is a package of its own, named after clang's version.
clang=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
# So are CPython's own tests, after Python's.
python=$(apt-cache depends python3 2>/dev/null | sed -n 's/.*Depends: python\(3\.[0-9]*\)$/\1/p')
tests/need.sh \
    gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libcmocka-dev \
    clang ${clang:+libclang-rt-$clang-dev} \
    python3 python3-dev python3-venv python3-pytest python3-jsonschema ${python:+libpython$python-testsuite} \
    patchelf tmux chromium util-linux strace gdb
echo "all there"

step "Interpreters"
require=--require
tests/pythons.sh || {
    [ $? = 3 ] || exit 1        # 3: the mirror does not answer, which is not this project's fault
    require=
}
/usr/bin/python3 tests/interpreters.py $require --packages

# --- build -----------------------------------------------------------------------------------------

case ${CI:-} in true | 1) werror=ON ;; *) werror=OFF ;; esac
export CMAKE_GENERATOR=Ninja    # counts for a new build folder only
for preset in debug release; do
    step "Build: $preset"
    # The system's Python is the one that has pytest; another may come first on PATH.
    cmake --preset $preset -DLINEPROF_TESTS=ON -DLINEPROF_WERROR=$werror -DPython3_EXECUTABLE=/usr/bin/python3
    cmake --build --preset $preset --parallel "$(nproc)"
done

# --- test ------------------------------------------------------------------------------------------

failed=
step "Unit tests under sanitizers"
ctest --preset debug --label-regex '^unit$' --no-tests=error || failed="unit tests under sanitizers (build/debug)"

step "All tests"
LINEPROF_TESTED=$PWD/build/release/tested.txt   # conftest.py adds a line an interpreter and test file
export LINEPROF_TESTED
: >"$LINEPROF_TESTED"
chmod a+w "$LINEPROF_TESTED"                    # some tests run as an unprivileged user
log=build/release/ctest.log
ctest --preset release --no-tests=error --output-log $log || failed="${failed:+$failed, }tests (build/release)"

step "Interpreters tested"
/usr/bin/python3 tests/interpreters.py --tested "$LINEPROF_TESTED" || [ -n "${LINEPROF_INTERPRETERS:-}" ] ||
    failed="${failed:+$failed, }an interpreter of this machine was not tested"

[ -z "$failed" ] || printf '\nFAILED: %s\n' "$failed"
printf '\n'
grep 'tests passed, .* tests failed out of' $log || echo "ctest did not finish"    # CI reads the closing line
[ -z "$failed" ]
