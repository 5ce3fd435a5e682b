"""HTTP/1.1 answers out of bytes, however those are split. Knows no socket; everything a peer can grow has a limit.

Flow: socket → **AnswerParser** → Pipeline
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Optional

ANSWER_HEAD_BYTES_MAX = 16 * 1024
ANSWER_BODY_BYTES_MAX = 16 * 1024 * 1024
CHUNK_SIZE_LINE_BYTES_MAX = 64
TRAILER_BYTES_MAX = 8 * 1024


class BadAnswer(Exception):
    """What came is not an HTTP/1.1 answer within the limits: nothing after it can be trusted."""


@dataclass(frozen=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: dict[str, str]
    """Names in lower case; of repeated ones the last."""
    body: bytes
    closes: bool
    """The gateway processes nothing that came after this request on this connection (RFC 9112 §9.6)."""

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; raises BadAnswer."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise BadAnswer(f"the body of a {self.status} is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise BadAnswer(f"the body of a {self.status} is not a JSON object")
        return value

    def error(self) -> tuple[str, str, Any]:
        """The code, message and details that the gateway gives for an error; whatever is missing is filled in."""
        try:
            error = self.object().get("error")
        except BadAnswer:
            error = None
        if not isinstance(error, dict):
            error = {}
        return str(error.get("code", "")), str(error.get("message", "no reason given")), error.get("details")

    @property
    def leaves_doubt(self) -> bool:
        """For a 503: it does not say that nothing was done. With an `outcome` it says so only if that is "refused"."""
        if b'"outcome"' not in self.body:
            return False
        _, _, details = self.error()
        return not (isinstance(details, dict) and details.get("outcome") == "refused")

    @property
    def retry_after_seconds(self) -> Optional[float]:
        """None without the header; a date, which the gateway does not send, counts as one second."""
        text = self.headers.get("retry-after")
        if text is None:
            return None
        return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1.0


class AnswerParser:
    """Feed it what was received; it returns the answers that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._scanned = 0
        self._head: Optional[tuple[int, dict[str, str], bool]] = None
        self._length: Optional[int] = None
        self._chunked: Optional[_Chunks] = None

    def feed(self, data: bytes) -> list[Answer]:
        """Raises BadAnswer; the parser is of no use after that."""
        self._buffer += data
        answers: list[Answer] = []
        while True:
            if self._head is None and not self._read_head():
                break
            body = self._read_body()
            if body is None:
                break
            if self._head is not None:
                status, headers, closes = self._head
                if status >= 200:  # 1xx only says that the answer is on its way
                    answers.append(Answer(status, headers, body, closes))
            self._head = self._length = self._chunked = None
        del self._buffer[: self._at]
        self._scanned = max(self._at, self._scanned) - self._at
        self._at = 0
        return answers

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", max(self._at, self._scanned - 3))
        if (len(self._buffer) if end < 0 else end) - self._at > ANSWER_HEAD_BYTES_MAX:
            raise BadAnswer(f"a head of more than {ANSWER_HEAD_BYTES_MAX} bytes")
        if end < 0:
            self._scanned = len(self._buffer)
            return False
        lines = self._buffer[self._at : end].decode("latin-1").split("\r\n")
        self._at = self._scanned = end + 4
        version, _, rest = lines[0].partition(" ")
        code = rest[:3]
        if version not in ("HTTP/1.1", "HTTP/1.0") or not (code.isascii() and code.isdigit() and len(code) == 3):
            raise BadAnswer(f"a status line that is not HTTP/1.1: {lines[0][:80]!r}")
        status = int(code)
        if status < 100 or status == 101:
            raise BadAnswer(f"status {status}")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            name, value = name.lower(), value.strip(" \t")
            if not colon or not name or name.strip() != name:
                raise BadAnswer(f"a header line that is none: {line[:80]!r}")
            if name == "content-length" and headers.get(name, value) != value:
                raise BadAnswer("two lengths")
            headers[name] = value
        closes = version == "HTTP/1.0" or "close" in headers.get("connection", "").lower()
        self._head = (status, headers, closes)
        self._frame_body(status, headers)
        return True

    def _frame_body(self, status: int, headers: dict[str, str]) -> None:
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if status < 200 or status in (204, 304):
            self._length = 0
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise BadAnswer("a body framed in a way that is not understood")
            self._chunked = _Chunks()
        elif length is not None and length.isascii() and length.isdigit() and len(length) < 16:
            self._length = int(length)
            if self._length > ANSWER_BODY_BYTES_MAX:
                raise BadAnswer(f"a body of more than {ANSWER_BODY_BYTES_MAX} bytes")
        else:
            raise BadAnswer("a body without a length")

    def _read_body(self) -> Optional[bytes]:
        if self._chunked is not None:
            self._at = self._chunked.read(self._buffer, self._at)
            return bytes(self._chunked.body) if self._chunked.whole else None
        end = self._at + (self._length or 0)
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[self._at : end])
        self._at = end
        return body


class _Chunks:
    """A body in chunks (RFC 9112 §7.1); trailers are read over."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.whole = False
        self._left = 0  # of the chunk's data and the CRLF behind it
        self._in_trailers = False
        self._trailer_bytes = 0

    def read(self, buffer: bytearray, at: int) -> int:
        """Takes what there is from `at` on, and returns where it stopped."""
        while not self.whole:
            if self._left > 0:
                data = buffer[at : at + self._left]
                at += len(data)
                self._left -= len(data)
                self.body += data
                if self._left > 0:
                    return at
                if self.body[-2:] != b"\r\n":
                    raise BadAnswer("a chunk that does not end where it said")
                del self.body[-2:]
                continue
            line_bytes_max = TRAILER_BYTES_MAX if self._in_trailers else CHUNK_SIZE_LINE_BYTES_MAX
            end = buffer.find(b"\r\n", at)
            if (len(buffer) if end < 0 else end) - at > line_bytes_max:
                raise BadAnswer("a chunk's size line or a trailer that is too long")
            if end < 0:
                return at
            line = bytes(buffer[at:end])
            at = end + 2
            if self._in_trailers:
                self._trailer_bytes += len(line) + 2
                if self._trailer_bytes > TRAILER_BYTES_MAX:
                    raise BadAnswer("too many trailers")
                self.whole = not line
            else:
                self._begin_chunk(line.split(b";")[0].strip())
        return at

    def _begin_chunk(self, digits: bytes) -> None:
        if not digits or len(digits) > 8 or digits.strip(b"0123456789abcdefABCDEF"):
            raise BadAnswer("a chunk without a size")
        size = int(digits, 16)
        if len(self.body) + size > ANSWER_BODY_BYTES_MAX:
            raise BadAnswer(f"a body of more than {ANSWER_BODY_BYTES_MAX} bytes")
        self._in_trailers = size == 0
        self._left = size + 2 if size else 0
