# SPDX-License-Identifier: MIT
"""The report in a real browser, and what must hold of the page's sources without one."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import chromium  # noqa: E402
import pages  # noqa: E402
from pages import link  # noqa: E402

PROJECT = Path(__file__).resolve().parent.parent.parent
FORBIDDEN = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|"
                       r"createContextualFragment|https?://")
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, not an address


# ---- the page, without a browser -------------------------------------------------------------------

def test_sources_make_no_markup_and_know_no_address():
    for path in sorted(pages.HTML.rglob("*")):
        if path.suffix in (".js", ".css", ".html"):
            found = FORBIDDEN.findall(path.read_text(encoding="utf-8").replace(NAMESPACE, ""))
            assert not found, (path.name, found)


def test_page_is_small_and_has_one_marker():
    page = link.link(pages.HTML)
    assert page.count(link.MARKER) == 1
    assert len(page.encode()) < 200_000


def test_policy_holds_the_hashes_of_what_is_there():
    page = link.link(pages.HTML)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    script = page[page.rindex("<script>") + len("<script>"):page.rindex("</script>")]
    style = page[page.index("<style>") + len("<style>"):page.index("</style>")]
    assert f"script-src '{link.sha256(script)}'" in policy
    assert f"style-src '{link.sha256(style)}'" in policy
    for part in ("default-src 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'", "base-uri 'none'"):
        assert part in policy


@pytest.mark.parametrize("name", list(pages.PAGES))
def test_made_up_profiles_are_like_real_ones(name):
    jsonschema = pytest.importorskip("jsonschema", reason="no jsonschema: apt-get install python3-jsonschema")
    schema = json.loads((PROJECT / "docs/profile.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(pages.huge(500)[0] if name == "huge" else pages.PAGES[name]()[0], schema)


@pytest.fixture
def sources(tmp_path):
    copy = tmp_path / "html"
    shutil.copytree(pages.HTML, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize("file, text, message", [
    ("src/new.js", "export const a = 1;\n", "nobody imports new.js"),
    ("src/format.js", "import { h } from './dom.js';\nimport { readModel } from './data.js';\n", "import each other"),
    ("src/dom.js", "import { nothing } from './format.js';\n", "format.js does not export nothing"),
    ("src/dom.js", "import { a } from './gone.js';\n", "there is no module gone.js"),
    ("src/dom.js", "import * as all from './format.js';\n", "does not know this form"),
    ("src/dom.js", "export default 1;\n", "does not know this form"),
    ("src/dom.js", "const late = import('./format.js');\n", "does not know this form"),
    ("src/dom.js", "x.innerHTML = '';\n", "'innerHTML'"),
    ("src/dom.js", "const s = '</script>';\n", "'</script'"),
    ("style.css", "a { background: url(x.png); }\n", "'url('"),
    ("template.html", "{{data}}", "must stand there once"),
    ("template.html", link.MARKER, "exactly once"),
])
def test_linker_refuses(sources, file, text, message):
    path = sources / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(text + before, encoding="utf-8")
    with pytest.raises(link.LinkError, match=re.escape(message)):
        link.link(sources)
    done = subprocess.run([sys.executable, pages.HTML / "link.py", sources, sources / "page.html"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "link.py: " in done.stderr
    assert not (sources / "page.html").exists()


# ---- in the browser --------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def browser():
    if not chromium.executable():
        pytest.skip("no Chromium: apt-get install chromium")
    with chromium.Chromium() as running:
        yield running


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a made-up report; at the end of the test nothing may have gone wrong in it."""
    tabs = []

    def open_page(name, fragment="", **options):
        path = tmp_path / f"{name}.html"
        path.write_text(pages.page(*pages.PAGES[name]()), encoding="utf-8")
        tabs.append(browser.open(path, fragment, **options))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        assert_clean(tab)


def assert_clean(tab):
    tab.settle()
    assert tab.problems == []
    assert tab.requests == []
    assert tab.evaluate("document.querySelectorAll('script').length") == 2
    assert tab.evaluate("document.querySelectorAll('img, iframe, object, embed, audio, video, form').length") == 0


