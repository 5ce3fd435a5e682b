"""Peers that stop reading, leave in the middle, or never begin: what they hold comes back, and nobody else notices."""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress
from typing import Any, Callable

import pytest

from attackers import DEFLATE, PING_COMMAND, POLICY, SESSION, SLOW, STALE, lifted_rates, opened, send_until_ended
from control import ask, candle, connections, metrics, publish
from frames import FIN, RSV1, begun, deflated, frame
from gateway import Gateway
from machine import allow_descriptors, cpu_share, descriptor_limit, orphans, tcp_memory_bytes, unsent_bytes
from waiting import SANITIZED, patience, until
from wire import CLOSE, CONTINUATION, PING, TEXT, RawTab, Wire, control_wire, upgrade_request

BIG = "x" * 65_000
NOTHING_KEPT = ("--max-history-events", "0")
"""Otherwise who does not read waits in the history, where it costs nothing of its own."""
CPU_SHARE_MAX = 0.7 if SANITIZED else 0.3
"""Of one core: more than a bystander's 50 events a second take, and less than a loop that spins."""


def publish_big(gateway: Gateway, session: str, count: int) -> list[dict[str, Any]]:
    """That many events of 64 KiB, 15 a request; the receipts."""
    receipts = []
    for start in range(0, count, 15):
        receipts.append(publish(gateway, session, [candle(number, text=BIG) for number in range(start, min(start + 15, count))]))
    return receipts


def read_to_the_close(tab: RawTab) -> tuple[int, int]:
    """How many events it got before the close frame, in order and whole, and the close frame's code."""
    count = 0
    while (seen := tab.frame()).opcode != CLOSE:
        if seen.opcode == TEXT and seen.event["type"] == "candle":
            assert seen.event["data"] == {"candle_index": count, "text": BIG}
            count += 1
    code = seen.close[0]
    assert code is not None
    return count, code


# Clients that stop reading


@pytest.mark.limit("--max-write-queue-bytes", "--write-timeout")
def test_a_client_that_stops_reading_costs_its_queue_and_is_ended_with_4408(siege) -> None:
    the_siege = siege(*NOTHING_KEPT)
    gateway: Gateway = the_siege.gateway
    # The queue's mebibyte, and what a batch of a publish body's takes on its way.
    the_siege.memory_bytes_max = (1 << 20) + (6 << 20)
    with RawTab.opened(gateway, SESSION, receive_buffer_bytes=65_536) as slow:
        receipts = publish_big(gateway, SESSION, 120)
        assert receipts[0]["connections"] == 15
        assert receipts[-1]["connections"] == 0, "it is not a member any more"
        assert metrics(gateway)['wsg_slow_closes_total{reason="queue_full"}'] == 1
        count, code = read_to_the_close(slow)
        assert code == SLOW and 0 < count < 60


CROWD = 1000
CROWD_SESSIONS = 10


