"""The control listener on a Unix-domain socket: its file, its clients, and the gateways that want the same path."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any, Callable

import aiohttp
import pytest
import websockets

from control import JSON_TYPE, UnixConnection, ask, candle, metrics, publish
from gateway import EXECUTABLE, Gateway, environment, run
from test_api_keys import make
from waiting import until
from websocket_gateway import Command, WebSocketManager, create_candle_event
from wire import RawTab

Serve = Callable[..., Gateway]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Short enough for a socket, wherever pytest keeps its files."""
    return tmp_path / "c.sock"


@pytest.fixture
def local(serve: Serve, path: Path) -> Gateway:
    return serve(control=f"unix:{path}")


def answers(path: Path) -> bool:
    connection = UnixConnection(str(path), timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def refused(*flags: str) -> str:
    """What a gateway that does not start says."""
    ended = run("serve", "--listen", "127.0.0.1:0", *flags)
    assert ended.returncode == 1, ended
    return ended.stderr.strip()


# Its file


def test_the_file_is_a_socket_of_its_owner_alone(local: Gateway, path: Path) -> None:
    status = path.lstat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.getuid()
    assert local.ready["control"] == f"unix:{path}"
    assert [name.name for name in path.parent.iterdir() if name.name.startswith("c.sock")] == ["c.sock"], "and it leaves nothing beside it"


def test_a_clean_stop_removes_it(local: Gateway, path: Path) -> None:
    local.terminate()
    assert local.wait() == 0
    assert not path.exists()


def test_a_file_that_took_its_place_stays(local: Gateway, path: Path) -> None:
    path.unlink()
    path.write_text("somebody's notes")
    local.terminate()
    assert local.wait() == 0
    assert path.read_text() == "somebody's notes"


def test_the_socket_of_a_gateway_that_was_killed_is_replaced(serve: Serve, local: Gateway, path: Path) -> None:
    local.kill()
    assert path.exists() and not answers(path)
    serve(control=f"unix:{path}")
    assert answers(path)


def test_a_gateway_that_answers_there_keeps_it(local: Gateway, path: Path) -> None:
    for _ in range(3):
        assert refused("--control", f"unix:{path}") == (
            f"websocket-gateway: cannot listen on unix:{path}: address already in use; another program, perhaps another gateway, answers there; "
            "choose another path"
        )
    assert answers(path)


def test_the_file_goes_when_the_start_fails_behind_it(path: Path, tmp_path: Path, serve: Serve) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    serve("--data", str(data))
    assert "in use" in refused("--control", f"unix:{path}", "--data", str(data))
    assert not path.exists()


@pytest.mark.parametrize("kind", ["file", "directory", "link", "datagrams"])
def test_what_is_not_ours_is_left_alone(kind: str, path: Path) -> None:
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if kind == "file":
        path.write_text("notes")
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/nowhere")
    else:
        other.bind(str(path))
    before = path.lstat()
    said = refused("--control", f"unix:{path}")
    assert f"cannot listen on unix:{path}: " in said
    assert ("no socket, and is left alone" in said) == (kind != "datagrams")
    assert path.lstat() == before
    other.close()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert refused("--control", f"unix:{tmp_path}/no/c.sock") == (
        f"websocket-gateway: cannot listen on unix:{tmp_path}/no/c.sock: open the directory {tmp_path}/no: no such file or directory"
    )


@pytest.mark.parametrize("flags", [[], ["--check"]])
def test_a_path_that_no_socket_can_have_is_refused_by_name(flags: list[str]) -> None:
    for text, reason in [
        ("unix:/" + "p" * 107, "the path is 108 bytes long, and that of a Unix-domain socket is 107 at most"),
        ("unix:c.sock", '"unix:c.sock" is not unix:/PATH, the absolute path of a socket'),
        ("unix:", '"unix:" is not unix:/PATH, the absolute path of a socket'),
    ]:
        ended = run("serve", "--control", text, *flags)
        assert (ended.returncode, ended.stderr) == (64, f"websocket-gateway: control: {reason}\n")
    assert run("serve", "--check", "--control", "unix:/" + "p" * 106).returncode == 0


def test_tls_on_it_is_refused(path: Path) -> None:
    ended = run("serve", "--check", "--control", f"unix:{path}", "--control-tls", "--tls-certificate", "c.pem", "--tls-key", "k.pem")
    assert ended.returncode == 64
    assert ended.stderr.startswith("websocket-gateway: control-tls: is of no use on a Unix-domain socket")


# Its clients


def test_every_route_is_there(local: Gateway) -> None:
    tab = RawTab.opened(local, "s1")
    connection = tab.connected["connection_id"]
    assert publish(local, "s1", candle(1))["sent"] == 1
    assert publish(local, "s1", [candle(2), candle(3)])["count"] == 2
    assert ask(local, "POST", "/v1/events", candle(4)).json["connections"] == 1
    assert ask(local, "PUT", "/v1/sessions/s1", {"owner": "anna"}).status in (200, 201)
    assert ask(local, "GET", "/v1/sessions/s1").json["connections"] == 1
    assert ask(local, "GET", "/v1/sessions/s1/connections").json["connections"][0]["remote_address"] == "127.0.0.1"
    assert ask(local, "POST", f"/v1/connections/{connection}/events", candle(5)).json["sent"] == 1
    assert [tab.event()["data"]["candle_index"] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert ask(local, "DELETE", f"/v1/connections/{connection}").status == 204
    assert ask(local, "GET", "/readyz").status == 200
    assert metrics(local)['wsg_connections_accepted_total{listener="control"}'] > 5
    assert ask(local, "DELETE", "/v1/sessions/s1").status == 204


def test_every_worker_takes_its_turn(serve: Serve, path: Path) -> None:
    gateway = serve("--workers", "3", "--max-control-connections", "40", control=f"unix:{path}")
    held = [UnixConnection(str(path), timeout=10) for _ in range(40)]
    for connection in held:
        connection.request("GET", "/healthz")
    for connection in held:
        assert connection.getresponse().read()
    assert ask(gateway, "GET", "/healthz").status == 503, "over the limit, as on any listener"
    held.pop().close()
    until(lambda: ask(gateway, "GET", "/healthz").status == 200, "room for another")
    for connection in held:
        connection.close()


def test_curl_and_aiohttp_reach_it(local: Gateway, path: Path) -> None:
    asked = subprocess.run(
        ["curl", "-s", "--unix-socket", str(path), "-d", json.dumps(candle(1)), "-H", "Content-Type: application/json",
         "http://localhost/v1/sessions/s1/events"], capture_output=True, text=True, check=True)
    assert json.loads(asked.stdout)["sequence"] == 1

    async def session() -> dict[str, Any]:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client:
            async with client.post("http://gateway/v1/sessions/s1/events", json=candle(2)) as answer:
                assert answer.status == 200, await answer.text()
                return await answer.json()

    assert asyncio.run(session())["sequence"] == 2, "no page reaches a socket's file, so it may be called what one likes"
    page = ask(local, "GET", "/v1/sessions", headers={"Origin": "http://localhost"})
    assert (page.status, page.code) == (403, "ORIGIN_NOT_ALLOWED")


async def test_the_python_client_publishes_and_answers_over_it(local: Gateway) -> None:
    def pause(command: Command) -> dict[str, Any]:
        return {"done": command.action}

    async with WebSocketManager(local.control_url) as engine:
        assert (await engine.publish("s1", create_candle_event({"n": 1}, {}))).sequence == 1
        async with engine.engine_link() as link:
            await link.serve("s1", pause)
            async with websockets.connect(local.url("s1")) as tab:
                await tab.send(json.dumps({"action": "pause", "ref": "r1"}))
                while (answer := json.loads(await tab.recv()))["type"] != "command_ack":
                    pass
                assert answer["data"] == {"action": "pause", "ref": "r1", "done": "pause"}


def test_the_tools_reach_it(local: Gateway, path: Path) -> None:
    published = run("publish", "s1", "--control", f"unix:{path}", stdin=json.dumps(candle(1)) + "\n")
    assert published.returncode == 0, published.stderr
    watch = subprocess.Popen(
        [str(EXECUTABLE), "watch", "s1", "--connect", local.listen, "--control", f"unix:{path}", "--explain", "--count", "1"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: ask(local, "GET", "/v1/sessions/s1").json["connections"] == 1, "somebody watches")
    publish(local, "s1", candle(2))
    shown, told = watch.communicate(timeout=20)
    assert watch.returncode == 0 and "candle" in shown, told
    assert "cannot explain" not in told
    load = run("load", "--connect", local.listen, "--control", f"unix:{path}", "--connections", "20", "--events", "50", seconds=60)
    assert load.returncode == 0, load.stdout + load.stderr


def test_a_tool_says_when_nobody_is_there(path: Path) -> None:
    said = run("publish", "s1", "--control", f"unix:{path}", stdin="")
    assert said.returncode == 1
    assert said.stderr.startswith(f"websocket-gateway: nothing listens on unix:{path}; is the gateway running?")


def test_keys_are_asked_for_where_they_are_set(serve: Serve, path: Path, tmp_path: Path) -> None:
    key, line = make("engine", "publish")
    (tmp_path / "keys").write_text(line)
    gateway = serve("--api-key-file", str(tmp_path / "keys"), control=f"unix:{path}")
    assert ask(gateway, "POST", "/v1/sessions/s1/events", candle(1)).status == 401
    assert ask(gateway, "POST", "/v1/sessions/s1/events", candle(1), JSON_TYPE | {"Authorization": f"Bearer {key}"}).status == 200
    # Who has no address is not held to a rate of addresses; nor is who comes by loopback.
    for _ in range(30):
        assert ask(gateway, "GET", "/v1/sessions", headers={"Authorization": "Bearer wsg_nonsense"}).status == 401


def test_logs_name_its_peers_unix(local: Gateway, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b"nonsense\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 400 ")
    line = until(lambda: next((line for line in local.stderr.splitlines() if "bad request" in line), None), "it is told")
    assert json.loads(line)["remote_address"] == "unix"


def test_who_leaves_in_any_way_gives_its_descriptors_back(local: Gateway, path: Path) -> None:
    ask(local, "GET", "/healthz")
    before = local.sockets
    for turn in range(200):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            if turn % 2:
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" if turn % 4 == 1 else b"GET /heal")
    until(lambda: local.sockets <= before, "all descriptors are back")
    assert answers(path)


def test_a_drain_answers_there_to_its_end(local: Gateway, path: Path) -> None:
    tab = RawTab.opened(local, "s1")
    local.terminate(signal.SIGTERM)
    until(lambda: ask(local, "GET", "/readyz").status == 503 if path.exists() else True, "it drains")
    tab.close()
    assert local.wait() == 0
    assert not path.exists()
