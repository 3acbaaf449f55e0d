import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import Program, Transparent  # noqa: E402


@pytest.fixture
def program(lineprof, tmp_path):
    directory = tmp_path / "work"
    directory.mkdir()
    return Program(lineprof, directory)


@pytest.fixture
def transparent(lineprof, python, tmp_path):
    """To run programs bare and profiled, on each interpreter."""
    directory = tmp_path / "work"
    directory.mkdir()
    return Transparent(lineprof, directory, str(python))
