"""What every pytest file here shares: the built program, the interpreters, their packages, and who was tested.

A test that names the fixture `python` runs once for each interpreter:

    def test_hot_loop(lineprof, python, packages):
        environment = packages(python, "numpy")
        subprocess.run([lineprof, "--python", python, "--json", "hot.py"], env=environment, check=True)
"""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import interpreters  # noqa: E402

PROJECT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser):
    parser.addoption("--interpreters", metavar="all|quick|some|few|PATH,...",
                     default=os.environ.get("LINEPROF_INTERPRETERS", "all"),
                     help="which Pythons to test with: all of this machine (default), few (three), some (one for each way to keep frames), quick (one a minor version and "
                          "the system's own), or these. Also $LINEPROF_INTERPRETERS.")


    parser.addoption("--long", action="store_true", help="test_stress.py with its full counts: half an hour")


def pytest_configure(config):
    try:
        config.chosen = interpreters.select(config.getoption("--interpreters"))
    except ValueError as error:
        raise pytest.UsageError(f"--interpreters: {error}")
    config.outcomes = {i: Counter() for i in config.chosen}


def pytest_generate_tests(metafunc):
    choices = {"python": metafunc.config.chosen,
               "unsupported_python": [i for i in interpreters.find() if not i.supported]}
    for name, values in choices.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values, ids=[i.label for i in values], scope="session")


@pytest.fixture(scope="session")
def lineprof():
    """The path of the built program: $LINEPROF, else the release build."""
    path = Path(os.environ.get("LINEPROF", PROJECT / "build/release/lineprof"))
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: build it (cmake --preset release && cmake --build --preset release) "
                    "or set LINEPROF to the program to test", pytrace=False)
    return str(path.resolve())


@pytest.fixture(scope="session")
def packages():
    """packages(python, "numpy", ...): an environment in which that interpreter finds them. Skips where it cannot."""
    def environment(python, *names, **variables):
        try:
            directory = interpreters.packages(python, *names)
        except interpreters.Unavailable as reason:
            pytest.skip(str(reason))
        return {**os.environ, "PYTHONPATH": directory, **variables}
    return environment


# --- who was tested --------------------------------------------------------------------------------------------

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    python = getattr(item, "callspec", None) and item.callspec.params.get("python")
    if python in item.config.outcomes and (report.when == "call" or not report.passed):
        item.config.outcomes[python][report.outcome] += 1


def pytest_terminal_summary(terminalreporter, config):
    if not any(config.outcomes.values()):
        return                          # no test of this run was about an interpreter
    terminalreporter.section("interpreters")
    for python, outcomes in config.outcomes.items():
        terminalreporter.line(f"{python.label:<18} {interpreters.counts(outcomes)}   ({python})")
    if "LINEPROF_TESTED" in os.environ:         # tests/run.sh adds up what all test files did
        with open(os.environ["LINEPROF_TESTED"], "a") as file:
            file.writelines(f"{python.path} {outcome} {count}\n" for python, outcomes in config.outcomes.items()
                            for outcome, count in outcomes.items())
    for python in interpreters.find():
        if python.supported and python not in config.outcomes:
            terminalreporter.line(f"{python.label:<18} left out by --interpreters={config.getoption('--interpreters')}")
    for wanted in interpreters.missing():
        terminalreporter.line(f"skipped, not on this machine: {wanted}")
