#!/bin/sh
# The handler's objects need nothing but what sigsafe.allowed lists:
#
#     sigsafe.sh OBJECT... ARCHIVE(MEMBER)...
#
# ARCHIVE(MEMBER) is what the handler uses of a library that has more than that. A symbol that one of these files
# defines for another is no question.
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for file; do
    case $file in
    *\(*\))
        archive=${file%%\(*} member=${file##*\(}
        member=${member%\)}
        (cd "$work" && ar x "$archive" "$member") || exit 1
        file=$work/$member
        ;;
    esac
    nm --undefined-only --format=just-symbols "$file" >>"$work/needed" 2>/dev/null ||
        nm -u "$file" | sed 's/.* //' >>"$work/needed"
    nm --defined-only --extern-only "$file" | sed 's/.* //' >>"$work/defined"
done
sed 's/#.*//; s/[ \t].*//; /^$/d' "$here/sigsafe.allowed" >>"$work/defined"

grep . "$work/needed" | sort -u >"$work/needed.sorted"
sort -u "$work/defined" >"$work/defined.sorted"
bad=$(comm -23 "$work/needed.sorted" "$work/defined.sorted")
[ -s "$work/needed.sorted" ] || { echo "sigsafe.sh: the objects need nothing at all? nm cannot have read them" >&2; exit 1; }
if [ -n "$bad" ]; then
    echo "The signal handler's objects use what is not on the list (tests/lint/sigsafe.allowed):" >&2
    echo "$bad" | sed 's/^/    /' >&2
    exit 1
fi
