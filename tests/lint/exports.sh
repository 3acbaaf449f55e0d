#!/bin/sh
# The shim shows the program what preload/exports.map lists and nothing else, and loads without surprises:
#
#     exports.sh LIBLINEPROF.SO EXPORTS.MAP
set -eu
library=$1 map=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
complain() { echo "exports.sh: $*" >&2; status=1; }

sed -n '/global:/,/local:/p' "$map" | tr -s ' ;\t' '\n' | grep -Ev '^(global:|local:|\*|)$' | sort >"$work/listed"
nm -D --defined-only "$library" | sed 's/.* //' | sort >"$work/exported"
if ! diff "$work/listed" "$work/exported" >"$work/difference"; then
    complain "exports and exports.map differ (<: in the map alone, >: exported alone)"
    cat "$work/difference" >&2
fi

readelf -dW "$library" >"$work/dynamic"
readelf -lW "$library" >"$work/segments"
nm -D -u "$library" >"$work/needed"

# Text relocations make the loader write to code; lazy binding runs the loader on a small signal stack.
if grep -q TEXTREL "$work/dynamic"; then complain "text relocations"; fi
grep -Eq 'BIND_NOW|FLAGS_1.*NOW' "$work/dynamic" || complain "not linked with -z now"
grep -q GNU_RELRO "$work/segments" || complain "not linked with -z relro"
grep GNU_STACK "$work/segments" | grep -q 'RW ' || complain "asks for an executable stack"
# A general-dynamic TLS access may allocate.
if grep -q __tls_get_addr "$work/needed"; then complain "uses __tls_get_addr: a TLS variable is not initial-exec"; fi
# Every library more is one more in every process that the program starts.
if grep NEEDED "$work/dynamic" | grep -Ev 'lib(c|dl|pthread)\.so|ld-linux' >"$work/more"; then
    complain "needs more than libc:"
    cat "$work/more" >&2
fi
exit $status
