#!/bin/sh
# Builds the fuzzers with clang, ASan and UBSan, and runs them; see CMakeLists.txt.
#
#     run.sh [FUZZER [LIBFUZZER_OPTION...]]
#
# Ends with 77 where clang or its fuzzer library is missing.
set -eu
cd "$(dirname "$0")/../.."
build=${LINEPROF_FUZZ_BUILD:-build/fuzz}
log=$build.log

can_fuzz() {
    command -v clang >/dev/null || { echo "skipped: no clang"; return 1; }
    echo 'int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n) { return !b && n; }' |
        clang -x c - -fsanitize=fuzzer,address,undefined -o /dev/null 2>/dev/null ||
        { echo "skipped: clang has no fuzzer library (Debian: libclang-rt-14-dev, or whichever clang there is)"; return 1; }
}
can_fuzz || exit 77

fuzzers="fuzz_lines fuzz_code_string fuzz_ring"
mkdir -p "$(dirname "$build")"
flags="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
{
    cmake -S . -B "$build" -G Ninja -DLINEPROF_FUZZ=ON -DLINEPROF_TESTS=ON -DCMAKE_C_COMPILER=clang \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_FLAGS="$flags"
    cmake --build "$build" --parallel 2 --target $fuzzers
} >"$log" 2>&1 || { cat "$log"; exit 1; }

one() { # fuzzer, options; findings lie in the build folder
    echo "== $*"
    fuzzer=$1
    shift
    "$build/tests/fuzz/$fuzzer" -artifact_prefix="$build/" -print_final_stats=1 "$@" 2>"$log" ||
        { tail -60 "$log"; return 1; }
    grep -E 'Done|^stat::(number_of_executed_units|new_units_added)' "$log"
}

if [ $# -gt 0 ]; then one "$@"; exit; fi
for fuzzer in $fuzzers; do one "$fuzzer" -runs=20000 -seed=1 -max_len=4096 -len_control=20; done
