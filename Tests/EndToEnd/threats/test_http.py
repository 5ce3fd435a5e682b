"""HTTP: each rule of the request parser, on both listeners, as one table of bytes.

After what cannot be parsed the connection ends, whatever stands behind it; after what is well-formed and refused it goes on. Both are
shown: behind every request stands another, which must not be looked at, or must be answered.
"""

from __future__ import annotations

import socket
from typing import Callable, Literal, NamedTuple

import pytest

from control import ask, candle, publish
from gateway import Gateway
from siege import Siege
from wire import TEXT, RawTab, Wire, upgrade_request

StartSiege = Callable[..., Siege]

Listener = Literal["public", "control"]
BOTH: tuple[Listener, ...] = ("public", "control")
CONTROL: tuple[Listener, ...] = ("control",)
PUBLIC: tuple[Listener, ...] = ("public",)

HOST = b"Host: 127.0.0.1\r\n"
UPGRADE = upgrade_request("/ws/backtest/s1").encode()
BODY = b'{"type":"candle","data":{}}'


def get(fields: bytes = b"", target: bytes = b"/nothing", host: bytes = HOST) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + host + fields + b"\r\n"


def post(framing: bytes, body: bytes = BODY, session: bytes = b"s1") -> bytes:
    head = b"POST /v1/sessions/" + session + b"/events HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    return head + framing + b"\r\n\r\n" + body


def counted(body: bytes, session: bytes = b"s1") -> bytes:
    return post(b"Content-Length: %d" % len(body), body, session)


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body)


def upgrading(fields: bytes) -> bytes:
    return UPGRADE[:-2] + fields + b"\r\n"


class Case(NamedTuple):
    name: str
    request: bytes
    status: int
    code: str
    listeners: tuple[Listener, ...] = BOTH


def bad(name: str, request: bytes, listeners: tuple[Listener, ...] = BOTH) -> Case:
    return Case(name, request, 400, "BAD_REQUEST", listeners)


def unknown(name: str, request: bytes) -> Case:
    return Case(name, request, 501, "NOT_IMPLEMENTED")


def version(name: str) -> Case:
    return Case(f"version {name}", b"GET /nothing " + name.encode() + b"\r\n" + HOST + b"\r\n", 505, "HTTP_VERSION_NOT_SUPPORTED")


