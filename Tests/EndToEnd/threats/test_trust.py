"""Trust: whose word is believed (pages by their origin, proxies by their address), and what strangers' bytes do to logs and metrics."""

from __future__ import annotations

import json
import random
import re
import string
import time
from contextlib import ExitStack
from typing import Any, Callable

import pytest

from control import JSON_TYPE, ask, candle, connections, metrics, publish
from frames import FIN, frame
from gateway import Gateway
from siege import Siege
from waiting import until
from wire import CLOSE, PING, TEXT, RawTab, Wire, control_wire, upgrade_request

StartSiege = Callable[..., Siege]

MIB = 1 << 20

# Pages at the public listener

ORIGINS_BY_DEFAULT = {
    "http://localhost": 101,
    "http://localhost:3000": 101,
    "https://127.0.0.1:8443": 101,
    "http://[::1]:3000": 101,
    "https://evil.example": 403,
    "http://localhost.evil.example": 403,
    "http://evil.localhost": 403,
    "http://127.0.0.1.evil.example:80": 403,
    "http://127.0.0.2": 403,
    "http://evil.example/localhost": 403,
    "http://evil.example#localhost": 403,
    "http://localhost@evil.example": 403,
    "http://localhost:80@evil.example": 403,
    "http://localhost:99999": 403,
    "http://localhost/": 403,
    "http://[::1": 403,
    "http://[::2]": 403,
    "localhost": 403,
    "//localhost": 403,
    "://localhost": 403,
    "null": 403,
    "": 403,
}


@pytest.mark.parametrize("origin", ORIGINS_BY_DEFAULT)
def test_without_a_list_only_pages_of_this_machine_may_connect(siege: StartSiege, origin: str) -> None:
    assert_origin(siege(shared=True).gateway, origin, ORIGINS_BY_DEFAULT[origin])


def assert_origin(gateway: Gateway, origin: str, status: int) -> None:
    with RawTab(gateway, "s1", Origin=origin) as tab:
        assert tab.answer_to_upgrade.status == status
        if status == 403:
            assert tab.answer_to_upgrade.code == "ORIGIN_NOT_ALLOWED"
            assert not any(name.startswith("access-control") for name in tab.answer_to_upgrade.headers)


LISTED = "https://app.example.com,http://app.example.com:8080"

ORIGINS_BY_LIST = {
    "https://app.example.com": 101,
    "http://app.example.com:8080": 101,
    "http://app.example.com": 403,
    "https://app.example.com:8080": 403,
    "https://app.example.com:8443": 403,
    "https://app.example.com:443": 403,
    "https://app.example.com:": 403,
    "https://app.example.com/": 403,
    "https://app.example.com.": 403,
    "https://sub.app.example.com": 403,
    "https://example.com": 403,
    "https://xapp.example.com": 403,
    "https://app.example.com.evil.example": 403,
    "https://app.example.com@evil.example": 403,
    "https://evil.example#https://app.example.com": 403,
    "https://evil.example/https://app.example.com": 403,
    "https://app.example.com https://evil.example": 403,
    "https://app.example.com, https://app.example.com": 403,
    "https://app.example.com,http://app.example.com:8080": 403,
    "https:app.example.com": 403,
    "wss://app.example.com": 403,
    "http://localhost": 403,
    "null": 403,
    "*": 403,
    "": 403,
}


@pytest.mark.parametrize("origin", ORIGINS_BY_LIST)
def test_a_list_of_origins_is_exact(siege: StartSiege, origin: str) -> None:
    """Scheme, host and port, as browsers write them: a port that the scheme implies is left out."""
    assert_origin(siege("--allowed-origins", LISTED, shared=True).gateway, origin, ORIGINS_BY_LIST[origin])


def test_a_program_that_is_no_page_sends_no_origin_and_is_let_in(siege: StartSiege) -> None:
    with RawTab(siege("--allowed-origins", LISTED, shared=True).gateway, "s1") as tab:
        assert tab.is_open


