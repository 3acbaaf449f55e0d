"""The command line: what it takes, what it refuses and how, which program it starts, what it leaves behind."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import BUSY, Terminal

PROJECT = Path(__file__).resolve().parents[2]
NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
LONG = BUSY * 6             # enough for 25 samples and more
ARGUMENTS = "import sys; print(sys.argv[1:])\n"


# --- help and options ------------------------------------------------------------------------------------------

def test_help_is_for_a_terminal(program):
    ended = program.run("--help")
    lines = ended.out.decode().splitlines()
    assert ended.code == 0 and not ended.err
    assert max(map(len, lines)) < 80 and len(lines) < 70
    assert "Examples:" in lines and "Report:" in lines


@pytest.mark.parametrize("spelling", [["--version"], ["-V"], ["run", "--version"]])
def test_version(program, spelling):
    ended = program.run(*spelling, python=False)
    assert ended.code == 0 and ended.out.startswith(b"lineprof ")


@pytest.mark.skipif(not (PROJECT / "README.md").exists(), reason="no README.md yet")
def test_readme_has_the_table_of_options(program):
    table = program.run("--help=markdown").out.decode()
    assert table in (PROJECT / "README.md").read_text()


@pytest.mark.parametrize("words, says", [
    ([], "nothing to run"),
    (["--cli"], "nothing to run"),
    (["--ouftile", "x", "t.py"], "did you mean --outfile"),
    (["--reduced", "t.py"], "did you mean --reduced-profile"),
    (["--zzzzzzzz", "t.py"], "unknown option --zzzzzzzz"),
    (["-x", "t.py"], "lineprof -- python3 -x"),
    (["-?", "t.py"], "unknown option -?"),
    (["--rate", "fast", "t.py"], "not 'fast'"),
    (["--rate", "0", "t.py"], "not '0'"),
    (["--rate", "nan", "t.py"], "not 'nan'"),
    (["--rate=1e99", "t.py"], "not '1e99'"),
    (["--rate=", "t.py"], "not ''"),
    (["--rate", "200", "--cpu-sampling-rate", "0.01", "t.py"], "one of them"),
    (["--cpu-sampling-rate", "-1", "t.py"], "not '-1'"),
    (["--cpu-percent-threshold", "101", "t.py"], "from 0 to 100"),
    (["--column-width", "wide", "t.py"], "not 'wide'"),
    (["--color", "blue", "t.py"], "auto, always or never"),
    (["--profile-only", ",", "t.py"], "at least one"),
    (["--cli=", "t.py"], "needs a value"),
    (["--json=1", "t.py"], "takes no value"),
    (["--reduced-profile", "--all-lines", "t.py"], "exclude each other"),
    (["--program-path", "nowhere", "t.py"], "nowhere"),
    (["--cli=x", "-o", "x", "t.py"], "two names"),
    (["-o"], "needs a value"),
    (["-o", "", "t.py"], "needs a value"),
    (["-m"], "needs a value"),
    (["-c"], "needs a value"),
    (["--"], "needs a command"),
    ([""], "empty"),
])
def test_nonsense_is_refused(program, words, says):
    program.write("t.py", "print('ran')")
    ended = program.run(*words)
    assert ended.code == 2 and says in ended.one_line() and not ended.out
    assert program.files() == ["t.py"]


@pytest.mark.parametrize("name", ["gpu", "on", "off", "profile-interval", "memory", "memory-only", "stacks", "config"])
def test_what_is_not_served_is_refused_by_name(program, name):
    ended = program.run(f"--{name}", "t.py")
    assert ended.code == 2 and f"--{name}: " in ended.one_line()


@pytest.mark.parametrize("name", ["view", "attach", "dump", "top", "export", "diff", "merge"])
def test_commands_to_come_are_refused_by_name(program, name):
    program.write(name, "print('ran')")
    ended = program.run(name, python=False)
    assert ended.code == 2 and name in ended.one_line()
    for spelling in (["run", "--cli", name], ["--cli", f"./{name}"]):
        assert program.run(*spelling, python=False).out.startswith(b"ran\n")


def test_what_stands_behind_the_program_is_its_own(program):
    program.write("t.py", ARGUMENTS)
    words = ["--help", "--cli", "-o", "x", "--", "---", "-m"]
    assert program.run("--json", "t.py", *words).out.decode().strip() == str(words)


@pytest.mark.parametrize("before, after", [
    (["t.py", "---"], ["a"]),               # Scalene's: run prog.py --- args
    (["---", "t.py"], ["a"]),               # older Scalene's: --- prog.py args
    (["---", "t.py", "---"], ["a", "---"]),
    (["t.py", "a"], ["---"]),
])
def test_separator(program, before, after):
    program.write("t.py", ARGUMENTS)
    given = before[before.index("t.py") + 1:]
    expected = [word for word in given if word != "---"] + after
    assert program.run("--json", *before, *after).out.decode().strip() == str(expected)


def test_values_stick_to_their_option_or_stand_behind_it(program):
    program.write("t.py", "")
    for i, words in enumerate((["-oa{}"], ["-o", "a{}"], ["--outfile", "a{}"], ["--outfile=a{}"])):
        program.run("--json", *[word.format(i) for word in words], "t.py")
    assert program.files() == ["a0", "a1", "a2", "a3", "t.py"]
    assert program.run("--json", "-cprint(1)").out == b"1\n"
    assert b"usage" in program.run("--json", "-mtimeit", "-h").out


def test_every_option_of_scalene_that_we_serve(program):
    program.write("t.py", BUSY)
    ended = program.run("--cli", "--cpu-only", "--reduced-profile", "--profile-all", "--profile-only", "t,u",
                        "--profile-exclude", "nothing", "--program-path", ".", "--cpu-percent-threshold", "0.5",
                        "--cpu-sampling-rate", "0.01", "--use-virtual-time", "--column-width", "100", "--no-browser",
                        "---", "t.py")
    assert ended.code == 0 and b"t.py" in ended.out and not ended.err


# --- bad programs ----------------------------------------------------------------------------------------------

def check_refused(program, ended, code, says):
    assert ended.code == code and says in ended.one_line() and not ended.out
    assert not [name for name in program.files() if name.startswith(("lineprof-profile", ".lineprof"))]


def test_missing_script(program):
    program.write("here.py", "")
    check_refused(program, program.run("nowhere.py"), 127, "no script 'nowhere.py'")
    check_refused(program, program.run("here"), 127, "did you mean here.py?")
    check_refused(program, program.run("env"), 127, "lineprof -- env")
    check_refused(program, program.run("here.py/x.py"), 127, "Not a directory")
    check_refused(program, program.run("line\nbreak.py"), 127, "line?break.py")


def test_directory_as_script(program):
    program.write("package/code.py", "")
    check_refused(program, program.run("package"), 126, "__main__.py")
    program.write("package/__main__.py", "print('main')")
    assert program.run("--cli", "package").out.startswith(b"main\n")


def test_zip_application(program):
    with zipfile.ZipFile(program.directory / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "print('zipped')\n" + BUSY)
    ended = program.run("--json", "app.pyz")
    assert (ended.code, ended.out) == (0, b"zipped\n")
    assert [path for path in program.report()["files"] if path.endswith("app.pyz/__main__.py")]


@NOT_ROOT
def test_unreadable_script(program):
    program.write("secret.py", "", mode=0)
    check_refused(program, program.run("secret.py"), 126, "Permission denied")


def test_what_is_no_python(program):
    program.write("run.sh", "#!/bin/sh\necho ran\n", mode=0o755)
    check_refused(program, program.run("run.sh"), 126, "lineprof -- ./run.sh")
    check_refused(program, program.run("/bin/true"), 126, "lineprof -- /bin/true")
    program.write("polyglot", "#!/bin/sh\n'''exec' python3 \"$0\"\n'''\nprint('python')\n", mode=0o755)
    assert program.run("--cli", "polyglot").out.startswith(b"python\n")


def test_bad_command(program):
    program.write("data", "", mode=0o644)
    program.write("lost", "#!/no/such/interpreter\n", mode=0o755)
    check_refused(program, program.command("no-such-command"), 127, "no command 'no-such-command'")
    check_refused(program, program.command("./nowhere"), 127, "./nowhere")
    check_refused(program, program.command("./data"), 126, "not executable")
    check_refused(program, program.command("/"), 126, "directory")
    check_refused(program, program.command("./lost"), 127, "first line")


def test_no_python(program):
    program.write("t.py", "")
    ended = program.run("t.py", python=False, env={"PATH": str(program.directory), "VIRTUAL_ENV": ""})
    check_refused(program, ended, 127, "no Python found")
    check_refused(program, program.run("--python", "nowhere", "t.py", python=False), 127, "nowhere")
    check_refused(program, program.run("--python", ".", "t.py", python=False), 127, "bin/python")
    check_refused(program, program.run("--python=3.99", "t.py", python=False), 127, "no python3.99 on PATH")
    check_refused(program, program.run("--python", "./t.py", "t.py", python=False), 126, "not executable")


# --- which Python ----------------------------------------------------------------------------------------------

WHICH = "import sys; print(sys.executable)\n"


def fake_python(program, path):
    return program.write(path, f"#!/bin/sh\necho {path}\nexec {sys.executable} \"$@\"\n", mode=0o755)


def test_which_python(program):
    program.write("t.py", "")
    for path in ("venv/bin/python", "bin/python3", "other/bin/python", "old/python", "named/py"):
        fake_python(program, path)
    at = str(program.directory)
    system = ":/usr/bin:/bin"

    def chosen(path, *words, active=""):
        ended = program.run("--json", *words, "t.py", python=False, env={"PATH": path + system, "VIRTUAL_ENV": active})
        return ended.out.decode().strip()

    assert chosen(f"{at}/bin", active=f"{at}/venv") == "venv/bin/python"
    assert chosen(f"{at}/bin") == "bin/python3"
    assert chosen(f"{at}/bin", active=f"{at}/removed") == "bin/python3"
    assert chosen(f"{at}/bin", "--python", "other", active=f"{at}/venv") == "other/bin/python"
    assert chosen(f"{at}/bin", "--python", "named/py") == "named/py"
    assert chosen(f"{at}/bin:{at}/named", "--python", "py") == "named/py"
    fake_python(program, "bin/python3.77")
    assert chosen(f"{at}/bin", "--python", "3.77") == "bin/python3.77"
    assert chosen(f"{at}/bin", "--python=3") == "bin/python3"
    system = ""
    assert chosen(f"{at}/old") == "old/python"


def test_virtual_environment_is_itself(program):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", program.directory / "venv"], check=True)
    program.write("t.py", "import sys; print(sys.prefix)\n")
    ended = program.run("--json", "t.py", python=False, env={"VIRTUAL_ENV": str(program.directory / "venv")})
    assert ended.out.decode().strip() == str(program.directory / "venv")


# --- forms of program ------------------------------------------------------------------------------------------

def own_lines(program):
    """Source lines with time, file by file."""
    return {path: [line["source"] for line in entry["lines"] if line["source"]]
            for path, entry in program.report()["files"].items()}


@pytest.mark.parametrize("feed", ["pipe", "file"])
def test_script_from_stdin(program, feed):
    script = "import sys\nprint(sys.argv, sys.stdin.read() == '')\n" + BUSY
    path = program.write("input", script)
    options = {"input": script} if feed == "pipe" else {"stdin": path.open()}
    ended = program.run("--json", "-", "a", "b", **options)
    assert (ended.code, ended.out) == (0, b"['-', 'a', 'b'] True\n")
    assert BUSY.strip() in own_lines(program)["<stdin>"]


def test_script_from_the_rest_of_a_file(program):
    path = program.write("input", "garbage (\nprint('rest')\n")
    with path.open("rb", buffering=0) as stdin:
        stdin.read(len("garbage (\n"))
        assert program.run("--cli", "-", stdin=stdin).out.startswith(b"rest\n")


def test_stdin_that_is_no_script(program):
    fd = os.open(program.directory, os.O_RDONLY)
    ended = program.run("-", stdin=fd)
    os.close(fd)
    check_refused(program, ended, 126, "stdin")


def test_code_from_the_command_line(program):
    ended = program.run("--json", "-c", "import sys; print(sys.argv)\n" + BUSY, "a")
    assert (ended.code, ended.out) == (0, b"['-c', 'a']\n")
    assert BUSY.strip() in own_lines(program)["<string>"]


def test_module(program):
    program.write("package/__init__.py", "")
    path = program.write("package/__main__.py", BUSY)
    assert program.run("--json", "-m", "package").code == 0
    assert BUSY.strip() in own_lines(program)[str(path)]


def test_console_script_owns_the_current_directory(program):
    path = program.write("work.py", "def main():\n    " + BUSY)
    program.write("bin/tool", f"#!{sys.executable}\nimport sys\nsys.path.insert(0, '.')\nimport work\nwork.main()\n",
                  mode=0o755)
    assert program.command("tool", env={"PATH": f"{program.directory}/bin:/usr/bin:/bin"}).code == 0
    assert BUSY.strip() in str(own_lines(program)[str(path)])


def test_env_and_shell_script(program):
    path = program.write("x.py", "import sys; print(sys.argv[1:])\n" + BUSY)
    program.write("run.sh", f"#!/bin/sh\necho from the shell\n{sys.executable} x.py \"$@\"\n", mode=0o755)
    ended = program.command("env", "A=1", sys.executable, "x.py", "1")
    assert (ended.code, ended.out) == (0, b"['1']\n") and str(path) in own_lines(program)
    ended = program.command("./run.sh", "2")
    assert (ended.code, ended.out) == (0, b"from the shell\n['2']\n") and str(path) in own_lines(program)
    program.write("plain.sh", f"{sys.executable} x.py 3\n", mode=0o755)        # no #!: the shell's
    assert program.command("./plain.sh").out == b"['3']\n"


def test_shebang_of_a_script_is_a_comment(program):
    program.write("t.py", "#!/no/such/python\n" + WHICH, mode=0o755)
    assert program.run("--json", "t.py").out.decode().strip() == sys.executable


def test_script_from_a_pipe_of_the_shell(program):
    ended = subprocess.run(["bash", "-c", f"'{program.lineprof}' --cli <(echo 'print(5)')"], cwd=program.directory,
                           env=program.environment, capture_output=True)
    assert ended.stdout.startswith(b"5\n")


# --- own code --------------------------------------------------------------------------------------------------

LIBRARY = "def work():\n    " + BUSY


def owners(program):
    return set(program.report()["files"])


def test_script_owns_its_directory_also_through_links(program):
    program.write("real/main.py", "import helper\nhelper.work()\n")
    helper = program.write("real/helper.py", LIBRARY)
    (program.directory / "links").mkdir()
    (program.directory / "links/main.py").symlink_to("../real/main.py")
    for name in ("real/main.py", "links/main.py", "links/../real/main.py", str(program.directory / "real/main.py")):
        program.run("--json", name)
        assert str(helper) in owners(program), name


def editable_install(program, style):
    """A virtual environment with a project that lies elsewhere, as tools that install editable leave it."""
    project = program.write("my project/src/library.py", LIBRARY).parent
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", program.directory / "venv"], check=True)
    site, = (program.directory / "venv").glob("lib/python*/site-packages")
    url = str(project.parent).replace(" ", "%20")
    if style == "direct_url":
        (site / "library-1.dist-info").mkdir()
        (site / "library-1.dist-info/direct_url.json").write_text(
            '{"url": "file://%s", "dir_info": {"editable": true}}' % url)
        (site / "own.pth").write_text(f"{project}\n")
    elif style == "pth":
        (site / "__editable__.library-1.pth").write_text(f"{project}\n")
    else:
        (site / "library.egg-link").write_text(f"{project}\n..\n")
        (site / "easy-install.pth").write_text(f"{project}\n")
    return str(project / "library.py")


@pytest.mark.parametrize("style", ["direct_url", "pth", "develop"])
def test_editable_installs_are_own_code(program, style):
    path = editable_install(program, style)
    program.write("elsewhere/t.py", "import library\nlibrary.work()\n")
    at = program.directory / "elsewhere"
    python = program.directory / "venv/bin/python"
    for words in (["t.py"], ["-m", "t"], ["-c", "import library; library.work()"], ["--", python, "t.py"]):
        choice = [] if words[0] == "--" else ["--python", python]
        ended = program.run("--json", "-o", "../lineprof-profile.json", *choice, *words, python=False, cwd=at)
        assert ended.code == 0 and path in owners(program), words


def test_program_path_takes_the_place_of_the_scripts_directory(program):
    path = program.write("library/library.py", LIBRARY)
    main = program.write("main/t.py", "import library\nlibrary.work()\n")
    environment = {"PYTHONPATH": str(program.directory / "library")}
    program.run("--json", "main/t.py", env=environment)
    assert str(main) in owners(program)
    program.run("--json", "--program-path", "library", "main/t.py", env=environment)
    assert str(path) in owners(program)


# --- what is left behind ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, files, table", [
    ([], ["lineprof-profile.html", "lineprof-profile.json"], False),
    (["--html"], ["lineprof-profile.html", "lineprof-profile.json"], False),
    (["--json"], ["lineprof-profile.json"], False),
    (["-o", "a.json"], ["a.html", "a.json"], False),
    (["-o", "a"], ["a", "a.html"], False),
    (["-o", "a.html"], ["a.html", "a.json"], False),
    (["--json", "-o", "a.json"], ["a.json"], False),
    (["--cli"], [], True),
    (["--cli", "-o", "a.json"], ["a.json"], True),
    (["--cli", "--html"], ["lineprof-profile.html", "lineprof-profile.json"], True),
    (["--cli=table.txt"], ["table.txt"], False),
    (["--cli=-"], [], True),
])
def test_which_files_are_written(program, words, files, table):
    program.write("t.py", BUSY + "print('last', end='')\n")
    ended = program.run(*words, "t.py")
    assert ended.code == 0
    assert [name for name in program.files() if name != "t.py"] == files
    assert ended.out.startswith(b"last") and (len(ended.out) > 4) == table
    assert all(name in ended.one_line() for name in files) if files else not ended.err


def test_table_in_a_file_is_plain_text(program):
    program.write("t.py", BUSY)
    program.run("--cli=table.txt", "t.py")
    text = (program.directory / "table.txt").read_text()
    assert "t.py" in text and "\033" not in text


@pytest.mark.parametrize("settings, words, colours", [
    ({"TERM": "xterm-256color"}, [], True),
    ({"TERM": "xterm-256color", "NO_COLOR": "1"}, [], False),
    ({"TERM": "dumb"}, [], False),
    ({"TERM": "xterm-256color"}, ["--color", "never"], False),
    ({"TERM": "dumb", "NO_COLOR": "1"}, ["--color=always"], True),
])
def test_colour_on_a_terminal(program, settings, words, colours):
    program.write("t.py", BUSY)
    environment = {k: v for k, v in program.environment.items() if k not in ("NO_COLOR", "COLORTERM")}
    terminal = Terminal(program.words("--cli", *words, "t.py"), program.directory, {**environment, **settings})
    assert terminal.wait() == 0
    assert ("\033[" in terminal.text) == colours


def test_colour_in_a_pipe_only_when_forced(program):
    program.write("t.py", BUSY)
    assert b"\033" not in program.run("--cli", "t.py", env={"TERM": "xterm-256color"}).out
    assert b"\033" in program.run("--cli", "t.py", env={"CLICOLOR_FORCE": "1"}).out
    assert b"\033" in program.run("--cli", "--color=always", "t.py").out


def test_width_is_the_terminals(program):
    program.write("t.py", BUSY + "x = 1  # " + "long " * 60 + "\n")

    def width(text):
        return max(len(line) for line in text.splitlines())

    environment = {k: v for k, v in program.environment.items() if k != "COLUMNS"}
    for columns in (80, 160):
        terminal = Terminal(program.words("--cli", "t.py"), program.directory, environment, columns)
        terminal.wait()
        assert columns * 0.9 < width(terminal.text) <= columns
    assert width(program.run("--cli", "t.py", env={"COLUMNS": "120"}).out.decode()) in range(108, 121)
    assert width(program.run("--cli", "--column-width", "100", "t.py").out.decode()) in range(90, 101)


def test_unwritable_outfile_is_found_before_the_program_runs(program):
    program.write("t.py", "open('ran', 'w')")
    (program.directory / "folder").mkdir()
    for words, says in ((["-o", "nowhere/x.json"], "nowhere/x.json: No such file"),
                        (["-o", "folder"], "folder: Is a directory"),
                        (["-o", "t.py/x"], "Not a directory"),
                        (["--cli=nowhere/table"], "nowhere/table: No such file")):
        ended = program.run(*words, "t.py")
        assert ended.code == 125 and says in ended.one_line() and "not started" in ended.err
        option = "--cli=FILE" if words[0].startswith("--cli") else "-o"
        assert f"({option} chooses another place)" in ended.err
    assert program.files() == ["t.py"]


# --- files of the person's -------------------------------------------------------------------------------------

PRECIOUS = '{"data": [1, 2, 3]}\n'


@pytest.mark.parametrize("words, at", [
    (["--json", "-o", "precious.json"], "precious.json"),
    (["-o", "page.json"], "page.html"),
    (["-o", "page.html"], "page.html"),
    (["-o", "t.py"], "t.py"),
    (["--cli=t.py"], "t.py"),
    (["--cli=./link.py"], "link.py"),
    (["--cli=precious.json"], "precious.json"),
    (["--cli=notes.txt"], "notes.txt"),
    (["--cli=notes"], "notes"),
])
def test_files_that_are_not_ours_stay(program, words, at):
    program.write("t.py", "open('ran', 'w')\n")
    (program.directory / "link.py").symlink_to("t.py")
    for name in ("precious.json", "page.html", "notes.txt", "notes"):
        program.write(name, PRECIOUS)
    before = {name: (program.directory / name).read_text() for name in program.files()}
    ended = program.run(*words, "t.py")
    assert ended.code == 125 and at in ended.one_line() and "not started" in ended.err and not ended.out
    assert {name: (program.directory / name).read_text() for name in program.files()} == before


@pytest.mark.parametrize("arguments", [["in.json"], ["--input=in.json"], ["../{}/in.json"]])
def test_arguments_of_the_program_stay_whatever_they_are(program, arguments):
    program.write("t.py", "open('ran', 'w')\n")
    program.write("in.json", '{"format":"lineprof"}')
    words = [word.format(program.directory.name) for word in arguments]
    for output in (["--json", "-o", "in.json"], ["--cli=in.json"]):
        ended = program.run(*output, "t.py", *words)
        assert ended.code == 125 and "belongs to the program" in ended.one_line()
    assert program.files() == ["in.json", "t.py"]


@pytest.mark.parametrize("words", [
    [], ["-o", "a.html"], ["--json", "-o", "plain"], ["--cli=t.txt"], ["--cli=t.txt", "--color=always"],
    ["--cli=t.txt", "--column-width=40"],
])
def test_earlier_reports_are_replaced(program, words):
    for source in (BUSY, "", BUSY):
        program.write("t.py", source)
        assert program.run(*words, "t.py").code == 0
    for name in program.files():            # as other programs leave it
        if name.endswith(".json"):
            program.write(name, "\n { \"format\" : \"lineprof\", \"x\": 1}")
    assert program.run(*words, "t.py").code == 0


def test_empty_files_and_devices_may_be_written(program):
    program.write("t.py", "")
    program.write("empty.json", "")
    assert program.run("--json", "-o", "empty.json", "t.py").code == 0
    assert program.run("--cli=/dev/null", "t.py").code == 0
    log = program.write("log", "before\n")
    with log.open("a") as out:
        assert program.run("-o", "/dev/stdout", "t.py", stdout=out).code == 0
    assert log.read_text().startswith('before\n{"format"')


def test_report_as_script(program):
    program.write("t.py", "")
    program.run("t.py")
    ended = program.run("lineprof-profile.json")
    assert ended.code == 126 and "is a report of lineprof: open lineprof-profile.html" in ended.one_line()
    ended = program.run("lineprof-profile.html")
    assert ended.code == 126 and "open it in a browser" in ended.one_line()
    (program.directory / "lineprof-profile.html").unlink()
    assert "no page beside it" in program.run("lineprof-profile.json").one_line()


def test_json_on_stdout(program):
    program.write("t.py", BUSY + "print('last')\n")
    ended = program.run("-o", "-", "t.py")
    first, _, rest = ended.out.partition(b"\n")
    assert ended.code == 0 and first == b"last" and json.loads(rest)["format"] == "lineprof"
    assert "JSON on stdout" in ended.one_line() and program.files() == ["t.py"]
    assert program.run("-o", "-", "--cli=table", "t.py").out.startswith(b"last\n{")
    assert program.files() == ["t.py", "table"]
    for words in (["--cli"], ["--cli=-"], ["--html"]):
        ended = program.run("-o", "-", *words, "t.py")
        assert ended.code == 2 and "-o -" in ended.one_line() and not ended.out
    program.write("t.py", "")
    with open("/dev/full", "w") as full:
        ended = program.run("-o", "-", "t.py", stdout=full)
    assert ended.code == 125 and "the JSON to stdout: No space left" in ended.err


@NOT_ROOT
def test_unwritable_directory(program):
    program.write("t.py", "open('/dev/null', 'w')")
    program.directory.chmod(0o555)
    ended = program.run("t.py", env={"PYTHONDONTWRITEBYTECODE": "1"})
    program.directory.chmod(0o755)
    assert ended.code == 125 and "Permission denied" in ended.one_line()


@pytest.mark.parametrize("code, expected", [(0, 125), (3, 3)])
def test_full_disk(program, code, expected):
    program.write("t.py", f"raise SystemExit({code})")
    ended = program.run("-o", "/dev/full", "t.py")
    assert ended.code == expected and "/dev/full: No space left on device" in ended.one_line()
    assert program.files() == ["t.py"] and not os.path.exists("/dev/full.html")


def test_what_was_there_stays_when_the_disk_is_full(program):
    # Not one byte more in lineprof's files: as near to a full disk as anybody may come.
    program.write("t.py", "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (0, 0))\n")
    old = '{"format": "lineprof", "old": true}'
    program.write("old.json", old)
    ended = program.run("--json", "-o", "old.json", "t.py")
    assert ended.code == 125 and "old.json: File too large" in ended.one_line()
    assert program.files() == ["old.json", "t.py"]
    assert (program.directory / "old.json").read_text() == old


def test_report_in_a_pipe(program):
    program.write("t.py", "")
    ended = program.run("-o", "/dev/stdout", "t.py")
    assert ended.code == 0 and ended.out.startswith(b"{") and program.files() == ["t.py"]


def test_browser_only_in_front_of_a_person(program):
    program.write("t.py", "")
    seen = program.directory / "seen"
    program.write("bin/xdg-open", f"#!/bin/sh\necho \"$1\" >> {seen}\n", mode=0o755)
    program.write("bin/mine", f"#!/bin/sh\necho \"$@\" >> {seen}\n", mode=0o755)
    environment = {**program.environment, "DISPLAY": ":7", "BROWSER": "",
                   "PATH": f"{program.directory}/bin:{os.environ['PATH']}"}

    def opened(*words, **changes):
        Terminal(program.words(*words, "t.py"), program.directory, {**environment, **changes}).wait()
        for _ in range(20):
            subprocess.run(["sleep", "0.05"])
            if seen.exists():
                text = seen.read_text().strip()
                seen.unlink()
                return text
        return None

    page = str(program.directory / "lineprof-profile.html")
    assert opened() == page
    assert opened("--no-browser") is None
    assert opened("--json") is None
    assert opened("--cli", "--html") is None
    assert opened(DISPLAY="", WAYLAND_DISPLAY="") is None
    assert opened(BROWSER="mine -a %s -b:other") == f"-a {page} -b"
    assert opened(BROWSER="mine -x") == f"-x {page}"
    program.run("t.py", env=environment)                                    # no terminal
    assert not seen.exists()


# --- messages --------------------------------------------------------------------------------------------------

def test_result_says_what_and_where(program):
    program.write("t.py", LONG)
    line = program.run("t.py").one_line()
    assert "% python" in line and "samples" in line and line.endswith("lineprof-profile.html and lineprof-profile.json")


def test_too_few_samples_tell_nothing(program):
    program.write("t.py", "sum(i * i for i in range(100_000))\n")
    ended = program.run("--cli", "--json", "t.py")
    samples = program.report()["samples"]
    assert 0 < samples < 25
    text = " ".join(ended.out.decode().split())
    assert "Too short to tell: " in text and "is spent" not in text and "Let it work longer" in text
    assert "too short to tell (" in ended.one_line() or "mostly waited: " in ended.err
    assert f"{samples} sample{'s' if samples > 1 else ''} in " in text


def words_of(ended):
    return " ".join(ended.out.decode().split())


SITE = {"PYTHONNOUSERSITE": "1"}  # what a user's site does at start-up is not of this


def test_a_program_that_sleeps_is_asleep(program):
    program.write("t.py", "import time\ntime.sleep(1.5)\n")
    ended = program.run("--cli", "--json", "t.py", env=SITE)
    text = words_of(ended)
    assert "% of the time is spent on t.py:2, " in text and "asleep." in text.split("python")[0]
    assert "time.sleep(1.5) ◂ sleep" in text or "time.sleep(1.5) < sleep" in text
    assert re.search(r" of CPU and 1\.[45]\d s of waiting \(", ended.one_line())


def test_waiting_that_is_in_no_column_is_told(program):
    program.write("t.py", "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire(timeout=2)\n")
    ended = program.run("--cli", "--json", "t.py", env=SITE)
    text = words_of(ended)
    assert text.startswith("Mostly waited: ") and "; waiting for locks took " in text
    assert ", most of it on t.py:4." in text and re.search("lock.acquire\\(timeout=2\\) [◂<] lock", text)
    assert "mostly waited: " in ended.one_line() and "waiting for locks took " in ended.err


def test_waiting_can_be_left_out(program):
    program.write("t.py", "import time\ntime.sleep(1.5)\n")
    ended = program.run("--cli", "--json", "--use-virtual-time", "t.py", env=SITE)
    text = words_of(ended)
    assert text.startswith("Mostly waited: ") and "; waiting is left out." in text and "sleep(1.5) " not in text
    assert "mostly waited: " in ended.one_line() and "; waiting is left out: " in ended.err
    report = program.report()
    assert report["totals"]["waits"] is None and report["totals"]["lock_s"] is None
    assert all(thread["waits"] is None for thread in report["threads"])


def test_idle_threads_are_one_row(program):
    program.write("t.py", "import queue, threading\n"
                          "q = queue.Queue()\n"
                          "threads = [threading.Thread(target=q.get) for _ in range(20)]\n"
                          "for t in threads: t.start()\n"
                          "for i in range(10_000_000): pass\n"
                          "for t in threads: q.put(1)\n")
    text = words_of(program.run("--cli", "--json", "t.py", env=SITE))
    assert "20 threads, waiting for locks" in text


def test_children_are_listed(program):
    program.write("t.py", "import subprocess, sys\n"
                          "subprocess.run([sys.executable, '-c', 'sum(range(20_000_000))'])\nraise SystemExit(3)\n")
    ended = program.run("--cli", "--json", "--column-width", "140", "t.py", env=SITE)
    listed = ended.out.decode().split(" process\n")[-1]
    for process in program.report()["processes"]:
        assert str(process["pid"]) in listed
    assert " exit 3" in listed and " CPU " in listed


def test_share_is_of_the_time_measured(program):
    program.write("t.py", LONG)
    text = words_of(program.run("--cli", "--json", "t.py"))
    assert "% of the time is spent on" in text
    assert "<start-up and shut-down>" not in text
    assert "% of the CPU time is spent on" in words_of(program.run("--cli", "--json", "--use-virtual-time", "t.py"))


@pytest.mark.parametrize("words, word", [
    (["t.py", "--cli"], "--cli"),
    (["t.py", "a", "--profile-all", "--cli"], "--profile-all"),
    (["t.py", "--outfile=x"], "--outfile=x"),
    (["-m", "t", "--cli"], "--cli"),
    (["t.py", "--help", "--version", "--epochs"], None),
    (["t.py", "---", "--cli"], None),
    (["--json", "t.py", "--cli"], None),
    (["--cli", "t.py", "--rate=5"], None),
])
def test_option_behind_the_program_is_hinted_at(program, words, word):
    program.write("t.py", BUSY)
    ended = program.run(*words)
    hint = f"({word} went to the program; if meant for lineprof: lineprof {word} " if word else "went to the program"
    assert (hint in ended.err) == bool(word)
    assert ended.code == 0 and len(ended.lines) < 2


def test_nothing_matched(program):
    program.write("t.py", LONG)
    ended = program.run("--cli", "--profile-only", "zzz", "t.py")
    assert ended.code == 0 and "nothing matched --profile-only zzz" in ended.one_line()
    assert not program.run("--cli", "--profile-only", "zzz,t.py", "t.py").err


def test_too_short_for_a_sample(program):
    program.write("t.py", "import os\nos._exit(4)\n")
    for _ in range(20):         # start-up alone may be sampled; one of these is not
        ended = program.run("--json", "-c", "pass", env={"PYTHONNOUSERSITE": "1"})
        if program.report()["samples"] == 0:
            assert "too short for a sample" in ended.one_line()
            return
    assert program.report()["samples"] < 20


@pytest.mark.parametrize("source, hinted", [
    ("@profile\ndef f():\n    pass\n", True),
    ("class A:\n    @profile\n    def f(self):\n        pass\n", True),
    ("from line_profiler import profile\n@profile\ndef f(): pass\nf(1)\n", False),
    ("def profile(f): return f\n@profile\ndef f(): pass\nf(1)\n", False),
    ("try:\n    profile\nexcept NameError:\n    profile = lambda f: f\n@profile\ndef f(): pass\nf(1)\n", False),
    ("@profiled\ndef f(): pass\n", False),
    ("1 / 0\n", False),
])
def test_hint_for_line_profilers_decorator(program, source, hinted):
    program.write("t.py", source)
    ended = program.run("--json", "t.py")
    assert ended.code == 1 and "Error" in ended.err
    assert any("hint: @profile" in line for line in ended.lines) == hinted


def test_unsupported_interpreter_runs_untouched(program, unsupported_python):
    program.write("t.py", "import sys\nsys.stdout.write('ran')\nsys.exit(3)\n")
    ended = program.run("--python", unsupported_python, "t.py", python=False)
    version = ".".join(map(str, unsupported_python.version[:2]))
    assert (ended.code, ended.out) == (3, b"ran")
    assert version in ended.one_line() and "not supported" in ended.err
    assert program.files() == ["t.py"]


def test_no_python_at_all(program):
    ended = program.command("sh", "-c", "echo done; exit 6")
    assert (ended.code, ended.out) == (6, b"done\n")
    assert "no Python" in ended.one_line() and program.files() == []


def test_static_executable(program):
    source = program.write("a.c", "int main(void) { return 9; }\n")
    built = subprocess.run(["gcc", "-static", "-o", program.directory / "a", source], capture_output=True)
    if built.returncode:
        pytest.skip("no static libc")
    ended = program.command("./a")
    assert ended.code == 9 and "static executable" in ended.one_line()


def test_perf_refused(program):
    paranoid = int(Path("/proc/sys/kernel/perf_event_paranoid").read_text())
    if os.geteuid() == 0 or paranoid <= 1:
        pytest.skip("perf events are allowed here")
    program.write("t.py", BUSY)
    ended = program.run("--rate", "5000", "--json", "t.py")
    assert ended.code == 0 and f"perf_event_paranoid is {paranoid}" in ended.err


# --- installing ------------------------------------------------------------------------------------------------

def test_works_wherever_it_is_installed(program, lineprof, tmp_path):
    build = Path(lineprof).parent
    if not (build / "cmake_install.cmake").exists() or not os.access(build, os.W_OK):
        pytest.skip("not run from a build directory, or not its owner")
    prefix = tmp_path / "a place: with $pecial name"
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, capture_output=True)
    moved = tmp_path / "moved to: here"
    prefix.rename(moved)
    program.write("t.py", BUSY)
    program.lineprof = str(moved / "bin/lineprof")
    ended = program.run("t.py")
    assert ended.code == 0 and program.report()["samples"] > 0
    link = program.directory / "lp"
    link.symlink_to(program.lineprof)
    program.lineprof = str(link)
    assert program.run("--json", "t.py").code == 0


def test_shim_is_missing(program, lineprof, tmp_path):
    (tmp_path / "alone").mkdir()
    program.lineprof = shutil.copy(lineprof, tmp_path / "alone/lineprof")
    program.write("t.py", "open('ran', 'w')")
    check_refused(program, program.run("t.py"), 125, "liblineprof.so")
    assert program.files() == ["t.py"]
