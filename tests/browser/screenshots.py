#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures of the report: screenshots.py OUTDIR [REPORT.html]

Without a report it takes those of pages.py: light and dark, wide and narrow, and the empty states.
"""
import sys
import tempfile
from pathlib import Path

import chromium
import pages

SIZES = ((1440, 900), (900, 700))
EXTRA = (("hostile", ""), ("nothing", ""), ("rough", ""), ("huge", ""), ("believable", "#functions"),
         ("waiting", ""), ("waiting", "#threads"))


def shoot(browser, report, fragment, name, out, sizes=SIZES):
    for width, height in sizes:
        for dark in (False, True):
            target = out / f"{name}-{width}x{height}-{'dark' if dark else 'light'}.png"
            tab = browser.open(report, fragment, width, height, dark)
            tab.screenshot(target)
            print(target, *tab.problems, *tab.requests)


def main(arguments):
    if not 1 <= len(arguments) <= 2:
        sys.exit(__doc__)
    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    with chromium.Chromium() as browser, tempfile.TemporaryDirectory() as folder:
        if len(arguments) == 2:
            report = Path(arguments[1]).resolve()
            return shoot(browser, report, "", report.stem, out)
        for name, make in pages.PAGES.items():
            Path(folder, f"{name}.html").write_text(pages.page(*make()), encoding="utf-8")
        shoot(browser, f"{folder}/believable.html", "", "overview", out)
        for name, fragment in EXTRA:
            shoot(browser, f"{folder}/{name}.html", fragment, f"{name}-{fragment.strip('#')}".strip('-'), out, SIZES[:1])


if __name__ == "__main__":
    main(sys.argv[1:])
