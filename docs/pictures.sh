#!/bin/sh
# Takes the README's pictures anew, of a real profile of examples/hot_line.py:
#
#     docs/pictures.sh [PYTHON]       (Debian packages: aha, chromium)
#
# The table by aha (colours to HTML) and headless Chromium, the report by tests/browser.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/../examples/hot_line.py" "$work"
cd "$work"
COLORTERM=truecolor "$here/../build/release/lineprof" --cli=table --html --json -o hot_line.json --python "$python" \
    --color always --column-width 110 hot_line.py
aha --black --title table <table | sed 's/<pre>/<pre style="font: 14px\/17px DejaVu Sans Mono, monospace; margin: 14px">/' \
    >table.html
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=980,$(($(wc -l <table) * 17 + 40)) \
    --user-data-dir="$work/chromium" --screenshot="$here/table.png" "file://$work/table.html" 2>/dev/null
/usr/bin/python3 "$here/../tests/browser/screenshots.py" shots hot_line.html
cp shots/hot_line-1440x900-light.png "$here/report-light.png"
cp shots/hot_line-1440x900-dark.png "$here/report-dark.png"