def test_two_origins_are_none_that_is_allowed(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    for second in ("http://localhost", "https://evil.example"):
        with Wire(gateway.address) as wire:
            request = upgrade_request("/ws/backtest/s1", Origin="http://localhost")
            wire.send(request.replace("\r\n\r\n", f"\r\nOrigin: {second}\r\n\r\n"))
            assert wire.answer().status == 403


def test_a_page_that_may_not_connect_reads_so_and_gets_no_event(siege: StartSiege) -> None:
    """It speaks wsg.v1, so that it is told inside the WebSocket; it is no member of the session."""
    gateway = siege(shared=True).gateway
    with RawTab(
        gateway, "secret", Origin="https://evil.example", Sec_WebSocket_Protocol="wsg.v1", early=frame(FIN | TEXT, b'{"action":"ping"}')
    ) as tab:
        assert tab.is_open
        assert publish(gateway, "secret", candle(1))["connections"] == 0
        event = tab.frame().event
        assert (event["type"], event["data"]["error_code"]) == ("error", "FORBIDDEN")
        assert tab.frame().opcode == CLOSE


# Pages at the control listener

ENGINE_ROUTES = [
    ("GET", "/metrics", None),
    ("GET", "/readyz", None),
    ("GET", "/v1/sessions", None),
    ("GET", "/v1/sessions/s1", None),
    ("GET", "/v1/sessions/s1/connections", None),
    ("GET", "/v1/connections/{id}", None),
    ("POST", "/v1/sessions/s1/events", '{"type":"candle","data":{"from":"a page"}}'),
    ("POST", "/v1/events", '{"type":"candle","data":{"from":"a page"}}'),
    ("POST", "/v1/connections/{id}/events", '{"type":"candle","data":{"from":"a page"}}'),
    ("POST", "/v1/connections/cleanup", '{"max_age_seconds":0}'),
    ("PUT", "/v1/sessions/s1", '{"kind":"forward"}'),
    ("PUT", "/v1/sessions/new", "{}"),
    ("DELETE", "/v1/sessions/s1", None),
    ("DELETE", "/v1/connections/{id}", None),
    ("OPTIONS", "/v1/sessions/s1/events", None),
]

PAGES = {
    "of this machine": {"Origin": "http://localhost"},
    "of this listener": {"Origin": "http://127.0.0.1:8081"},
    "of elsewhere": {"Origin": "https://evil.example"},
    "in a frame": {"Origin": "null"},
    "with an empty origin": {"Origin": ""},
    "under a name that resolves here": {"Host": "rebind.evil.example"},
    "under a name that looks numeric": {"Host": "127.0.0.1.evil.example:8081"},
    "under a name that looks local": {"Host": "localhost.evil.example"},
    "under a name that ends here": {"Host": "evil.localhost"},
    "that asks first": {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    },
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_gets_nothing_from_the_control_listener_and_changes_nothing(siege: StartSiege, page: str) -> None:
    gateway = siege(shared=True).gateway
    with RawTab.opened(gateway, "s1") as tab:
        before = publish(gateway, "s1", candle(1))["sequence"]
        assert tab.event()["data"] == {"candle_index": 1}
        for method, path, body in ENGINE_ROUTES:
            answer = ask(gateway, method, path.replace("{id}", tab.connected["connection_id"]), body, JSON_TYPE | PAGES[page])
            assert (answer.status, answer.code) in ((403, "ORIGIN_NOT_ALLOWED"), (403, "HOST_NOT_ALLOWED")), (method, path)
            assert not any(name.startswith("access-control") for name in answer.headers), "no browser is told that it may"
        assert publish(gateway, "s1", candle(2))["sequence"] == before + 1
        assert tab.event()["data"] == {"candle_index": 2}, "nothing came in between"
    assert ask(gateway, "GET", "/v1/sessions/new").status == 404
    assert ask(gateway, "GET", "/v1/sessions/s1").json["kind"] is None
    assert ask(gateway, "GET", "/healthz", headers=PAGES[page]).status == 200, "a health check says what it likes"


FORMS = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain; application/json",
    "application/json2",
    "",
]


@pytest.mark.parametrize("content_type", FORMS)
def test_what_a_form_can_send_without_asking_first_is_no_publish(siege: StartSiege, content_type: str) -> None:
    """Browsers too old to send an Origin with a form: three types need no permission, and none of them is JSON."""
    gateway = siege(shared=True).gateway
    for path in ("/v1/sessions/form/events", "/v1/events", "/v1/connections/cleanup"):
        answer = ask(gateway, "POST", path, '{"type":"candle","data":{}}', {"Content-Type": content_type})
        assert (answer.status, answer.code) == (415, "UNSUPPORTED_MEDIA_TYPE"), path
    assert ask(gateway, "GET", "/v1/sessions/form").status == 404


# Proxies

PROXIES = ("--trusted-proxies", "127.0.0.1,10.0.0.0/8,2001:db8:ffff::/48")

FORWARDED = {
    "203.0.113.7": "203.0.113.7",
    "  203.0.113.7\t": "203.0.113.7",
    "203.0.113.7:4711": "203.0.113.7",
    "198.51.100.1, 203.0.113.7": "203.0.113.7",
    "198.51.100.1,203.0.113.7": "203.0.113.7",
    "203.0.113.7, 10.0.0.1": "203.0.113.7",
    "203.0.113.7, 2001:db8:ffff::1, 10.255.255.255": "203.0.113.7",
    "127.0.0.1, 203.0.113.7": "203.0.113.7",
    "garbage, 203.0.113.7": "203.0.113.7",
    "<script>, 203.0.113.7": "203.0.113.7",
    "203.0.113.7,, ,": "203.0.113.7",
    "2001:db8::7": "2001:db8::7",
    "2001:DB8:0:0::7": "2001:db8::7",
    "[2001:db8::7]:443": "2001:db8::7",
    "::ffff:203.0.113.7": "203.0.113.7",
    "11.0.0.1": "11.0.0.1",
    "2001:db8:fffe::1": "2001:db8:fffe::1",
    ", ".join(["198.51.100.1"] * 500) + ", 203.0.113.7": "203.0.113.7",
    # Who cannot be told is the proxy: nobody else is blamed.
    "": "127.0.0.1",
    ",": "127.0.0.1",
    "unknown": "127.0.0.1",
    "_hidden": "127.0.0.1",
    "203.0.113.7, garbage": "127.0.0.1",
    "203.0.113.7, unknown": "127.0.0.1",
    "203.0.113.256": "127.0.0.1",
    "203.0.113": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "203.0.113.7:x": "127.0.0.1",
    "203.0.113.7:99999": "127.0.0.1",
    "2001:db8:::7": "127.0.0.1",
    "'203.0.113.7'": "127.0.0.1",
    "10.0.0.1, 127.0.0.1": "127.0.0.1",
}


def remote_address(gateway: Gateway, request: str) -> str:
    """Whom the gateway takes the sender of this request for."""
    with Wire(gateway.address) as wire:
        wire.send(request)
        assert wire.answer().status == 101
        (one,) = connections(gateway, "who")
    until(lambda: connections(gateway, "who") == [], "it has left")
    return one["remote_address"]


@pytest.mark.parametrize("value", FORWARDED, ids=lambda value: value[:40] or "empty")
def test_a_listed_proxy_is_believed_about_the_nearest_stranger_and_nothing_further(siege: StartSiege, value: str) -> None:
    gateway = siege(*PROXIES, shared=True).gateway
    assert remote_address(gateway, upgrade_request("/ws/backtest/who", X_Forwarded_For=value)) == FORWARDED[value]


def test_several_forwarded_for_headers_are_one_list(siege: StartSiege) -> None:
    gateway = siege(*PROXIES, shared=True).gateway
    request = upgrade_request("/ws/backtest/who", X_Forwarded_For="203.0.113.7").replace(
        "\r\n\r\n", "\r\nx-forwarded-for: 10.0.0.1\r\n\r\n"
    )
    assert remote_address(gateway, request) == "203.0.113.7"


@pytest.mark.parametrize(
    "header", ["X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Forwarded", "X_Forwarded_For"]
)
def test_no_other_header_is_believed_from_anybody(siege: StartSiege, header: str) -> None:
    gateway = siege(*PROXIES, shared=True).gateway
    value = "for=203.0.113.7" if header == "Forwarded" else "203.0.113.7"
    request = upgrade_request("/ws/backtest/who").replace("\r\n\r\n", f"\r\n{header}: {value}\r\n\r\n")
    assert remote_address(gateway, request) == "127.0.0.1"


def test_a_forwarded_address_is_not_believed_from_whom_nobody_listed(siege: StartSiege) -> None:
    """Nor does it count for the address that is claimed: nobody can be shut out by a stranger."""
    gateway = siege("--trusted-proxies", "10.0.0.0/8", "--max-connections-per-address", "1", shared=True).gateway
    claimed: dict[str, Any] = {"X_Forwarded_For": "203.0.113.7"}
    with RawTab.opened(gateway, "s1", **claimed), RawTab.opened(gateway, "s1", **claimed):
        assert {one["remote_address"] for one in connections(gateway, "s1")} == {"127.0.0.1"}


# Logs

SECRET = "eyJhbGciOiJub25lIn0.c2VjcmV0.c2lnbmF0dXJl"
HOSTILE = '"}\n{"level":"critical","message":"forged"}\x1b[31m\x00\x7f\u2028\U0001f4a3' + "é" * 400


def provoke(gateway: Gateway) -> None:
    """Hostile bytes in every place that a stranger can write into, and a token where one may stand."""
    raw = HOSTILE.encode()
    for address in (gateway.address, gateway.control_address):
        for request in (
            raw + b"\r\n\r\n",
            b"GET /" + raw + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: " + raw + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + raw + b": x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + raw + b"\r\n\r\n",
            b"GET /%22%7d%0a?token="
            + SECRET.encode()
            + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
            + SECRET.encode()
            + b"\r\n\r\n",
            b"GET /?token=" + SECRET.encode() + b"#x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"POST /v1/sessions/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(raw) + raw,
        ):
            with Wire(address) as wire:
                wire.send(request)
                assert wire.answer().status >= 400
    texts: dict[str, Any] = {
        "User_Agent": 'x"}\\u0000{"',
        "Cookie": f"token={SECRET}",
        "X_Forwarded_For": '"}{',
        "Referer": f"http://localhost/?token={SECRET}",
    }
    for bad in (
        frame(FIN | TEXT, raw.replace(b"\xc3", b"\xff")),
        frame(FIN | CLOSE, b"\x03\xe7" + raw[:100]),
        frame(0x3, raw),
        frame(PING, b"x"),
    ):
        with RawTab(gateway, "s1", query=f"token={SECRET}", early=bad, **texts) as tab:
            assert tab.close_frame()[0] in (1002, 1007)
    with RawTab(gateway, "s1", query=f"token={SECRET}", Sec_WebSocket_Key=SECRET[:20]) as tab:
        assert tab.answer_to_upgrade.status == 400
    with RawTab(gateway, "s1", Sec_WebSocket_Extensions='permessage-deflate; x="' + "a" * 1000) as tab:
        assert tab.answer_to_upgrade.status == 400
    with RawTab.opened(gateway, "s1", query=f"token={SECRET}") as tab:
        tab.send(
            frame(FIN | TEXT, json.dumps({"action": HOSTILE[:30], "token": SECRET}).encode())
            + frame(FIN | CLOSE, b"\x03\xe8" + HOSTILE[:40].encode())
        )
        assert tab.close_frame()[0] == 1000


@pytest.mark.parametrize("level", ["info", "trace"])
def test_whatever_strangers_send_the_log_is_one_json_object_a_line_without_their_secrets(siege: StartSiege, level: str) -> None:
    gateway = siege("--log-level", level).gateway
    provoke(gateway)
    until(lambda: any('"bad request"' in line for line in gateway.stderr.splitlines()), "something is logged")
    text = gateway.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), "no control character, and so no terminal is told anything"
    lines = text.splitlines()
    assert len(text.split("\n")) == len(lines) + 1 and len(lines) >= 3
    for line in lines:
        fields = json.loads(line)
        assert list(fields)[:3] == ["time", "level", "message"], line
        assert fields["level"] in ("trace", "debug", "info", "notice", "warning", "error"), line
        assert all(len(value.encode()) <= 256 + len("…".encode()) for value in fields.values()), line
    for secret in (SECRET, SECRET[:20], "forged", "💣"):
        assert secret not in text
    assert any(json.loads(line)["message"] == "listening" for line in lines)


