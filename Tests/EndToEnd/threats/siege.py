"""A gateway under attack, and a bystander: what must still be true for it, and of the process, when the attack is over."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, Optional

from control import ask, publish
from gateway import Gateway
from waiting import SANITIZED, patience, until
from wire import CLOSE, PING, PONG, TEXT, RawTab, control_wire


class Bystander:
    """A healthy tab of a session that is not attacked, and the engine that feeds it: about 50 events a second, each answered before the
    next.

    Both are threads of this process; `settle` raises what went wrong in either.
    """

    SESSION = "bystander"
    INTERVAL_SECONDS = 0.02

    def __init__(self, gateway: Gateway) -> None:
        self._stopping = threading.Event()
        self._fault: Optional[BaseException] = None
        self._sent_at: list[float] = []
        self.published = 0
        """Events whose receipt the engine has."""
        self.received = 0
        self.worst_seconds = 0.0
        """The longest time between publishing an event and receiving it."""
        self._engine = control_wire(gateway)
        self._tab = RawTab.opened(gateway, self.SESSION)
        self._threads = [threading.Thread(target=self._run, args=(role,), daemon=True) for role in (self._publish, self._watch)]
        for thread in self._threads:
            thread.start()
        until(lambda: self.received or self._fault, "the bystander's first event")

    def _run(self, role: Callable[[], None]) -> None:
        try:
            role()
        except BaseException as fault:
            # What breaks because the other broke, or because we are leaving, is no news.
            if self._fault is None and not self._stopping.is_set():
                self._fault = fault
            self._stopping.set()

    def _publish(self) -> None:
        while not self._stopping.wait(self.INTERVAL_SECONDS):
            body = f'{{"type":"price_update","data":{{"n":{self.published + 1}}}}}'
            self._sent_at.append(time.monotonic())
            self._engine.send(
                f"POST /v1/sessions/{self.SESSION}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            )
            answer = self._engine.answer()
            assert answer.status == 200 and answer.json["connections"] == 1, answer
            self.published += 1
            assert answer.json["sequence"] == self.published, answer.json

    def _watch(self) -> None:
        epoch = None
        while True:
            frame = self._tab.frame()
            if frame.opcode == PING:
                self._tab.send_frame(PONG, frame.payload)
                continue
            assert frame.opcode == TEXT, f"the bystander got a frame of opcode {frame.opcode}: {frame.payload!r}"
            event = frame.event
            if event["type"] == "heartbeat":
                continue
            epoch = epoch or event["id"].rpartition("-")[0]
            number = self.received + 1
            assert (event["id"], event["data"]) == (f"{epoch}-{number}", {"n": number}), event
            self.worst_seconds = max(self.worst_seconds, time.monotonic() - self._sent_at[self.received])
            self.received = number

    @property
    def is_harmed(self) -> bool:
        return self._fault is not None

    def settle(self) -> None:
        """Demands that everything published until now has arrived, in order, and nothing else."""
        target = self.published
        until(lambda: self._fault or self.received >= target, f"the bystander has received {target} events")
        if self._fault is not None:
            raise AssertionError(f"the bystander was harmed after {self.received} events: {self._fault!r}") from self._fault

    def stop(self) -> None:
        self._stopping.set()
        with suppress(OSError):
            self._tab.send_close(1000)
        for thread in self._threads:
            thread.join(patience(10))
        self._engine.close()
        self._tab.close()


class Siege:
    """Start the attack on `gateway`; `judge` is called when the test is through, as part of it."""

    MEMORY_BYTES_MAX = 8 << 20
    LATENCY_SECONDS_MAX = 2.0

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        warm_up(gateway)
        self.bystander = Bystander(gateway)
        self.memory_bytes_max = self.MEMORY_BYTES_MAX
        self.memory_bytes_grown = 0
        self.is_broken = False
        """A judgement failed: no other test can share it."""
        self.begin()

    def begin(self) -> None:
        """Takes the measures that `judge` compares with; called for each test, and by a test that has set up what is to stay."""
        self.memory_bytes_max = self.MEMORY_BYTES_MAX
        self.sockets_before = self.gateway.sockets
        self.memory_bytes_before = self.gateway.resident_bytes
        self.bystander.worst_seconds = 0.0
        # The kernel's own record of the peak (VmHWM) begins anew: no moment between two looks is missed.
        Path(f"/proc/{self.gateway.pid}/clear_refs").write_text("5")

    def peak_growth(self) -> int:
        """How much more memory was resident at the worst moment since `begin`."""
        return max(0, self.gateway.resident_bytes_peak - self.memory_bytes_before)

    def judge(self) -> None:
        assert self.gateway.process.poll() is None, f"the gateway died with {self.gateway.process.returncode}:\n{self.gateway.stderr}"
        self.bystander.settle()
        # One more event, published and received after the attack.
        seen = self.bystander.received
        until(lambda: self.bystander.is_harmed or self.bystander.received > seen, "the bystander's next event")
        self.bystander.settle()
        until(
            lambda: self.gateway.sockets == self.sockets_before,
            f"the gateway has {self.sockets_before} sockets, as before (now {self.gateway.sockets})",
        )
        assert self.bystander.worst_seconds < patience(self.LATENCY_SECONDS_MAX), f"an event took {self.bystander.worst_seconds:.3f} s"
        self.memory_bytes_grown = self.peak_growth()
        if not SANITIZED:
            grown = self.memory_bytes_grown
            assert grown <= self.memory_bytes_max, f"memory grew by {grown:,} bytes, more than {self.memory_bytes_max:,}"

    def stop(self) -> None:
        self.bystander.stop()

    def end(self) -> None:
        """The gateway too, where no fixture of the test does it."""
        self.stop()
        self.gateway.stop()


DEFLATE = "permessage-deflate"
WARM_UP_ROUNDS = 16
"""Connections go to workers by chance, sessions by their hash: with three workers one is missed once in 200 starts, which costs little."""


def warm_up(gateway: Gateway) -> None:
    """Goes every ordinary way once on every worker, so that what is allocated once for ever is not taken for growth."""
    before = gateway.sockets
    large = {"type": "candle", "data": {"x": "warm " * 400}}
    for number in range(WARM_UP_ROUNDS):
        session = f"warm-up-{number}"
        with RawTab.opened(gateway, session, Sec_WebSocket_Extensions=DEFLATE) as tab:
            publish(gateway, session, large)
            assert tab.frame().opcode == TEXT
            # An empty DEFLATE block is an empty message: it goes through the inflater and is answered.
            tab.send_frame(TEXT | 0x40, b"\x00")
            error = json.loads(tab.frame().payload)
            assert error["data"]["error_code"] == "INVALID_MESSAGE", error
            tab.send_close(1000)
            assert tab.frame().opcode == CLOSE
        ask(gateway, "DELETE", f"/v1/sessions/{session}")
    until(lambda: gateway.sockets == before, "the warm-up's sockets are closed")
