from __future__ import annotations

import pytest

from websocket_gateway.answers import (
    ANSWER_BODY_BYTES_MAX,
    ANSWER_HEAD_BYTES_MAX,
    Answer,
    AnswerParser,
    BadAnswer,
)

STREAM = (
    b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 204 No Content\r\n\r\n"
    b'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;x=y\r\n{"b":\r\n2\r\n2}\r\n0\r\nTrailer: x\r\n\r\n'
    b"HTTP/1.1 503 \r\nRetry-After:  3 \r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


def summary(answers: list[Answer]) -> list[tuple[int, bytes, bool]]:
    return [(answer.status, answer.body, answer.closes) for answer in answers]


EXPECTED = [(200, b'{"a": 1}', False), (204, b"", False), (200, b'{"b":2}', False), (503, b"", True)]


def test_answers_are_the_same_however_their_bytes_are_split() -> None:
    for size in (1, 2, 3, 5, 7, 16, 64, len(STREAM)):
        parser, answers = AnswerParser(), []
        for start in range(0, len(STREAM), size):
            answers += parser.feed(STREAM[start : start + size])
        assert summary(answers) == EXPECTED
    for cut in range(len(STREAM)):
        parser = AnswerParser()
        assert summary(parser.feed(STREAM[:cut]) + parser.feed(STREAM[cut:])) == EXPECTED


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 65,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 2000,
        b"HTTP/1.1 200 OK\r\nContent-Length: " + str(ANSWER_BODY_BYTES_MAX + 1).encode() + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"a" * ANSWER_HEAD_BYTES_MAX,
    ],
)
def test_what_is_not_an_answer_within_the_limits_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        AnswerParser().feed(data)


def test_a_head_up_to_the_limit_is_taken() -> None:
    head = b"HTTP/1.1 204 No Content\r\nA: "
    data = head + b"a" * (ANSWER_HEAD_BYTES_MAX - len(head)) + b"\r\n\r\n"
    assert [answer.status for answer in AnswerParser().feed(data)] == [204]


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0.0), ("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 1.0), ("9" * 400, 1.0)]
)
def test_retry_after_is_a_number_of_seconds(value: str, seconds: float) -> None:
    assert Answer(503, {"retry-after": value}, b"", False).retry_after_seconds == seconds