def test_a_storm_of_faults_is_ten_lines_a_second_and_the_rest_is_counted(siege: StartSiege) -> None:
    gateway = siege().gateway

    def fault() -> None:
        with Wire(gateway.address) as wire:
            wire.send("nonsense\r\n\r\n")
            assert wire.answer().status == 400

    def told() -> list[dict[str, Any]]:
        return [fields for fields in map(json.loads, gateway.stderr.splitlines()) if fields["message"] == "bad request"]

    began = time.monotonic()
    caused = 0
    for caused in range(1, 301):
        fault()
    seconds = time.monotonic() - began
    assert 10 <= len(told()) <= 10 * (int(seconds) + 2)

    def counted() -> int:
        nonlocal caused
        fault()
        caused += 1
        return len(told()) + sum(int(fields["suppressed"]) for fields in told())

    until(lambda: counted() == caused, "the next second's line counts those that were left out")


# Metrics


def test_ten_thousand_random_paths_and_sessions_make_no_new_series(siege: StartSiege) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    one = siege()
    # Ten thousand sessions are known afterwards, at about half a KiB each.
    one.memory_bytes_max = 12 * MIB
    gateway = one.gateway

    def word() -> str:
        return "".join(dice.choices(string.ascii_letters + string.digits + "._~-", k=dice.randint(1, 40)))

    def type_name() -> str:
        return "t" + word().lower().translate(str.maketrans("", "", "._~-"))

    def client() -> str:
        fields = f"Host: x\r\nUser-Agent: {word()}\r\nOrigin: http://{word()}\r\n{word()}: {word()}\r\n"
        method = dice.choice(["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
        length = "Content-Length: 0\r\n" if method == "PUT" else ""
        path = f"{dice.choice(['ws', word()])}/{dice.choice(['backtest', 'forward', word()])}/{word()}?{word()}={word()}"
        return f"{method} /{path} HTTP/1.1\r\n{fields}{length}\r\n"

    def engine() -> str:
        body = f'{{"type":"{type_name()}","data":{{}}}}'
        return (
            f"POST /v1/sessions/{word()}{dice.randrange(10**9)}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    before = scrape(gateway)
    for _ in range(100):
        with Wire(gateway.address) as wire:
            wire.send("".join(client() for _ in range(99)) + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while wire.socket.recv(65_536):
                pass
        with control_wire(gateway) as wire:
            wire.send("".join(engine() for _ in range(100)))
            for _ in range(100):
                assert wire.answer().status == 200
    with ExitStack() as stack:
        for _ in range(50):
            tab = stack.enter_context(RawTab.opened(gateway, "s" + word(), query=f"types={type_name()}&{word()}={word()}"))
            tab.send_close(dice.randint(3000, 4999), word())
            tab.close_frame()
    after = scrape(gateway)
    assert metrics(gateway)["wsg_sessions"] > 10_000
    assert set(after) == set(before)


def scrape(gateway: Gateway) -> list[str]:
    """The names of all series with their labels, and every comment: all but the numbers."""
    return [
        line if line.startswith("#") else line.rpartition(" ")[0] for line in ask(gateway, "GET", "/metrics").body.decode().splitlines()
    ]