def column(tab, table, name):
    return tab.evaluate(f"[...document.querySelectorAll('.{table} .rows .row')]"
                        ".sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"
                        f".map((row) => row.querySelector('.cell.{name}').innerText.split('\\n')[0].trim())")


def order(tab, table):
    return tab.evaluate(f"[...document.querySelectorAll('.{table} [role=columnheader]')].map((cell) => cell.ariaSort)")


def chosen(tab):
    return tab.evaluate("document.querySelector('.lineview .chosen .number').innerText")


def in_sight(tab, selector):
    return tab.evaluate(f"""(() => {{
        const row = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
        const box = document.querySelector('.lineview').getBoundingClientRect();
        return row.top >= box.top + 27 && row.bottom <= box.bottom;
    }})()""")


def test_what_goes_wrong_is_noticed(browser, tmp_path):
    """The policy stops what an attack would add, and this test would see it."""
    page = pages.page(*pages.believable()).replace(
        "</body>", "<script>alert(1)</script><img src='http://127.0.0.1:9/x.png' onerror='alert(2)'></body>")
    path = tmp_path / "attacked.html"
    path.write_text(page, encoding="utf-8")
    tab = browser.open(path)
    tab.wait("document.readyState === 'complete'")
    assert sum("Content Security Policy" in problem for problem in tab.problems) >= 3
    assert not any(problem.startswith("dialog") for problem in tab.problems)
    with pytest.raises(RuntimeError, match="TrustedHTML|Trusted Type"):
        tab.evaluate("document.body.innerHTML = '<b>x</b>'")


def test_first_glance(opened):
    tab = opened("believable")
    answer = tab.evaluate("document.querySelector('.answer').innerText").replace("\u00a0", " ")
    assert answer == "25 % of the CPU time is spent on simulate.py:43, mostly native. Five lines take 70 %."
    assert chosen(tab) == "43" and in_sight(tab, ".lineview .chosen")
    assert tab.evaluate("document.title") == "simulate.py – lineprof"
    figures = tab.evaluate("document.querySelector('.figures').innerText").replace("\u00a0", " ")
    assert "13.6 s" in figures and "17 undecided" in figures and "4 ms unsampled" in figures
    assert "lost" not in figures and tab.evaluate("document.querySelector('.warnings')") is None
    assert tab.evaluate("document.querySelectorAll('.legend li').length") == 3


def test_lines_are_sorted_by_their_headings(opened):
    tab = opened("believable")
    assert order(tab, "hot") == ["descending"] + ["none"] * 4
    assert column(tab, "hot", "name")[:3] == ["simulate.py:43", "simulate.py:42", "smoothing.py:11"]
    tab.click(".hot .head .system button")
    assert order(tab, "hot") == ["none"] * 4 + ["descending"]
    assert column(tab, "hot", "name")[0] == "store.py:22"
    tab.click(".hot .head .system button")
    assert order(tab, "hot") == ["none"] * 4 + ["ascending"]
    assert column(tab, "hot", "system")[0] == ""
    tab.evaluate("document.querySelector('.hot .head .name button').focus()")
    tab.press("Enter")
    assert order(tab, "hot") == ["none", "ascending", "none", "none", "none"]
    names = column(tab, "hot", "name")
    assert names[0] == "simulate.py:6" and names[1] == "simulate.py:23"  # numbers as numbers
    assert tab.evaluate("document.querySelector('.hot [aria-selected=true] a').innerText") == "simulate.py:43"


def test_choosing_a_line_or_file_moves_the_source(opened):
    tab = opened("believable")
    tab.click(".hot .row[aria-rowindex='4'] .cell.time")
    assert tab.evaluate("location.hash") == "#overview/smoothing.py:11"
    assert tab.evaluate("document.querySelector('.source h2').innerText") == "smoothing.py"
    assert chosen(tab) == "11" and in_sight(tab, ".lineview .chosen")
    tab.click(".paths .row[aria-rowindex='4'] a")
    assert tab.evaluate("document.querySelector('.source h2').innerText") == "store.py"
    assert chosen(tab) == "19"  # its hottest line
    tab.evaluate("history.back()")
    tab.wait("document.querySelector('.source h2').innerText === 'smoothing.py'")


