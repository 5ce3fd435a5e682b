"""The control API as any HTTP client sees it: exact statuses, headers and bodies."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

from gateway import Gateway, sealed


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> Optional[str]:
        """The error's code, where it is one."""
        return self.json["error"]["code"] if self.status >= 400 else None

    @property
    def place(self) -> Optional[str]:
        return self.json["error"]["details"].get("place")


JSON_TYPE = {"Content-Type": "application/json"}
NDJSON_TYPE = {"Content-Type": "application/x-ndjson"}


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix-domain socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connect(address: tuple[str, int], timeout: float = 10) -> http.client.HTTPConnection:
    if address[0].startswith("unix:"):
        return UnixConnection(address[0].removeprefix("unix:"), timeout)
    if address in sealed:
        return http.client.HTTPSConnection(*address, timeout=timeout, context=sealed[address])
    return http.client.HTTPConnection(*address, timeout=timeout)


def ask_at(
    address: tuple[str, int], method: str, path: str, body: Union[bytes, str, None] = None, headers: Mapping[str, str] = {}
) -> Answer:
    connection = connect(address)
    try:
        connection.request(method, path, body.encode() if isinstance(body, str) else body, dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def ask(
    gateway: Gateway, method: str, path: str, body: Union[bytes, str, None, list, dict] = None, headers: Optional[Mapping[str, str]] = None
) -> Answer:
    """Asks the control listener; lists and dictionaries go as JSON."""
    if isinstance(body, (list, dict)):
        body = json.dumps(body)
    return ask_at(gateway.control_address, method, path, body, headers if headers is not None else (JSON_TYPE if body is not None else {}))


def publish(gateway: Gateway, session: str, body: Union[bytes, str, list, dict], headers: Optional[Mapping[str, str]] = None) -> Any:
    """Publishes and returns the receipt."""
    answer = ask(gateway, "POST", f"/v1/sessions/{session}/events", body, headers)
    assert answer.status == 200, answer
    return answer.json


def candle(number: int, **more: Any) -> dict[str, Any]:
    return {"type": "candle", "data": {"candle_index": number, **more}}


def connections(gateway: Gateway, session: str) -> list[dict[str, Any]]:
    return ask(gateway, "GET", f"/v1/sessions/{session}/connections").json["connections"]


def metrics(gateway: Gateway) -> dict[str, float]:
    """Every sample of a scrape, by its name with labels."""
    samples = {}
    for line in ask(gateway, "GET", "/metrics").body.decode().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    return samples
