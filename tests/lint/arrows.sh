#!/bin/sh
# Includes point one way, docs/design.md says why. A layer may include itself and those that its row names; a header's
# layer is in the second table. A file includes with quotes what lies beside it, or "lineprof/...".
set -eu
cd "$(dirname "$0")/../.."

layers() {
    cat <<'TABLE'
base
python    base
profile   base
capture   base python profile
report    base profile
commands  base python profile capture report
preload   base python capture
main      commands
TABLE
}

headers() {
    cat <<'TABLE'
base      intern map sink
python    code frames layout lines mem object thread_name threads
profile   profile
capture   code_record collector neutral ring selfcheck session
report    report
commands  commands
TABLE
}

layer_of_header() { headers | awk -v name="$1" '{ for (i = 2; i <= NF; i++) if ($i == name) print $1 }'; }
may_use() { [ "$1" = "$2" ] || layers | awk -v from="$1" -v to="$2" '
    $1 == from { for (i = 2; i <= NF; i++) if ($i == to) found = 1 } END { exit !found }'; }

status=0
complain() { echo "arrows.sh: $*" >&2; status=1; }

check() { # file layer
    for include in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$1"); do
        case $include in
        lineprof/*)
            name=$(basename "$include" .h)
            layer=$(layer_of_header "$name")
            if [ -z "$layer" ]; then complain "$1: no layer is known for lineprof/$name.h"
            elif ! may_use "$2" "$layer"; then complain "$1: $2 may not include lineprof/$name.h of $layer"; fi
            ;;
        *) [ -e "$(dirname "$1")/$include" ] || complain "$1: \"$include\" is not in its folder" ;;
        esac
    done
}

for file in $(find src preload -name '*.[chS]'); do
    case $file in
    src/main.c) check "$file" main ;;
    preload/*) check "$file" preload ;;
    src/*/*) check "$file" "$(echo "$file" | cut -d/ -f2)" ;;
    *) complain "$file: in no layer" ;;
    esac
done
for file in include/lineprof/*.h; do
    layer=$(layer_of_header "$(basename "$file" .h)")
    if [ -n "$layer" ]; then check "$file" "$layer"; else complain "$file: in no layer"; fi
done
exit $status
