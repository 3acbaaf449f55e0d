import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from support import Program  # noqa: E402


@pytest.fixture
def program(lineprof, tmp_path):
    directory = tmp_path / "work"
    directory.mkdir()
    return Program(lineprof, directory)