def test_keys(opened):
    tab = opened("believable")
    for key, line in (("j", "42"), ("j", "11"), ("k", "42")):
        tab.press(key)
        assert chosen(tab) == line
    tab.evaluate("document.querySelector('.hot').focus()")
    tab.press("ArrowDown")
    assert chosen(tab) == "11"
    tab.press("2")
    assert tab.evaluate("document.querySelector('.overview').hidden")
    assert tab.evaluate("document.querySelector('#views [aria-current]').innerText") == "Functions"
    tab.press("1")
    assert chosen(tab) == "11"  # as it was left


def test_links_name_a_line(opened):
    tab = opened("believable", "#overview/store.py:22")
    assert tab.evaluate("document.querySelector('.source h2').innerText") == "store.py"
    assert chosen(tab) == "22"
    assert tab.evaluate("document.querySelector('.hot [aria-selected=true] a').innerText") == "store.py:22"
    for fragment in ("#overview//home/ada/stations/store.py:22", "#overview/other/place/store.py:22"):
        tab.evaluate(f"location.hash = {fragment!r}")
        tab.settle()
        assert tab.evaluate("document.querySelector('.source h2').innerText") == "store.py"
    assert tab.evaluate("document.querySelector('.main > .warning').innerText") == (
        "This report has no other/place/store.py. The nearest is store.py.")
    for broken in ("#overview/%E0%A4%A:1", "#nowhere", "#overview/gone.py:99999999999", "#:::"):
        tab.evaluate(f"location.hash = {broken!r}")
        tab.settle()


def test_functions_are_sorted_and_lead_to_their_source(opened):
    tab = opened("believable", "#functions")
    assert column(tab, "wide", "name")[:3] == ["distances", "median_filter", "load"]
    assert order(tab, "wide")[0] == "descending"
    tab.click(".wide .head .total button")
    assert column(tab, "wide", "name")[:2] == ["<module>", "main"]
    tab.click(".wide .head .name button")
    assert order(tab, "wide")[2] == "ascending" and column(tab, "wide", "name")[1] == "clean"
    tab.click(".wide .row[aria-rowindex='4'] .cell.time")
    assert tab.evaluate("location.hash") == "#overview/simulate.py:37"
    assert chosen(tab) == "37"


@pytest.mark.parametrize("fragment", ["", "#functions", "#threads"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", list(pages.PAGES))
def test_every_page_opens_in_both_themes(opened, name, dark, fragment):
    tab = opened(name, fragment, dark=dark)
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3]))
    assert brightness < 150 if dark else brightness > 600
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate("document.querySelectorAll('*').length") < 2500


def test_theme_can_be_changed(opened):
    tab = opened("believable")
    tab.click("#theme")
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.press("d")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_hostile_text_stays_text(opened):
    tab = opened("hostile")
    text = tab.evaluate("document.body.innerText")
    assert pages.ATTACK in tab.evaluate("document.querySelector('#command').innerText")
    assert "\u202e" not in text and "\u2066" not in text and "U+202E" in text
    assert tab.evaluate("document.querySelector('.lineview .rows .row .code').innerText") == f"x = '{pages.ATTACK}'"
    assert "killed by SIGSEGV" in text.replace("\n", " ") and "7.1" in text  # lost
    for link_of_row in tab.evaluate("[...document.querySelectorAll('.hot a, .paths a')].map((a) => a.getAttribute('href'))"):
        tab.evaluate(f"location.hash = {json.dumps(link_of_row)}")
        tab.settle()
        assert tab.evaluate("document.querySelector('.main > .warning').hidden"), link_of_row


def test_empty_report_says_what_to_do(opened):
    tab = opened("nothing")
    text = tab.evaluate("document.body.innerText").replace("\u00a0", " ")
    assert "No sample was taken: the program ran for 3 ms" in text
    assert "Let the program work for longer" in text and "--rate" in text


