"""Whatever way a program starts another Python: the child's work stands in the report, by process and by line.

Children are compared with a bare run where they can be seen (test_transparent.py); here it is what lineprof says.
"""

import subprocess

import pytest

# The child, which notes what it has used; imported, it works as well.
BURN = """
import time
def burn():
    start = time.process_time()
    for i in range(2_000_000): pass
    for i in range(1_000_000): pass
    with open("took", "a") as file: file.write("%f\\n" % (time.process_time() - start))
burn()
"""


@pytest.fixture
def program(transparent):
    (transparent.directory / "child.py").write_text(BURN)
    return transparent


def cpu_of(profile, name):
    """Seconds on lines of the files called this."""
    return sum(line[column] or 0 for path, file in profile["files"].items() if path.rpartition("/")[2] == name
               for line in file["lines"] for column in ("python_s", "native_s", "system_s"))


def assert_in_report(program):
    """What children noted the second time, profiled, is on the lines of their file: all but a tick or two each."""
    took = [float(line) for line in (program.directory / "took").read_text().split()]
    took = took[len(took) // 2:]
    reported = cpu_of(program.profile(), "child.py")
    assert -0.012 * len(took) - 0.1 * sum(took) < reported - sum(took) < 0.012 * len(took) + 0.1 * sum(took), took


PRELUDE = "import os, subprocess, sys\npython = sys.executable\n"

# How, and how many processes with a Python that makes.
WAYS = {
    "fork": ("import child\nif os.fork() == 0:\n    child.burn(); os._exit(0)\nos.wait()", 2),
    "a script": ("subprocess.check_call([python, 'child.py'])", 2),
    "-c": ("subprocess.check_call([python, '-c', 'import child'])", 2),
    "-m": ("subprocess.check_call([python, '-m', 'child'])", 2),
    "stdin": ("subprocess.run([python, '-'], input=b'import child', check=True)", 2),
    "a shell": ("os.system('\"%s\" child.py; exit 0' % python)", 2),
    "a shell's pipe": ("os.system('\"%s\" child.py | cat; :' % python)", 2),
    "another environment": ("subprocess.check_call([python, 'child.py'], env=dict(os.environ, A='1'))", 2),
    "own session": ("subprocess.run([python, 'child.py'], start_new_session=True, preexec_fn=int)", 2),
    "posix_spawn": ("os.waitpid(os.posix_spawn(python, [python, 'child.py'], os.environ), 0)", 2),
    "env": ("os.execvp('env', ['env', 'B=1', python, 'child.py'])", 2),
    "exec": ("os.execv(python, [python, 'child.py'])", 2),
    "exec of a shell that execs": ("os.execv('/bin/sh', ['sh', '-c', 'exec \"%s\" child.py' % python])", 2),
    "exec in a child": ("if os.fork() == 0:\n    os.execv(python, [python, 'child.py'])\nos.wait()", 3),
    "double fork": ("r, w = os.pipe()\nif os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
                    "    import child\n    os._exit(0)\nos.close(w); os.wait(); os.read(r, 1)", 3),
    "grandchildren": ("subprocess.check_call([python, '-c', 'import subprocess, sys; "
                      "subprocess.check_call([sys.executable, \"child.py\"])'])", 3),
    "fork in a thread": ("import child, threading, warnings; warnings.simplefilter('ignore')\ndef go():\n"
                         "    if os.fork() == 0: child.burn(); os._exit(0)\n    os.wait()\n"
                         "t = threading.Thread(target=go); t.start(); t.join()", 2),
    "killed": ("import signal, time\np = subprocess.Popen([python, '-c', 'import child; print(1, flush=True); "
               "import time; time.sleep(60)'], stdout=-1)\np.stdout.readline(); p.kill(); p.wait()", 2),
    "ProcessPoolExecutor": ("from concurrent.futures import ProcessPoolExecutor\nimport child\n"
                            "if __name__ == '__main__':\n    with ProcessPoolExecutor(2) as pool: pool.submit(child.burn).result()",
                            2),
}
for method in ("fork", "spawn", "forkserver"):
    WAYS[f"multiprocessing by {method}"] = (
        f"import multiprocessing\ndef go():\n    import child\nif __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context('{method}')\n"
        f"    p = context.Process(target=go); p.start(); p.join()\n"
        f"    with context.Pool(1) as pool: pool.apply(go)", 3)


@pytest.mark.parametrize("way", WAYS)
def test_work_of_a_child_is_in_the_report(program, way):
    source, processes = WAYS[way]
    ended, _ = program.both(PRELUDE + source + "\n")
    profile = program.profile()
    assert ended.code == 0, ended.err
    assert_in_report(program)
    assert len(profile["processes"]) >= processes


def test_another_version(program, pytestconfig):
    """Of a virtual environment, say: each interpreter is read by its own rows."""
    other = next((str(one) for one in pytestconfig.chosen if str(one) != program.python), None)
    if not other:
        pytest.skip("one interpreter")
    environment = program.directory / "venv"
    made = subprocess.run([other, "-m", "venv", "--without-pip", environment], capture_output=True)
    python = environment / "bin/python" if made.returncode == 0 else other
    program.both(f"import subprocess\nsubprocess.check_call(['{python}', 'child.py'])\n")
    profile = program.profile()
    assert_in_report(program)
    assert len({process["version"] for process in profile["processes"]}) == 2


def test_no_finally_of_the_parent_in_children(program):
    """What a profiler that unwinds the child's copy of the parent would run: finally, atexit, output buffers."""
    ended, _ = program.both("""
import atexit, multiprocessing, os, sys
atexit.register(lambda: os.write(1, b"atexit %d\\n" % (os.getpid() == parent)))
parent = os.getpid()
sys.stdout.write("buffered ")
sys.stdout.flush()
try:
    pid = os.fork()
    if pid == 0:
        try:
            sum(range(2000000))
            os._exit(5)
        finally:
            os.write(1, b"never\\n")
    os.write(1, b"%d\\n" % os.waitpid(pid, 0)[1])
    if hasattr(os, "fork") and "fork" in multiprocessing.get_all_start_methods():
        process = multiprocessing.get_context("fork").Process(target=sum, args=(range(2000000),))
        process.start(); process.join()
        os.write(1, b"joined %d\\n" % process.exitcode)
finally:
    os.write(1, b"finally %d\\n" % (os.getpid() == parent))
""")
    assert ended.out == b"buffered 1280\njoined 0\nfinally 1\natexit 1\n"


def test_end_without_cleaning_up(program):
    """os._exit runs no finally, no atexit, and leaves what is buffered unwritten."""
    ended, _ = program.both("import atexit, os, sys\natexit.register(print, 'atexit')\nsys.stdout.write('buffered')\n"
                            "sum(range(3000000))\ntry:\n    os._exit(5)\nfinally:\n    print('finally')\n",
                            env={"PYTHONUNBUFFERED": ""})
    assert (ended.code, ended.out) == (5, b"")


def test_no_warning_of_threads_at_fork(program):
    """3.12 and later count the threads of the process."""
    program.both("import os, time, warnings\nwarnings.simplefilter('error')\n" + BURN +
                 "pid = os.fork()\nif pid == 0: os._exit(3)\nprint(os.waitpid(pid, 0)[1])\n")


def test_a_cleared_environment_is_told(program):
    """Whoever clears it for a child has it run unprofiled; the report says so, and counts no other program."""
    program.write("t.py", "import subprocess, sys\n"
                          "for _ in range(2): subprocess.run([sys.executable, '-c', 'pass'], env={}, check=True)\n"
                          "subprocess.run(['true'], env={'PATH': '/usr/bin:/bin'}, check=True)\n")
    ended = program.run("--cli", "--json", "t.py", env={"COLUMNS": "120"})
    assert ended.code == 0 and "2 Pythons ran unprofiled: started with an environment" in ended.err, ended.err
    assert "2 processes unprofiled (environment cleared)" in ended.out.decode()
    report = program.report()
    assert report["cleared_environments"] == 2 and len(report["processes"]) == 1
