from __future__ import annotations

import os
import time

from bench.usage import Usage


def test_what_a_process_uses_is_seen_and_the_machine_is_busy_meanwhile() -> None:
    before = Usage.read([os.getpid()])
    deadline = time.process_time() + 0.1
    while time.process_time() < deadline:
        pass
    after = Usage.read([os.getpid()])
    assert 0.08 < after.server_seconds - before.server_seconds < 5
    assert after.user_seconds > before.user_seconds
    assert after.busy_seconds > before.busy_seconds