def answer_of(tab):
    return tab.evaluate("document.querySelector('.answer').innerText").replace("\u00a0", " ")


def test_few_samples_tell_nothing(opened):
    tab = opened("short")
    assert answer_of(tab) == ("Too short to tell: 7 samples in 28 ms of CPU. "
                              "Let it work longer, on more input or in a loop.")
    assert tab.evaluate("document.querySelector('.warnings')") is None


def test_waiting_and_time_on_no_line(opened):
    tab = opened("sleepy")
    assert answer_of(tab) == ("Mostly waited: 420 ms of CPU in 61.0 s; waiting is left out. 73 % of the CPU time "
                              "is spent in <interpreter>, nearly all python. Two lines take 27 %.")
    assert "starting up" in tab.evaluate("document.querySelector('.source').innerText")
    assert "start-up and shut-down" not in tab.evaluate("document.documentElement.outerHTML.split('id=\"data\"')[0]")
    tab.press("2")
    assert column(tab, "wide", "name") == ["<interpreter>", "<module>"]


def text_of(tab, selector):
    return tab.evaluate(f"document.querySelector({json.dumps(selector)}).innerText").replace("\u00a0", " ")


def test_waiting_is_told_beside_its_line(opened):
    tab = opened("waiting")
    assert answer_of(tab) == "62 % of the time is spent on server.py:2, all waiting for I/O. Two lines take 88 %."
    assert "Kept off the CPU: for 54 % of the time that it could run, no core was free (2.50 s)." in text_of(tab, ".warnings")
    waits = tab.evaluate("[...document.querySelectorAll('.lineview .row .wait')].map((span) => span.innerText)")
    assert [w.replace("\u00a0", " ") for w in waits] == ["◂ recvfrom 424 s", "◂ lock 8.80 s", "◂ sleep"]
    title = tab.evaluate("document.querySelector('.lineview .chosen').title").replace("\u00a0", " ")
    assert "waited: recvfrom 424 s, of which the whole program stood still for 5.00 s" in title
    assert f"waited: {pages.ATTACK} 500 ms" in title
    assert "server.py:5" in column(tab, "hot", "name")[-1]  # it waited only for a lock
    tab.evaluate("location.hash = '#overview/server.py:6'")
    tab.settle()
    title = tab.evaluate("document.querySelector('.lineview .chosen').title").replace("\u00a0", " ")
    assert "600 ms of it in native threads" in title and "waited: for a core 2.50 s" in title
    legend = text_of(tab, ".legend")
    for part in (", of which recvfrom 62 %", "waiting for locks 8.80 s", "waiting for the GIL 400 ms", "waiting for a core 2.50 s"):
        assert part in legend, part


def test_the_line_that_hangs_is_named(opened):
    tab = opened("locked")
    assert answer_of(tab) == ("Mostly waited: 20 ms of CPU in 5.00 s; waiting for locks took 4.90 s, most of it on poll.py:2.")


def test_threads_and_processes(opened):
    tab = opened("waiting", "#threads")
    assert tab.evaluate("[...document.querySelectorAll('.both h2')].map((h) => h.innerText)") == ["Processes", "Threads"]
    names = tab.evaluate("[...document.querySelectorAll('.threads .rows .name')].map((cell) => cell.innerText)")
    assert names[0].split() == ["MainThread", "4711"]
    assert pages.ATTACK in "".join(names) and "python -c" in text_of(tab, ".processes") and "signal 9" in text_of(tab, ".processes")
    waits = tab.evaluate("[...document.querySelectorAll('.threads .rows .waits')].map((cell) => cell.innerText)")
    assert waits[0].replace("\u00a0", " ") == "lock 8.80 s, sleep 1.00 s"
    tab.click(".threads .head .waits button")
    first = tab.evaluate("document.querySelector(\".threads .row[aria-rowindex='2'] .waits\").innerText")
    assert first.replace("\u00a0", " ").startswith("recvfrom 9.02 s")
    tab.evaluate("document.querySelector('.threads .table').focus()")
    tab.press("ArrowDown")  # leads nowhere, and does not fail
    assert tab.evaluate("location.hash") == "#threads"
    tab.press("1")
    assert tab.evaluate("document.querySelector('.both').hidden")