@pytest.mark.limit("--max-write-queue-bytes")
@pytest.mark.plain("its bounds are those of plain connections")
def test_a_thousand_clients_that_stop_reading_at_once_cost_bounded_memory_here_and_in_the_kernel(siege) -> None:
    allow_descriptors(CROWD + 200)
    the_siege = siege("--close-timeout", "1", "--write-timeout", "60", *NOTHING_KEPT)
    gateway: Gateway = the_siege.gateway
    # The events in the queues are shared by the clients of a session; each client has its connection and the list of what waits for it.
    the_siege.memory_bytes_max = CROWD_SESSIONS * (1 << 20) + CROWD * (8 << 10) + (8 << 20)
    kernel_before = tcp_memory_bytes()
    with ExitStack() as stack:
        for number in range(CROWD):
            stack.enter_context(opened(gateway, f"crowd-{number % CROWD_SESSIONS}"))
        members = []
        for _ in range(4):
            members.append(sum(publish_big(gateway, f"crowd-{number}", 15)[0]["connections"] for number in range(CROWD_SESSIONS)) // 15)
        # The kernel's share: 32 KiB not yet sent (TCP_NOTSENT_LOWAT), one send that crosses it, and what the peer's window took.
        assert max(unsent_bytes(gateway)) < 1 << 20
        if not SANITIZED:
            assert tcp_memory_bytes() - kernel_before < CROWD * (512 << 10)
        assert members[0] == CROWD and members[-1] == 0, members
        assert metrics(gateway)['wsg_slow_closes_total{reason="queue_full"}'] == CROWD
        assert metrics(gateway)["wsg_queued_bytes"] < CROWD * (1 << 17), "what had not begun is dropped"
        until(lambda: gateway.sockets <= the_siege.sockets_before, "all their descriptors are back")
        # Their ends are still open. Without a word to the kernel it would go on holding what they never took, for minutes.
        until(lambda: orphans(gateway) == 0, "the kernel has let go of what they did not take", seconds=3)


@pytest.mark.plain("its bounds are those of plain connections")
def test_a_thousand_clients_that_stop_reading_wait_in_one_history_and_cost_little_each(siege) -> None:
    allow_descriptors(CROWD + 200)
    the_siege = siege("--write-timeout", "60", "--max-write-queue-bytes", "65536", "--max-history-bytes", str(2 << 20))
    gateway: Gateway = the_siege.gateway
    # The histories, which are all that grows with what is published; each client has its connection, and its queue in references.
    the_siege.memory_bytes_max = CROWD_SESSIONS * (2 << 20) + CROWD * (8 << 10) + (8 << 20)
    with ExitStack() as stack:
        for number in range(CROWD):
            stack.enter_context(opened(gateway, f"crowd-{number % CROWD_SESSIONS}"))
        for _ in range(8):
            for number in range(CROWD_SESSIONS):
                receipt = publish_big(gateway, f"crowd-{number}", 15)[0]
                members = 15 * CROWD // CROWD_SESSIONS
                assert receipt["connections"] == members == receipt["sent"] + receipt["queued"]
        samples = metrics(gateway)
        assert samples["wsg_connections_behind"] == CROWD
        assert samples["wsg_history_bytes"] <= CROWD_SESSIONS * (2 << 20)
        assert max(unsent_bytes(gateway)) < 1 << 20


def test_small_events_that_wait_for_clients_that_stop_reading_cost_little_too(siege) -> None:
    """Their bytes are shared, but each connection has an entry for each: a queue's mebibyte of them would be thousands."""
    few = 200
    the_siege = siege("--write-timeout", "60", "--max-connections-per-session", str(few))
    gateway: Gateway = the_siege.gateway
    the_siege.memory_bytes_max = few * (40 << 10) + (16 << 20)
    with ExitStack() as stack:
        for _ in range(few):
            stack.enter_context(opened(gateway, SESSION, receive_buffer_bytes=4096))
        for start in range(0, 9000, 100):
            publish(gateway, SESSION, [candle(number, text="x" * 100) for number in range(start, start + 100)])
        samples = metrics(gateway)
        assert samples["wsg_connections_behind"] == few
        assert samples["wsg_queued_bytes"] < few * 600 * 300


@pytest.mark.limit("--memory-budget")
def test_hundreds_that_stop_reading_each_at_another_place_stay_within_the_memory_budget(siege) -> None:
    """Each queue is within its mebibyte, but what they hold is not the same, and the history holds it no more: hundreds of mebibytes."""
    budget, groups, each = 32 << 20, 100, 3
    flags = ("--workers", "1", "--memory-budget", str(budget), "--max-history-bytes", str(2 << 20), "--write-timeout", "60")
    the_siege = siege(*flags, "--max-connections-per-session", str(groups * each + 1))
    gateway: Gateway = the_siege.gateway
    the_siege.memory_bytes_max = budget + (16 << 20)
    seen: list[int] = []
    with ExitStack() as stack:
        silent = []
        for group in range(groups):
            silent += [stack.enter_context(opened(gateway, SESSION, receive_buffer_bytes=4096)) for _ in range(each)]
            # A client of the same session that reads, beside the siege's bystander in another.
            with RawTab.opened(gateway, SESSION) as healthy:
                publishing = threading.Thread(target=publish_big, args=(gateway, SESSION, 15))
                publishing.start()
                seen += [healthy.event("candle")["data"]["candle_index"] for _ in range(15)]
                publishing.join()
        assert seen == list(range(15)) * groups, "who reads gets everything at once"

        def within() -> dict[str, float]:
            samples = metrics(gateway)
            used = sum(samples[f'wsg_memory_bytes{{kind="{kind}"}}'] for kind in ("history", "queues", "kernel"))
            return samples if used <= budget else {}

        samples = until(within, "what is counted is within the budget")
        assert samples["wsg_queues_shed_total"] > 0
        assert samples['wsg_slow_closes_total{reason="memory_budget"}'] == 0, "the history had room for all"
        assert samples["wsg_connections_behind"] > groups
        for number in (0, groups * each // 2, groups * each - 1):
            assert_all_is_covered(silent[number], number // each * 15 + 1, groups * 15)


def assert_all_is_covered(tab: RawTab, first: int, last: int) -> None:
    """Every event from the first to the last comes or is announced as lost, in order."""
    position = first - 1
    while position < last:
        event = tab.event()
        if event["type"] == "lost":
            begin, end = (int(event["data"][name].rpartition("-")[2]) for name in ("first_id", "last_id"))
        elif "id" in event:
            begin = end = int(event["id"].rpartition("-")[2])
        else:
            continue
        assert begin == position + 1 and end >= begin
        position = end


@pytest.mark.limit("--write-timeout", "--max-write-queue-bytes")
@pytest.mark.plain("Python's TLS has other words for a reset")
def test_a_client_that_stops_reading_what_it_asked_for_is_ended_too(siege) -> None:
    """Answers to its own commands are queued like events, and count the same."""
    gateway: Gateway = siege("--write-timeout", "1", "--close-timeout", "0.5", *lifted_rates()).gateway
    with RawTab.opened(gateway, SESSION, receive_buffer_bytes=4096) as tab:
        send_until_ended(tab, frame(FIN | TEXT, PING_COMMAND) * 2000)
        slow = [metrics(gateway)[f'wsg_slow_closes_total{{reason="{reason}"}}'] for reason in ("queue_full", "no_progress")]
        assert sum(slow) == 1


@pytest.mark.limit("--write-timeout")
def test_an_engine_that_publishes_without_reading_the_answers_is_not_read_for_ever_and_then_cut_off(siege) -> None:
    gateway: Gateway = siege("--write-timeout", "1").gateway
    body = '{"type":"candle","data":{}}'
    request = (
        f"POST /v1/sessions/{SESSION}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
    with Wire(gateway.control_address, receive_buffer_bytes=4096) as wire:
        assert send_until_ended(wire, request * 100) < 2000


# Leaving at every stage


def stage_silent(gateway: Gateway) -> Wire:
    return Wire(gateway.address)


def stage_head(gateway: Gateway) -> Wire:
    wire = Wire(gateway.address)
    wire.send("GET /ws/backtest/attacked HTTP/1.1\r\nHost: gate")
    return wire


def stage_asked(gateway: Gateway) -> Wire:
    wire = Wire(gateway.address)
    wire.send(upgrade_request("/ws/backtest/attacked"))
    return wire


def stage_asked_twice(gateway: Gateway) -> Wire:
    wire = Wire(gateway.address)
    wire.send(upgrade_request("/ws/backtest/attacked") + upgrade_request("/ws/backtest/attacked"))
    return wire


def stage_refused_unread(gateway: Gateway) -> Wire:
    wire = Wire(gateway.address)
    wire.send("GET /nowhere HTTP/1.1\r\nHost: gateway\r\n\r\n" * 50)
    return wire


def stage_refused(gateway: Gateway) -> Wire:
    wire = Wire(gateway.address)
    wire.send("GET /nowhere HTTP/1.1\r\nHost: gateway\r\n\r\n")
    assert wire.answer().status == 404
    return wire


def stage_malformed(gateway: Gateway) -> Wire:
    wire = Wire(gateway.address)
    wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))
    return wire


def stage_open(gateway: Gateway) -> Wire:
    return opened(gateway)


def open_and(*sent: bytes, **headers: Any) -> Callable[[Gateway], Wire]:
    def stage(gateway: Gateway) -> Wire:
        tab = opened(gateway, **headers)
        for data in sent:
            tab.send(data)
        return tab

    return stage


NUMBERS = itertools.count()


def congested_in(gateway: Gateway, session: str) -> RawTab:
    """Its queue is not empty, and not full."""
    tab = opened(gateway, session, receive_buffer_bytes=4096)
    publish_big(gateway, session, 14)
    (waiting,) = connections(gateway, session)
    assert waiting["queued_bytes"] > 0
    return tab


def stage_congested(gateway: Gateway) -> Wire:
    return congested_in(gateway, f"congested-{next(NUMBERS)}")


def stage_closing_while_congested(gateway: Gateway) -> Wire:
    tab = stage_congested(gateway)
    tab.send(frame(FIN | CLOSE, struct.pack(">H", 1000)))
    return tab


def stage_ended_as_slow(gateway: Gateway) -> Wire:
    session = f"congested-{next(NUMBERS)}"
    tab = congested_in(gateway, session)
    publish_big(gateway, session, 14)
    assert connections(gateway, session) == []
    return tab


def stage_engine_half_body(gateway: Gateway) -> Wire:
    wire = control_wire(gateway)
    wire.send(
        f"POST /v1/sessions/{SESSION}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        'Content-Length: 1000\r\n\r\n{"type":"candle"'
    )
    return wire


def stage_engine_unread(gateway: Gateway) -> Wire:
    wire = control_wire(gateway)
    body = '{"type":"candle","data":{}}'
    wire.send(
        (
            f"POST /v1/sessions/{SESSION}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        * 100
        + "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    )
    return wire


STAGES: dict[str, Callable[[Gateway], Wire]] = {
    "connected": stage_silent,
    "in the request's head": stage_head,
    "asked, answer unread": stage_asked,
    "asked twice": stage_asked_twice,
    "refused 50 times, unread": stage_refused_unread,
    "refused": stage_refused,
    "spoke TLS": stage_malformed,
    "just upgraded": stage_open,
    "in a frame's header": open_and(bytes([FIN | TEXT])),
    "in a frame's length": open_and(bytes([FIN | TEXT, 0xFF, 0, 0, 0])),
    "in a payload": open_and(begun(FIN | TEXT, 100, b"{")),
    "in a fragmented message": open_and(frame(TEXT, b"{"), frame(CONTINUATION, b"")),
    "in a compressed message": open_and(frame(RSV1 | TEXT, deflated(PING_COMMAND)[:5]), **DEFLATE),
    "asked something, answer unread": open_and(frame(FIN | PING, b"?"), frame(FIN | TEXT, PING_COMMAND)),
    "said close": open_and(frame(FIN | CLOSE, struct.pack(">H", 1000))),
    "broke the protocol": open_and(bytes([FIN | 0x3]), frame(FIN | PING) * 100),
    "congested": stage_congested,
    "said close while congested": stage_closing_while_congested,
    "ended as too slow": stage_ended_as_slow,
    "engine in a body": stage_engine_half_body,
    "engine with answers unread": stage_engine_unread,
}


def leave_by_reset(wire: Wire) -> None:
    wire.reset()


def leave_by_close(wire: Wire) -> None:
    wire.close()


def leave_halfway(wire: Wire) -> None:
    """Says that nothing more comes, and stays: the gateway is to end it."""
    with suppress(OSError):
        wire.socket.shutdown(socket.SHUT_WR)


ENDINGS = {"reset": leave_by_reset, "close": leave_by_close, "half-close": leave_halfway}
ROUNDS = 10
ROOM = ("--max-connections-per-session", "1000", "--write-timeout", "60", "--close-timeout", "1", *NOTHING_KEPT)
"""For all of them at once, on a slow machine too."""


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_peer_that_leaves_at_any_stage_gives_everything_back(siege, stage: str, ending: str) -> None:
    the_siege = siege(*ROOM, shared=True)
    gateway: Gateway = the_siege.gateway
    accepted = 'wsg_connections_accepted_total{listener="public"}'
    all_accepted = metrics(gateway)[accepted] + (0 if stage.startswith("engine") else ROUNDS)
    with ExitStack() as stack:
        for _ in range(ROUNDS):
            wire = stack.enter_context(STAGES[stage](gateway))
            ENDINGS[ending](wire)
        # One that still waits to be accepted has no descriptor there yet.
        until(lambda: metrics(gateway)[accepted] == all_accepted, "each was accepted")
        # Before our own ends are closed, which for a half-close they are not.
        until(lambda: gateway.sockets == the_siege.sockets_before, "every descriptor is back")
        until(lambda: orphans(gateway) == 0, "the kernel has let go of what they did not take", seconds=3)
    samples = metrics(gateway)
    assert samples["wsg_queued_bytes"] == 0
    assert samples['wsg_connections{kind="backtest"}'] == 1, "the bystander's"
    assert samples['wsg_http_connections{listener="public"}'] == 0


def test_peers_that_stay_at_every_stage_cost_no_cpu(siege) -> None:
    """A socket that is ready for what nobody waits for makes a loop spin."""
    the_siege = siege(*ROOM, shared=True)
    gateway: Gateway = the_siege.gateway
    # The queues of those who are congested are full, nearly.
    the_siege.memory_bytes_max += ROUNDS << 20
    with ExitStack() as stack:
        for stage in STAGES.values():
            for _ in range(ROUNDS):
                stack.enter_context(stage(gateway))
        share = cpu_share(gateway)
    assert share < CPU_SHARE_MAX, f"{share:.2f} of a core"


def test_five_hundred_resets_just_after_the_upgrade_harm_nobody(siege) -> None:
    """Between the request and the 101 lies a question to another thread: the answer may find the connection broken, gone, or another's."""
    gateway: Gateway = siege(*ROOM, shared=True).gateway
    for number in range(500):
        wire = Wire(gateway.address)
        wire.send(upgrade_request(f"/ws/backtest/{SESSION}-{number % 7}"))
        if number % 5 == 0:
            wire.take(1)
        wire.reset()
    until(lambda: metrics(gateway)['wsg_connections{kind="backtest"}'] == 1, "only the bystander is left")


def test_events_for_peers_that_are_being_reset_reach_all_others(siege) -> None:
    gateway: Gateway = siege(*ROOM, shared=True).gateway
    with opened(gateway) as healthy:
        for number in range(60):
            leaving = [opened(gateway) for _ in range(5)]
            killers = [threading.Thread(target=tab.reset) for tab in leaving]
            for killer in killers:
                killer.start()
            receipt = publish(gateway, SESSION, candle(number))
            for killer in killers:
                killer.join()
            assert receipt["connections"] == receipt["sent"] + receipt["queued"] + receipt["dropped"]
            assert healthy.event("candle")["data"] == {"candle_index": number}


LEAVERS = 15_000


def connect_and_leave(address: tuple[str, int], count: int, source: str) -> None:
    """Half of them by FIN and half by RST. From an address of their own: 28,000 ports would soon be in TIME_WAIT."""
    linger = struct.pack("ii", 1, 0)
    for number in range(count):
        with socket.socket() as one:
            one.bind((source, 0))
            if number % 2:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            one.connect(address)


@pytest.mark.plain("its bounds are those of plain connections")
def test_fifteen_thousand_who_connect_and_leave_at_once_are_all_accepted_and_forgotten(siege) -> None:
    gateway: Gateway = siege().gateway
    accepted = 'wsg_connections_accepted_total{listener="public"}'
    before = metrics(gateway)[accepted]
    began = time.monotonic()
    connect_and_leave(gateway.address, LEAVERS, "127.0.0.2")
    print(f"{LEAVERS / (time.monotonic() - began):.0f} connections a second")
    until(lambda: metrics(gateway)[accepted] == before + LEAVERS, "all were accepted")
    until(lambda: metrics(gateway)['wsg_http_connections{listener="public"}'] == 0, "all are forgotten")


@pytest.mark.limit("--close-timeout")
@pytest.mark.parametrize("what", ["the connection", "the session"])
def test_what_an_engine_ends_while_the_socket_is_congested_gives_its_descriptor_back(siege, what: str) -> None:
    the_siege = siege("--close-timeout", "0.5")
    gateway: Gateway = the_siege.gateway
    with congested_in(gateway, SESSION) as tab:
        path = f"/v1/connections/{tab.connected['connection_id']}" if what == "the connection" else f"/v1/sessions/{SESSION}"
        assert ask(gateway, "DELETE", path).status == 204
        until(lambda: gateway.sockets == the_siege.sockets_before, "its descriptor is back", seconds=3)
        until(lambda: orphans(gateway) == 0, "the kernel has let go of what it did not take", seconds=3)


# Out of descriptors


@pytest.mark.plain("there is no handshake without a descriptor")
def test_without_a_descriptor_to_accept_with_the_gateway_waits_and_serves_those_it_has(siege) -> None:
    the_siege = siege()
    gateway: Gateway = the_siege.gateway
    with ExitStack() as stack:
        engine = stack.enter_context(control_wire(gateway))
        engine.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert engine.answer().status == 200
        inside = [stack.enter_context(opened(gateway)) for _ in range(3)]
        with descriptor_limit(gateway, gateway.descriptors):
            outside = [stack.enter_context(Wire(gateway.address, seconds=30)) for _ in range(50)]
            for wire in outside:
                wire.send(upgrade_request(f"/ws/backtest/{SESSION}"))
            stack.enter_context(Wire(gateway.control_address)).send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            share = cpu_share(gateway, 1.0)
            assert share < CPU_SHARE_MAX, f"{share:.2f} of a core"

            body = json.dumps(candle(1))
            engine.send(
                f"POST /v1/sessions/{SESSION}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            )
            assert engine.answer().json["sent"] == 3
            for tab in inside:
                assert tab.event("candle")["data"] == {"candle_index": 1}
            # Each that leaves makes room for one that waits.
            for tab in inside:
                tab.send(frame(FIN | CLOSE))
                assert tab.frame().opcode == CLOSE
                tab.close()
            until(lambda: sum(has_bytes(wire) for wire in outside) >= 1, "one that waited is let in")
            assert sum(has_bytes(wire) for wire in outside) <= 3
        for wire in outside:
            assert wire.answer().status == 101
        samples = metrics(gateway)
        assert samples["wsg_accept_errors_total"] > 0
        assert samples['wsg_connections{kind="backtest"}'] == 51


def has_bytes(wire: Wire) -> bool:
    poll = select.poll()
    poll.register(wire.socket, select.POLLIN)
    return bool(poll.poll(0))


# Herds


HERD = 2000


@pytest.mark.limit("--request-head-timeout")
@pytest.mark.plain("its bounds are those of plain connections")
def test_two_thousand_sockets_that_say_nothing_are_sent_away_in_time_and_cost_little(siege) -> None:
    allow_descriptors(HERD + 200)
    the_siege = siege("--request-head-timeout", str(patience(2)))
    gateway: Gateway = the_siege.gateway
    the_siege.memory_bytes_max = HERD * (4 << 10) + (2 << 20)
    with ExitStack() as stack:
        silent = [stack.enter_context(Wire(gateway.address)) for _ in range(HERD)]
        assert cpu_share(gateway, 0.5) < CPU_SHARE_MAX
        for wire in silent:
            assert wire.answer().status == 408
            assert wire.at_end()


@pytest.mark.limit("--stale-timeout")
@pytest.mark.plain("its bounds are those of plain connections")
def test_two_thousand_clients_that_fall_silent_are_ended_with_4411_and_cost_little(siege) -> None:
    allow_descriptors(HERD + 200)
    the_siege = siege("--stale-timeout", str(patience(4)), "--heartbeat-interval", "1")
    gateway: Gateway = the_siege.gateway
    the_siege.memory_bytes_max = HERD * (6 << 10) + (2 << 20)
    with ExitStack() as stack:
        silent = [stack.enter_context(opened(gateway, f"herd-{number % 20}")) for number in range(HERD)]
        assert metrics(gateway)['wsg_connections{kind="backtest"}'] == HERD + 1
        until(lambda: metrics(gateway)["wsg_stale_closes_total"] == HERD, "all of them were ended")
        for tab in silent:
            assert tab.close_frame()[0] == STALE


SLOWLORISES = 300


@pytest.mark.limit("--request-head-timeout")
def test_a_herd_that_sends_its_request_a_byte_at_a_time_is_cut_off_though_it_never_pauses(siege) -> None:
    the_siege = siege("--request-head-timeout", str(patience(1.5)), "--close-timeout", "0.5")
    head = upgrade_request("/ws/backtest/attacked").encode()[:-2]
    with ExitStack() as stack:
        herd = [stack.enter_context(Wire(the_siege.gateway.address)) for _ in range(SLOWLORISES)]
        drip(herd, head + b"X-Padding: " + b"x" * 10_000, lambda: the_siege.gateway.sockets <= the_siege.sockets_before)
        for wire in herd:
            assert wire.answer().status == 408


@pytest.mark.limit("--message-timeout")
def test_a_herd_that_sends_its_message_a_byte_at_a_time_is_cut_off_though_it_never_pauses(siege) -> None:
    the_siege = siege("--message-timeout", str(patience(1.5)), "--close-timeout", "0.5", "--max-connections-per-session", str(SLOWLORISES))
    message = bytes([FIN | TEXT, 0x80 | 126]) + struct.pack(">H", 60_000) + bytes(4) + b" " * 59_999
    with ExitStack() as stack:
        herd = [stack.enter_context(opened(the_siege.gateway)) for _ in range(SLOWLORISES)]
        drip(herd, message, lambda: the_siege.gateway.sockets <= the_siege.sockets_before)
        for tab in herd:
            assert tab.close_frame()[0] == POLICY


def drip(herd: list[Any], data: bytes, is_over: Callable[[], bool]) -> None:
    """One byte to each, again and again, for as long as they take it."""
    deadline = time.monotonic() + patience(8)
    for i in range(len(data)):
        for wire in herd:
            with suppress(OSError):
                wire.socket.send(data[i : i + 1])
        if is_over():
            return
        assert time.monotonic() < deadline, "they are still served"
