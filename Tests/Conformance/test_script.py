"""scripts/conformance as far as it goes without the suite, in a copy of its own: what it refuses, and what it says where nothing runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The script without what it has made."""
    shutil.copytree(REPOSITORY / "scripts", tmp_path / "scripts")
    shutil.copytree(REPOSITORY / "Tests/Conformance", tmp_path / "Tests/Conformance")
    return tmp_path


def run(copy: Path, *arguments: str, path: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`path` goes before PATH."""
    environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]} | variables
    command = ["bash", str(copy / "scripts/conformance"), *arguments]
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("arguments", ["--fast", "--limit", "--limit 0", "--limit 1.5", "--limit --quick", "-h"])
def test_wrong_use_is_64_and_makes_nothing(copy: Path, arguments: str) -> None:
    result = run(copy, *arguments.split())
    assert (result.returncode, result.stdout) == (64, "")
    assert result.stderr.startswith("usage: ")
    assert not (copy / ".build-tools").exists()


@pytest.mark.parametrize("name", ["scripts", "scripts/packages.sh", "nothing", "nowhere/nothing"])
def test_an_executable_that_is_none_is_64(copy: Path, name: str) -> None:
    result = run(copy, WSG_EXECUTABLE=str(copy / name))
    assert (result.returncode, result.stdout) == (64, "")
    assert "is no executable" in result.stderr


@pytest.fixture
def hidden(copy: Path) -> Path:
    """A folder for the path, with no Python 2.7 in it and nothing to install one."""
    folder = copy / "hidden"
    folder.mkdir()
    for program, says in (("python2.7", "exit 1"), ("apt-cache", "exit 0")):
        (folder / program).write_text(f"#!/bin/sh\n{says}\n")
        (folder / program).chmod(0o755)
    return folder


@pytest.mark.parametrize("named", ["", "/bin/true", "/bin/echo", "/bin/false", shutil.which("python3") or ""], ids=str)
def test_without_a_python_2_7_that_is_one_a_line_says_how_to_get_it_and_the_status_is_69(copy: Path, hidden: Path, named: str) -> None:
    result = run(copy, "--quick", path=str(hidden), PYTHON27=named, PYENV_ROOT=str(hidden), WSG_EXECUTABLE="/bin/true")
    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr.startswith("SKIPPED: the Autobahn TestSuite needs Python 2.7")
    assert "pyenv install" in result.stderr
    assert result.stderr.count("\n") == 1