def test_one_thread_has_no_view_of_its_own(opened):
    tab = opened("believable", "#threads")
    assert not tab.evaluate("document.querySelector('.overview').hidden")
    assert "Threads" not in text_of(tab, "#views")


def test_doubts_are_told(opened):
    tab = opened("rough")
    text = tab.evaluate("document.body.innerText").replace("\u00a0", " ")
    for part in ("exit status 3", "Only 30 samples", "9.1 % of the samples were lost", "could not be told apart",
                 "System not measured", "was changed after the run began"):
        assert part in text, part
    tab.click(".paths .row[aria-rowindex='3'] a")
    assert "source of this file was not to be had" in tab.evaluate("document.querySelector('.source').innerText")
    assert chosen(tab) == "3"


@pytest.mark.parametrize("change, says", [
    ({"exit": -9}, "The program was killed by SIGKILL."),
    ({"exit": -40}, "The program was killed by signal 40."),
    ({"exit": 0, "unprofiled_processes": 1}, "1 process ran unprofiled: shared memory was full."),
    ({"exit": None, "cut_short": True, "elapsed_s": 12.3}, "Cut short: lineprof was killed. This covers the first 12.3 s."),
])
def test_ending_is_told(browser, tmp_path, change, says):
    path = tmp_path / "ended.html"
    profile, sources = pages.believable()
    path.write_text(pages.page({**profile, **change}, sources), encoding="utf-8")
    tab = browser.open(path)
    assert says in tab.evaluate("document.querySelector('.warnings').innerText").replace("\u00a0", " ")
    assert_clean(tab)


def test_damaged_data_is_told(browser, tmp_path):
    path = tmp_path / "cut.html"
    path.write_text(pages.page(*pages.believable()).replace('"format_version": 1', '"format_version"'), encoding="utf-8")
    tab = browser.open(path)
    assert "damaged" in tab.evaluate("document.querySelector('#main').innerText")
    assert_clean(tab)


def test_fifty_thousand_lines(opened):
    tab = opened("huge")
    assert chosen(tab) == "49500" and in_sight(tab, ".lineview .chosen")
    assert tab.evaluate("document.querySelectorAll('*').length") < 2500
    tab.evaluate("document.querySelector('.lineview').scrollTop = 21 * 25000")
    tab.settle()
    assert "25001" in tab.evaluate("[...document.querySelectorAll('.lineview .number a')].map((a) => a.innerText)")
    tab.evaluate("document.querySelector('.lineview').scrollTop = 1e9")
    tab.settle()
    assert "50000" in tab.evaluate("[...document.querySelectorAll('.lineview .number a')].map((a) => a.innerText)")
    took = tab.evaluate("""(() => {
        const began = performance.now();
        document.querySelector('.hot .head .native button').click();
        return performance.now() - began;
    })()""")
    assert took < 1000  # 100 on a free machine


def test_highlighting(opened):
    tab = opened("believable")
    kinds = tab.evaluate("""[...document.querySelectorAll('.lineview .code span')]
        .map((span) => span.className + ' ' + span.innerText)""")
    for token in ("keyword def", "defined distances", "keyword for", "number 1",
                  'string """Single-link clustering by flood fill."""'):
        assert token in kinds, token


# ---- pages that the program wrote ------------------------------------------------------------------

def test_every_golden_case_opens(browser, tmp_path):
    program = os.environ.get("LINEPROF_GOLDEN_HTML", PROJECT / "build/release/tests/golden/golden_html")
    if not os.access(program, os.X_OK):
        pytest.skip("golden_html is not built (or set LINEPROF_GOLDEN_HTML)")
    for name in subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split():
        path = tmp_path / f"{name}.html"
        path.write_bytes(subprocess.run([program, name], capture_output=True, check=True).stdout)
        for fragment in ("", "#functions", "#threads"):
            assert_clean(browser.open(path, fragment))