REQUEST_LINES = [
    bad("an empty line before the request", b"\r\n" + get()),
    bad("a line feed before the request", b"\n" + get()),
    bad("a space before the request", b" " + get()),
    bad("two spaces before the target", b"GET  /nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("two spaces before the version", b"GET /nothing  HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("a space after the version", b"GET /nothing HTTP/1.1 \r\n" + HOST + b"\r\n"),
    bad("a tab for a space", b"GET\t/nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("a space in the target", b"GET /no thing HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("no version", b"GET /nothing\r\n" + HOST + b"\r\n"),
    bad("no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("no method", b" /nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("one word", b"nonsense\r\n\r\n"),
    bad("a method that is no token", b"G@T /nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    unknown("a method in small letters", b"get /nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    unknown("an unknown method", b"BREW /nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    unknown("TRACE", b"TRACE /nothing HTTP/1.1\r\n" + HOST + b"\r\n"),
    unknown("CONNECT with a path", b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("CONNECT", b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("an absolute target", get(target=b"http://127.0.0.1/nothing")),
    bad("an asterisk for a target", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    bad("a target without its slash", get(target=b"nothing")),
    bad("a fragment in the target", get(target=b"/nothing#here")),
    bad("a target that is not ASCII", get(target="/nöthing".encode())),
    bad("a DEL in the target", get(target=b"/noth\x7fing")),
    version("HTTP/1.0"),
    version("HTTP/1.2"),
    version("HTTP/0.9"),
    version("HTTP/2.0"),
    bad("a version in small letters", b"GET /nothing http/1.1\r\n" + HOST + b"\r\n"),
    bad("a version of two digits", b"GET /nothing HTTP/1.10\r\n" + HOST + b"\r\n"),
    bad("a version without a dot", b"GET /nothing HTTP/11\r\n" + HOST + b"\r\n"),
    bad("a version with a comma", b"GET /nothing HTTP/1,1\r\n" + HOST + b"\r\n"),
    bad("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    bad("a TLS handshake", bytes.fromhex("16030100a5010000a103034a") + bytes(120)),
]

LINES = [
    bad("a bare LF after the request line", b"GET /nothing HTTP/1.1\n" + HOST + b"\r\n"),
    bad("a bare LF after a header", b"GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\n\r\n"),
    bad("a bare LF for the empty line", b"GET /nothing HTTP/1.1\r\n" + HOST + b"\n"),
    bad("bare LFs throughout", b"GET /nothing HTTP/1.1\nHost: 127.0.0.1\n\n"),
    bad("a bare CR in a value", get(b"X: a\rb\r\n")),
    bad("a CR before the CRLF", get(b"X: a\r\r\n")),
    bad("a bare CR for the empty line", b"GET /nothing HTTP/1.1\r\n" + HOST + b"\rX"),
    *(bad(f"the control byte {byte:#04x} in a value", get(b"X: a%cb\r\n" % byte)) for byte in (0, 1, 7, 8, 0x0B, 0x0C, 0x1B, 0x1F, 0x7F)),
    *(bad(f"the control byte {byte:#04x} in the target", get(target=b"/a%cb" % byte)) for byte in (0, 9, 0x1B)),
    bad("a folded header", get(b"X: a\r\n b\r\n")),
    bad("a header folded with a tab", get(b"X: a\r\n\tb\r\n")),
    bad("a first header that begins with a space", b"GET /nothing HTTP/1.1\r\n " + HOST + b"\r\n"),
    bad("a header without a colon", get(b"X\r\n")),
    bad("a header without a name", get(b": a\r\n")),
    bad("a space before the colon", get(b"X : a\r\n")),
    bad("a tab before the colon", get(b"X\t: a\r\n")),
    *(
        bad(f"a name with {name!r}", get(b"X" + name + b"Y: a\r\n"))
        for name in (b" ", b"@", b"(", b"/", b"[", b'"', b"\x00", b"\x7f", b"\x80", b"\xc3\xa9")
    ),
]

HOSTS = [
    bad("no Host", get(host=b"")),
    bad("Host twice", get(host=HOST + HOST)),
    bad("another Host", get(host=HOST + b"Host: example.com\r\n")),
    bad("another Host in other letters", get(host=HOST + b"hOST: example.com\r\n")),
    *(
        bad(f"Host {value.decode()!r}", get(host=b"Host: " + value + b"\r\n"))
        for value in (b"", b"a b", b"user@127.0.0.1", b"127.0.0.1/path", b"http://127.0.0.1", b"127.0.0.1:port", b"127.0.0.1:80:80",
                      b"127.0.0.1:123456", b":80", b"[::1", b"[]", b"[zz]", b"[::1]x", b"127.0.0.1?x", b"127.0.0.1#x", b"a\\b", b"%31")
    ),
]  # fmt: skip

FRAMING = [
    *(
        bad(f"Content-Length {value.decode('latin-1')!r}", post(b"Content-Length: " + value))
        for value in (b"", b"+27", b"-1", b"-0", b"2 7", b"27 27", b"27,27", b"27, 27", b"0x1b", b"27.0", b"2e1", b"27;", b'"27"',
                      b"\xd9\xa2\xd9\xa7")
    ),
    bad("Content-Length twice", post(b"Content-Length: 27\r\nContent-Length: 27")),
    bad("two Content-Lengths", post(b"Content-Length: 27\r\nContent-Length: 5")),
    bad("Content-Length twice, none of it", post(b"Content-Length: 0\r\nContent-Length: 0")),
    bad("a space before Content-Length's colon", post(b"Content-Length : 27")),
    bad("Content-Length of a GET twice", get(b"Content-Length: 0\r\nContent-Length: 5\r\n")),
    Case("no length", post(b"X: y"), 411, "LENGTH_REQUIRED"),
    Case("no length of a PUT", b"PUT /v1/sessions/s1 HTTP/1.1\r\n" + HOST + b"\r\n", 411, "LENGTH_REQUIRED"),
    Case("an exabyte", post(b"Content-Length: 1000000000000000000"), 413, "PAYLOAD_TOO_LARGE"),
    Case("more than there are integers", post(b"Content-Length: 18446744073709551617"), 413, "PAYLOAD_TOO_LARGE"),
    bad("chunked and a Content-Length", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5", b"0\r\n\r\n")),
    bad("a Content-Length and chunked", post(b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n")),
    bad("chunked and a Content-Length of none", post(b"Transfer-Encoding: chunked\r\nContent-Length: 0", b"0\r\n\r\n")),
    bad("chunked twice", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n")),
    bad("chunked and another coding", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n")),
    bad("a space before Transfer-Encoding's colon", post(b"Transfer-Encoding : chunked", b"0\r\n\r\n")),
    bad("a control byte before chunked", post(b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n")),
    unknown("a folded coding", post(b"Transfer-Encoding:\r\n chunked", b"0\r\n\r\n")),
    *(
        unknown(f"the coding {value.decode()!r}", post(b"Transfer-Encoding: " + value, b"0\r\n\r\n"))
        for value in (b"", b"gzip", b"identity", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"chunked;q=1", b"xchunked",
                      b"chunkedx", b"chunk", b'"chunked"', b"chunked,", b",chunked", b"x chunked")
    ),
    *(
        bad(f"a tab in {field.decode()!r}", post(field, b"0\r\n\r\n"))
        for field in (b"Content-Length:\t5", b"Content-Length: 5\t", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked\t",
                      b"Content-Length: 5\r\nConnection:\tclose", b"Content-Length: 5\r\nConnection: upgrade\t")
    ),
    bad("another expectation", get(b"Expect: 200-ok\r\n")),
    bad("a further expectation", get(b"Expect: 100-continue, 200-ok\r\n")),
]  # fmt: skip

CHUNKS = [
    bad(name, chunked(body), CONTROL)
    for name, body in {
        "a chunk without a size": b"\r\n\r\n",
        "a size that is no number": b"g\r\n",
        "a negative size": b"-1\r\n",
        "a size with a sign": b"+1b\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a size with 0x": b"0x1b\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a space before the size": b" 1b\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a space after the size": b"1b \r\n" + BODY + b"\r\n0\r\n\r\n",
        "a chunk extension": b"1b;a=b\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a chunk extension without a name": b"1b;\r\n" + BODY + b"\r\n0\r\n\r\n",
        "an extension of the last chunk": b"1b\r\n" + BODY + b"\r\n0;a\r\n\r\n",
        "a size that ends with LF": b"1b\n" + BODY + b"\r\n0\r\n\r\n",
        "a size that ends with two CRs": b"1b\r\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a size of nine digits": b"00000001b\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a chunk longer than its size": b"1a\r\n" + BODY + b"\r\n0\r\n\r\n",
        "a chunk that ends with LF": b"1b\r\n" + BODY + b"\n0\r\n\r\n",
        "a chunk that ends with nothing": b"1b\r\n" + BODY + b"0\r\n\r\n",
        "a chunk that ends with CR and another": b"1b\r\n" + BODY + b"\rX0\r\n\r\n",
        "a trailer": b"1b\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n",
        "a trailer that smuggles": b"1b\r\n" + BODY + b"\r\n0\r\nContent-Length: 5\r\n\r\n",
        "an end of LF": b"1b\r\n" + BODY + b"\r\n0\r\n\n",
        "an end of CR and another": b"1b\r\n" + BODY + b"\r\n0\r\n\rX",
        "a NUL for a size": b"\x00\r\n",
    }.items()
]

UPGRADES = [
    bad("an upgrade with a body", upgrading(b"Content-Length: 5\r\n") + b"hello"),
    bad("an upgrade with a chunked body", upgrading(b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    bad("an upgrade to several with a body", upgrading(b"Upgrade: h2c\r\nContent-Length: 5\r\n") + b"hello"),
    Case("an upgrade of HTTP/1.0", UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"), 505, "HTTP_VERSION_NOT_SUPPORTED"),
]

UNREADABLE = REQUEST_LINES + LINES + HOSTS + FRAMING + CHUNKS + UPGRADES


def address_of(gateway: Gateway, listener: Listener) -> tuple[str, int]:
    return gateway.address if listener == "public" else gateway.control_address


def send_slowly(wire: Wire, data: bytes) -> None:
    """Each byte in a segment of its own."""
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for index in range(len(data)):
        wire.send(data[index : index + 1])


SMUGGLED: dict[Listener, bytes] = {"public": upgrade_request("/ws/backtest/smuggled").encode(), "control": counted(BODY, b"smuggled")}
"""What must not be looked at."""


@pytest.mark.parametrize("case", UNREADABLE, ids=lambda case: case.name)
def test_what_cannot_be_parsed_ends_the_connection_and_what_follows_is_not_looked_at(siege: StartSiege, case: Case) -> None:
    gateway = siege(shared=True).gateway
    for listener in case.listeners:
        for send in (Wire.send, send_slowly):
            with Wire(address_of(gateway, listener)) as wire:
                send(wire, case.request + SMUGGLED[listener])
                answer = wire.answer()
                assert (answer.status, answer.code, answer.headers.get("connection")) == (case.status, case.code, "close"), (
                    listener,
                    answer,
                )
                assert wire.at_end(), f"{listener}: one answer, and no other"
    assert ask(gateway, "GET", "/v1/sessions/smuggled").status == 404


@pytest.mark.parametrize("listener", BOTH)
def test_an_answered_request_before_an_unreadable_one_is_answered_first(siege: StartSiege, listener: Listener) -> None:
    gateway = siege(shared=True).gateway
    with Wire(address_of(gateway, listener)) as wire:
        wire.send(get() * 3 + b"nonsense\r\n\r\n" + SMUGGLED[listener])
        assert [wire.answer().status for _ in range(4)] == [404, 404, 404, 400]
        assert wire.at_end()


# Well-formed and refused

NO_TYPE = counted(BODY).replace(b"Content-Type: application/json\r\n", b"")

REFUSED = [
    Case("no such route", get(), 404, "NOT_FOUND"),
    Case("a percent-encoded NUL", get(target=b"/%00"), 404, "NOT_FOUND"),
    Case("a percent-encoded line end", get(target=b"/a%0d%0aX:%20y"), 404, "NOT_FOUND"),
    Case("two dots", get(target=b"/../../etc/passwd"), 404, "NOT_FOUND"),
    Case("odd but visible", get(target=b"/<>\"{}|\\^`'%"), 404, "NOT_FOUND"),
    Case("two slashes", get(target=b"//ws/backtest/s1"), 404, "NOT_FOUND"),
    Case("a body of none", b"POST /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", 404, "NOT_FOUND"),
    Case("OPTIONS", b"OPTIONS /ws/backtest/s1 HTTP/1.1\r\n" + HOST + b"\r\n", 405, "METHOD_NOT_ALLOWED", PUBLIC),
    Case("no upgrade", get(target=b"/ws/backtest/s1"), 426, "UPGRADE_REQUIRED", PUBLIC),
    Case("a session's id with a NUL", get(target=b"/ws/backtest/a%00b"), 400, "INVALID_SESSION_ID", PUBLIC),
    Case("a session's id with a slash", get(target=b"/ws/backtest/a%2fb"), 400, "INVALID_SESSION_ID", PUBLIC),
    Case("a session's id of two dots", get(target=b"/ws/backtest/.."), 400, "INVALID_SESSION_ID", PUBLIC),
    Case("no JSON", counted(b"x"), 400, "INVALID_JSON", CONTROL),
    Case("a NUL in the JSON", counted(b'{"type":"candle","data":{"a":"\x00"}}'), 400, "INVALID_JSON", CONTROL),
    Case("NULs after the JSON", counted(BODY + bytes(10)), 400, "INVALID_JSON", CONTROL),
    Case("a body of NULs", counted(bytes(1000)), 400, "INVALID_JSON", CONTROL),
    Case("a body in chunks that is no JSON", chunked(b"1\r\nx\r\n0\r\n\r\n"), 400, "INVALID_JSON", CONTROL),
    Case("no content type", NO_TYPE, 415, "UNSUPPORTED_MEDIA_TYPE", CONTROL),
    Case("two content types", post(b"Content-Type: text/plain\r\nContent-Length: 27"), 415, "UNSUPPORTED_MEDIA_TYPE", CONTROL),
    Case("another method", b"DELETE /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 405, "METHOD_NOT_ALLOWED", CONTROL),
    Case("a WebSocket for an engine", UPGRADE.replace(b"Host: gateway", b"Host: 127.0.0.1"), 404, "NOT_FOUND", CONTROL),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_is_well_formed_and_refused_leaves_the_connection_open(siege: StartSiege, case: Case) -> None:
    gateway = siege(shared=True).gateway
    for listener in case.listeners:
        with Wire(address_of(gateway, listener)) as wire:
            for send in (Wire.send, send_slowly):
                send(wire, case.request)
                answer = wire.answer()
                assert (answer.status, answer.code) == (case.status, case.code), (listener, answer)
                assert answer.headers.get("connection") != "close", (listener, answer)
            assert_goes_on(wire, listener)


def assert_goes_on(wire: Wire, listener: Listener) -> None:
    if listener == "public":
        wire.send(UPGRADE)
        assert wire.answer().status == 101
    else:
        wire.send(counted(BODY))
        assert wire.answer().status == 200


def test_a_body_that_no_client_has_use_for_is_not_waited_for(siege: StartSiege) -> None:
    """Well-formed, and yet the end: the public listener reads no bodies, so that it cannot know where the next request begins."""
    gateway = siege(shared=True).gateway
    for framing in (b"Content-Length: 1000000", b"Transfer-Encoding: chunked"):
        with Wire(gateway.address) as wire:
            wire.send(post(framing, b""))
            answer = wire.answer()
            assert (answer.status, answer.headers.get("connection")) == (404, "close")
            assert wire.at_end()


# What is accepted, in all its forms

ACCEPTED = [
    ("no space after the colon", get(b"X:y\r\n", target=b"/healthz")),
    ("tabs and spaces around a value", get(b"X: \t y \t \r\n", target=b"/healthz")),
    ("an empty value", get(b"X:\r\n", target=b"/healthz")),
    ("a value that is not ASCII", get(b"X: \xff\xfe\xc3\xa9\r\n", target=b"/healthz")),
    ("every byte of a token in a name", get(b"!#$%&'*+-.^_`|~09azAZ: y\r\n", target=b"/healthz")),
    ("a colon in a value", get(b"X: :y:\r\n", target=b"/healthz")),
    ("Host in other letters", get(target=b"/healthz", host=b"hOST:LOCALHOST:80\r\n")),
    ("Host with an empty port", get(target=b"/healthz", host=b"Host: 127.0.0.1:\r\n")),
    ("an IPv6 Host", get(target=b"/healthz", host=b"Host: [::1]:8081\r\n")),
    ("an empty query", get(target=b"/healthz?")),
    ("a GET with a body", get(b"Content-Length: 5\r\n", target=b"/healthz") + b"hello"),
    ("a GET with a chunked body", get(b"Transfer-Encoding: chunked\r\n", target=b"/healthz") + b"5\r\nhello\r\n0\r\n\r\n"),
    (
        "an offer of h2c with a body",
        post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\nContent-Length: 27"),
    ),
    ("chunked in capitals", post(b"TRANSFER-ENCODING:  CHUNKED ", b"1b\r\n" + BODY + b"\r\n0\r\n\r\n")),
    ("chunk sizes in capitals and with zeros", chunked(b"0000001B\r\n" + BODY + b"\r\n00000000\r\n\r\n")),
    ("a Content-Length with zeros", post(b"Content-Length: 000000000000000027")),
    ("spaces around a Content-Length", post(b"Content-Length:  27  ")),
    ("keep-alive", get(b"Connection: keep-alive\r\n", target=b"/healthz")),
]


@pytest.mark.parametrize("name,request_bytes", ACCEPTED, ids=[name for name, _ in ACCEPTED])
def test_what_the_grammar_allows_is_accepted(siege: StartSiege, name: str, request_bytes: bytes) -> None:
    gateway = siege(shared=True).gateway
    with Wire(gateway.control_address) as wire:
        for send in (Wire.send, send_slowly):
            send(wire, request_bytes)
            assert wire.answer().status == 200
        assert_goes_on(wire, "control")


@pytest.mark.parametrize(
    "fields",
    [b"", b"Content-Length: 0\r\n", b"X: y\r\n" * 50, b"Connection: keep-alive\r\n", b"Upgrade: h2c\r\n"],
    ids=["plain", "a body of none, as the JDK sends it", "fifty fields more", "Connection twice", "Upgrade twice"],
)
@pytest.mark.parametrize("send", [Wire.send, send_slowly], ids=["at once", "slowly"])
def test_bytes_after_an_upgrade_are_frames(siege: StartSiege, fields: bytes, send: Callable[[Wire, bytes], None]) -> None:
    gateway = siege(shared=True).gateway
    command = b'{"action":"ping"}'
    with Wire(gateway.address) as wire:
        send(wire, upgrading(fields) + bytes([0x81, 0x80 | len(command), 0, 0, 0, 0]) + command)
        assert wire.answer().status == 101
        for expected in (b'"type":"connected"', b'"type":"heartbeat"'):
            first, length = wire.take(2)
            length = int.from_bytes(wire.take(2), "big") if length == 126 else length
            assert first == 0x80 | TEXT and expected in wire.take(length)


def test_a_request_after_an_upgrade_is_no_request(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    with RawTab(gateway, "s1", early=SMUGGLED["public"]) as tab:
        assert tab.is_open
        assert tab.event()["type"] == "connected"
        assert tab.close_frame()[0] == 1002, "a G begins a frame with a reserved bit"
        assert tab.at_end()
    assert ask(gateway, "GET", "/v1/sessions/smuggled").status == 404


# Truncated, and ridden with NULs


CUT_IN_CHUNKS = chunked(b"1b\r\n" + BODY + b"\r\n0\r\n\r\n").replace(b"/s1/", b"/cut/")


@pytest.mark.parametrize(
    "listener,request_bytes",
    [("public", UPGRADE), ("control", counted(BODY, b"cut")), ("control", CUT_IN_CHUNKS)],
    ids=["a handshake", "a counted body", "a chunked body"],
)
@pytest.mark.plain("Python's TLS reads no more once it has half-closed")
def test_a_request_cut_short_anywhere_is_no_request(siege: StartSiege, listener: Listener, request_bytes: bytes) -> None:
    gateway = siege(shared=True).gateway
    for end in range(len(request_bytes)):
        with Wire(address_of(gateway, listener)) as wire:
            wire.send(request_bytes[:end])
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.at_end(), f"an answer to the first {end} bytes"
    assert ask(gateway, "GET", "/v1/sessions/cut").status == 404


@pytest.mark.parametrize(
    "listener,request_bytes", [("public", UPGRADE), ("control", counted(BODY, b"nul"))], ids=["a handshake", "a publish"]
)
@pytest.mark.parametrize("how", ["instead of", "before"])
def test_a_nul_anywhere_in_a_head_is_refused(siege: StartSiege, listener: Listener, request_bytes: bytes, how: str) -> None:
    gateway = siege(shared=True).gateway
    head_end = request_bytes.index(b"\r\n\r\n") + 4
    for place in range(head_end):
        with Wire(address_of(gateway, listener)) as wire:
            wire.send(request_bytes[:place] + b"\x00" + request_bytes[place + (how == "instead of") :])
            answer = wire.answer()
            assert (answer.status, answer.code, answer.headers.get("connection")) == (400, "BAD_REQUEST", "close"), place
            assert wire.at_end()
    assert ask(gateway, "GET", "/v1/sessions/nul").status == 404


# Pipelined


def test_thousands_of_pipelined_requests_are_all_answered_in_order(siege: StartSiege) -> None:
    one = siege(shared=True)
    count = 3000
    with Wire(one.gateway.control_address, seconds=20) as wire:
        first = publish(one.gateway, "pipelined", candle(0))["sequence"]
        # A refused one after each: answers of two kinds, which must not change places.
        pair = counted(BODY, b"pipelined") + counted(b"x", b"pipelined")
        wire.send(pair * count)
        for number in range(count):
            assert wire.answer().json["sequence"] == first + 1 + number
            assert wire.answer().status == 400


def test_an_engine_that_expects_100_continue_is_not_asked_for_a_body_that_is_too_large(siege: StartSiege) -> None:
    gateway = siege(shared=True).gateway
    with Wire(gateway.control_address) as wire:
        wire.send(post(b"Expect: 100-Continue\r\nContent-Length: 27", b""))
        assert wire.answer().status == 100
        wire.send(BODY)
        assert wire.answer().status == 200
        wire.send(post(b"Expect: 100-continue\r\nContent-Length: 1048577", b""))
        assert wire.answer().status == 413
        assert wire.at_end()
