"""The built executable, run as an operator runs it: a process with a ready file, flags and signals."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from waiting import SANITIZED, patience, until

REPOSITORY = Path(__file__).resolve().parents[2]
EXECUTABLE = Path(os.environ.get("WSG_EXECUTABLE") or REPOSITORY / ".build/debug/websocket-gateway").absolute()


sealed: dict[tuple[str, int], ssl.SSLContext] = {}
"""Addresses where a gateway of ours speaks TLS now, and how to speak to it."""


everywhere: Optional[tuple[tuple[str, ...], ssl.SSLContext]] = None
"""Flags and a client's context for every gateway whose test does not say how its clients come: of `pytest --tls`."""


def environment() -> dict[str, str]:
    """Ours without WSG_*: what is set here for other tools must not set up the gateway."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WSG_")}


def run(*arguments: str, stdin: str = "", seconds: float = 10, variables: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Runs the executable to its end."""
    return subprocess.run(
        [str(EXECUTABLE), *arguments],
        input=stdin,
        env=environment() | dict(variables),
        capture_output=True,
        text=True,
        timeout=patience(seconds),
    )


class Gateway:
    """A running gateway; `stop()` ends it and says whether it had been well."""

    def __init__(
        self,
        directory: Path,
        *flags: str,
        listen: str = "127.0.0.1:0",
        control: str = "127.0.0.1:0",
        variables: Mapping[str, str] = {},
        descriptors_max: Optional[int] = None,
        under: Sequence[str] = (),
        tls: Optional[ssl.SSLContext] = None,
        control_tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        """`under` is a command that becomes the one behind it: the gateway has the process id that it was started with.

        `tls` and `control_tls` are how its clients speak to a listener that the flags have speak TLS."""
        directory.mkdir(parents=True, exist_ok=True)
        self.ready_file = directory / "ready.json"
        self._stderr_path = directory / "stderr.log"
        if everywhere and "--tls-certificate" not in flags:
            flags, tls = (*flags, *everywhere[0]), everywhere[1]
        command = [*under, str(EXECUTABLE), "serve", "--listen", listen, "--control", control, "--ready-file", str(self.ready_file), *flags]
        if descriptors_max is not None:
            command = ["sh", "-c", 'ulimit -n "$1" && shift && exec "$@"', "sh", str(descriptors_max), *command]
        with self._stderr_path.open("wb") as stderr, open(os.devnull, "rb") as nothing:
            self.process = subprocess.Popen(command, env=environment() | dict(variables), stdin=nothing, stdout=stderr, stderr=stderr)
        self.expects_end = False
        self.was_killed = False
        try:
            ready = until(self._read_ready_file, f"{' '.join(command)} is ready", seconds=20)
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise
        self.ready: dict[str, Any] = ready
        self.listen: str = ready["listen"]
        self.control: str = ready["control"]
        self.tls, self.control_tls = tls, control_tls
        if tls:
            sealed[self.address] = tls
        if control_tls:
            sealed[self.control_address] = control_tls

    def _read_ready_file(self) -> Optional[dict[str, Any]]:
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway ended at its start with {self.process.returncode}:\n{self.stderr}")
        return json.loads(self.ready_file.read_text()) if self.ready_file.exists() else None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def stderr(self) -> str:
        return self._stderr_path.read_text(errors="replace")

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host, int(port)

    @property
    def control_address(self) -> tuple[str, int]:
        """Of a Unix-domain socket its `unix:/path`, and 0."""
        if self.control.startswith("unix:"):
            return self.control, 0
        host, _, port = self.control.rpartition(":")
        return host, int(port)

    @property
    def control_url(self) -> str:
        return self.control if self.control.startswith("unix:") else f"http://{self.control}"

    def url(self, session: str, kind: str = "backtest", query: str = "") -> str:
        return f"{'wss' if self.tls else 'ws'}://{self.listen}/ws/{kind}/{session}" + (f"?{query}" if query else "")

    @property
    def resident_bytes(self) -> int:
        return self._memory_bytes("VmRSS")

    @property
    def resident_bytes_peak(self) -> int:
        """Since the start, or since /proc/PID/clear_refs was told to forget it."""
        return self._memory_bytes("VmHWM")

    def _memory_bytes(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}")

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def sockets(self) -> int:
        """Open descriptors that are sockets: unlike all of them they are the gateway's alone, so they can be counted exactly."""
        count = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                count += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
            except FileNotFoundError:
                pass  # closed since it was listed
        return count

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.expects_end = True
        self.process.send_signal(number)

    def wait(self, seconds: float = 10) -> int:
        """The exit code, once it has ended by itself."""
        self.expects_end = True
        return self.process.wait(patience(seconds))

    def kill(self) -> None:
        """Ends it in the middle of whatever it does, and returns when it is gone."""
        self.was_killed = True
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends the process whatever it does, and raises where it had died, crashed, or does not end when it should."""
        for address in (self.address, self.control_address):
            sealed.pop(address, None)
        died = self.process.poll() is not None and not self.expects_end and not self.was_killed
        ended_itself = True
        if self.process.poll() is None:
            ended_itself = self._end()
        code = self.process.returncode
        log = self.stderr
        assert not died, f"the gateway died with {code}:\n{log}"
        assert "Fatal error" not in log, f"the gateway crashed:\n{log}"
        assert "Sanitizer" not in log, f"a sanitizer found something:\n{log}"
        assert ended_itself, f"the gateway did not end after two signals:\n{log}"
        assert code >= 0 or self.was_killed, f"the gateway ended by signal {-code}:\n{log}"

    def _end(self) -> bool:
        """Drains for a moment, then the second signal, then by force; False when it came to that."""
        for seconds in (0.3, max(5.0, patience(5))):
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
                return True
            except subprocess.TimeoutExpired:
                continue
        self.process.kill()
        self.process.wait()
        return False
