"""What the kernel holds, as its own tables tell."""

from __future__ import annotations

from pathlib import Path

from wire import Wire


def bytes_in_kernel(wire: Wire) -> int:
    """What the peer has sent and we have not read: in its socket's send queue and in our receive queue (/proc/net/tcp)."""
    mine, theirs = (f"{name[1]:04X}" for name in (wire.socket.getsockname(), wire.socket.getpeername()))
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, queues = (line.split()[column] for column in (1, 2, 4))
        ports = (local[-4:], remote[-4:])
        sending, receiving = (int(queue, 16) for queue in queues.split(":"))
        total += sending if ports == (theirs, mine) else receiving if ports == (mine, theirs) else 0
    return total
