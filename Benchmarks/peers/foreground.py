"""A server that is a program of its own, run in the foreground: it ends when we are told to, and with it all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Optional, TypeVar

Found = TypeVar("Found")

START_SECONDS_MAX = 20
# Until who does not end by itself is killed.
END_SECONDS_MAX = 5


class Foreground:
    """Takes SIGTERM, SIGINT, SIGHUP and SIGALRM over, for the life of this process."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], pass_fds: Sequence[int] = ()) -> None:
        self._name = name
        self._log = log
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._is_told = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._obey())
        signal.signal(signal.SIGALRM, lambda *_: self._kill())
        with log.open("wb") as output:
            # A process group of its own: what it starts can be ended with it.
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=pass_fds, start_new_session=True
            )
        if self._is_told:
            self._end()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def until(self, find: Callable[[], Optional[Found]], what: str) -> Found:
        """What `find` finds, asked often until it does; the end of us all where it does not."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            found = find()
            if found is not None:
                return found
            time.sleep(0.02)
        self._end()
        self.wait(f"{what} did not come")

    def wait(self, reason: str = "it ended by itself") -> NoReturn:
        """Until its end, and then ours: with 0 if we were told to, else with 1, the reason and what it said."""
        assert self._process is not None
        status = self._process.wait()
        signal.alarm(0)
        self._kill()
        if self._is_told:
            sys.exit(0)
        print(f"{self._name}: {reason} (status {status}):\n{self._log.read_text(errors='replace')[-4000:]}", file=sys.stderr)
        sys.exit(1)

    def _obey(self) -> None:
        self._is_told = True
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            signal.alarm(END_SECONDS_MAX)

    def _kill(self) -> None:
        """Whatever is left of the process group."""
        try:
            if self._process is not None:
                os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
