"""What the gateway asks of the kernel, in its order: a run under strace, read back as calls with the places where each began and ended."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from waiting import until

STRING_BYTES_MAX = 1 << 20
LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)")
UNFINISHED = " <unfinished ...>"


@dataclass
class Call:
    name: str
    text: str
    """Arguments and result, with the names of files, as strace wrote them."""
    began: int
    """Lines of the trace: what began later, or ended earlier, is told by comparing them."""
    ended: int

    @property
    def result(self) -> int:
        match = re.search(r"\) += (-?\d+)", self.text)
        return int(match[1]) if match else -1


class Trace:
    def __init__(self, path: Path, calls: Sequence[str]) -> None:
        self._path = path
        # -D: the gateway is our child, and strace nobody's. It ends with the gateway.
        self.command = ["strace", "-D", "-f", "-y", "-s", str(STRING_BYTES_MAX), "-o", str(path), "-e", f"trace={','.join(calls)}"]

    @staticmethod
    def need(directory: Path) -> None:
        """Skips where a process may not be traced."""
        if shutil.which("strace") is None:
            pytest.skip("NO STRACE")
        probe = Trace(directory / "probe", ["write"])
        subprocess.run([*probe.command, "true"], capture_output=True)
        try:
            until(probe._has_ended, "strace traces", seconds=3)
        except AssertionError:
            pytest.skip("NO STRACE: this system lets nobody trace a process")

    def _has_ended(self) -> bool:
        return self._path.exists() and "+++ exited with" in self._path.read_text(errors="replace")

    def calls(self, pid: int) -> list[Call]:
        """All of them, once the process has ended, in the order of their beginnings."""
        until(lambda: re.search(rf"^{pid} +\+\+\+ exited with", self._path.read_text(errors="replace"), re.MULTILINE), "the trace is whole")
        calls: list[Call] = []
        unfinished: dict[str, Call] = {}
        for number, line in enumerate(self._path.read_text(errors="replace").splitlines()):
            match = LINE.fullmatch(line)
            if match is None:
                continue
            if match["resumed"]:
                call = unfinished.pop(match["thread"])
                call.text += match["rest"]
                call.ended = number
                continue
            call = Call(match["name"], match["rest"], number, number)
            calls.append(call)
            if call.text.endswith(UNFINISHED):
                call.text = call.text.removesuffix(UNFINISHED)
                unfinished[match["thread"]] = call
        return [call for call in calls if call not in unfinished.values()]
