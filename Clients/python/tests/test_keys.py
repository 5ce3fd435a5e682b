from __future__ import annotations

import os
import re
import threading

import pytest

from websocket_gateway.keys import new_key


def test_no_two_keys_of_a_process_are_alike_whichever_threads_make_them() -> None:
    made: list[list[str]] = [[] for _ in range(4)]

    def work(keys: list[str]) -> None:
        keys += [new_key() for _ in range(5000)]

    threads = [threading.Thread(target=work, args=(keys,)) for keys in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [key for one in made for key in one]
    assert len(set(keys)) == 20_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{14,32}", key) for key in keys)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_makes_other_keys_than_its_parent() -> None:
    new_key()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_key().encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        theirs = pipe.read()
    assert theirs.partition("-")[2]
    assert theirs[:12] != new_key()[:12]
