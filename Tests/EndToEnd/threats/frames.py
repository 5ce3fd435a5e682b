"""What attackers send, as bytes: frames no library would make, and DEFLATE data no compressor would.

Everything is masked with zeros, which RFC 6455 allows, so that the payload on the wire is the payload.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

NO_MASK = bytes(4)
FIN = 0x80
RSV1 = 0x40

MILLION = 1_000_000


def frame(first: int, payload: bytes = b"") -> bytes:
    """A frame whose first byte is given whole, with its length in the shortest form."""
    length = len(payload)
    if length < 126:
        head = bytes([first, 0x80 | length])
    elif length < 65_536:
        head = bytes([first, 0x80 | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, 0x80 | 127]) + struct.pack(">Q", length)
    return head + NO_MASK + payload


def begun(first: int, announced: int, payload: bytes) -> bytes:
    """A frame of which only the beginning is there."""
    assert len(payload) < announced < 126
    return bytes([first, 0x80 | announced]) + NO_MASK + payload


def in_fragments(opcode: int, message: bytes, count: int) -> bytes:
    """The message, one byte a fragment, and then empty fragments until there are `count`."""
    assert len(message) < count
    pieces = [message[i : i + 1] for i in range(len(message))] + [b""] * (count - len(message))
    return frame(opcode, pieces[0]) + b"".join(frame(0x0, piece) for piece in pieces[1:-1]) + frame(FIN, pieces[-1])


def deflated(message: bytes, level: int = 9) -> bytes:
    """As RFC 7692 has it: flushed, without the empty block's last four bytes."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    data = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert data.endswith(b"\x00\x00\xff\xff")
    return data[:-4]


def bomb(megabytes: int = 64) -> bytes:
    """Zeros: about a thousandth of their size on the wire."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    data = b"".join(compressor.compress(zeros) for _ in range(megabytes)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return data[:-4]


def bits(values: Iterable[tuple[int, int]]) -> bytes:
    """(value, width) pairs packed as DEFLATE packs them, lowest bit first."""
    data = bytearray()
    waiting = count = 0
    for value, width in values:
        waiting |= value << count
        count += width
        while count >= 8:
            data.append(waiting & 0xFF)
            waiting >>= 8
            count -= 8
    if count:
        data.append(waiting)
    return bytes(data)


def empty_blocks(kind: str, bytes_max: int) -> bytes:
    """As many empty DEFLATE blocks as fit: each makes the inflater begin anew, and none gives it anything to count against a limit."""
    if kind == "stored":
        # Byte-aligned: three bits of header, five of padding, the length and its complement.
        return (b"\x00\x00\x00\xff\xff" * (bytes_max // 5))[:-4]
    block = {"fixed": FIXED_BLOCK, "dynamic": DYNAMIC_BLOCK}[kind]
    count = (bytes_max - 1) * 8 // sum(width for _, width in block)
    # And the header of the flush's empty block, of which the rest is left out.
    data = bits([*block * count, (0, 3)])
    assert zlib.decompressobj(-15).decompress(data + b"\x00\x00\xff\xff") == b""
    return data


FIXED = [(0, 1), (1, 2)]
"""The header of a block that is not the last and has the fixed codes."""

FIXED_BLOCK = [*FIXED, (0, 7)]

DYNAMIC_BLOCK = [
    *[(0, 1), (2, 2), (0, 5), (0, 5), (18 - 4, 4)],
    # The code lengths' own codes: 18 (a run of zeros) and 1 have one bit each, in the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1.
    *[(int(symbol in (18, 1)), 3) for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1)],
    # 138 + 118 literals without a code, then one bit for the end of the block, and one for a distance.
    *[(1, 1), (138 - 11, 7), (1, 1), (118 - 11, 7), (0, 1), (0, 1)],
    (0, 1),
]
"""The shortest block with tables of its own, 90 bits: the inflater builds two tables for nothing."""
