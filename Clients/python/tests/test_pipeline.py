"""The rules for sending again, with no socket and the tests' own clock."""

from __future__ import annotations

from typing import Optional

import pytest

from fake_gateway import REFUSED, answer
from websocket_gateway import GatewayUnavailable
from websocket_gateway.pipeline import IN_FLIGHT_MAX, KEY_SECONDS_MAX, Pipeline, Request

OK = answer(200, {})
BUSY = answer(503, REFUSED, "Retry-After: 1")
FULL = answer(503, {"error": {"code": "STORE_FULL", "details": {"outcome": "refused"}}}, "Retry-After: 1")
FAILED = answer(503, {"error": {"code": "STORE_FAILED", "details": {"outcome": "unknown"}}}, "Retry-After: 1")


def make(retry_for: float = 5) -> Pipeline:
    return Pipeline(retry_for, timeout=10, jitter=lambda: 1.0)


def event(name: str, order: Optional[str] = "s") -> Request:
    return Request(name.encode(), order=order)


def keyed(name: str, order: str = "s") -> Request:
    return Request(name.encode(), order=order, keyed=True)


def ending(name: str, order: str = "s") -> Request:
    return Request(name.encode(), order=order, forgets_keys=True)


def add(pipeline: Pipeline, *requests: Request, now: float = 0) -> None:
    for request in requests:
        pipeline.add(request, now)


def send(pipeline: Pipeline, now: float) -> bytes:
    """Takes what there is to send, and the kernel takes all of it."""
    data = pipeline.take(now)
    pipeline.sent(len(data))
    return data


def proven(*requests: Request, retry_for: float = 5) -> Pipeline:
    """A pipeline whose connection has answered, with the requests sent whole."""
    pipeline = make(retry_for)
    pipeline.opened(0)
    add(pipeline, event("first"))
    pipeline.sent(len(pipeline.take(0)))
    assert pipeline.received(OK, 0)
    add(pipeline, *requests)
    pipeline.sent(len(pipeline.take(0)))
    return pipeline


def outcome(request: Request) -> str:
    error = request.future.exception(0)
    assert isinstance(error, GatewayUnavailable)
    assert error.safe_to_repeat == (error.outcome != "unknown")
    return error.outcome


def status(request: Request) -> int:
    return request.future.result(0).status


def test_one_request_goes_ahead_alone_on_a_new_connection() -> None:
    pipeline = make()
    pipeline.opened(0)
    add(pipeline, event("a"), event("b"), event("c"))
    assert pipeline.take(0) == b"a"
    assert pipeline.take(0) == b""
    pipeline.sent(1)
    assert pipeline.received(OK, 0)
    assert pipeline.take(0) == b"bc"


def test_only_so_many_are_under_way() -> None:
    pipeline = proven()
    add(pipeline, *[event("x") for _ in range(IN_FLIGHT_MAX + 5)])
    assert len(pipeline.take(0)) == IN_FLIGHT_MAX


def test_answers_belong_to_the_requests_in_their_order() -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a, b)
    assert pipeline.received(answer(400, {}) + OK, 0)
    assert (status(a), status(b)) == (400, 200)
    assert pipeline.is_idle


def test_what_was_sent_whole_and_not_answered_is_unknown_and_not_sent_again() -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a, b)
    pipeline.lost("reset", 1)
    assert (outcome(a), outcome(b)) == ("unknown", "unknown")
    assert pipeline.is_idle


def test_half_an_answer_is_none() -> None:
    a = event("a")
    pipeline = proven(a)
    assert pipeline.received(OK[:-1], 0)
    pipeline.lost("closed", 1)
    assert outcome(a) == "unknown"


def test_what_was_not_sent_whole_is_sent_again_in_its_order() -> None:
    a, b, c = event("aaaa"), event("bbbb"), event("cccc")
    pipeline = proven()
    add(pipeline, a, b, c)
    assert pipeline.take(0) == b"aaaabbbbcccc"
    pipeline.sent(7)
    pipeline.lost("reset", 1)
    assert outcome(a) == "unknown"
    pipeline.opened(1)
    assert pipeline.take(1) == b"bbbb"
    pipeline.sent(4)
    assert pipeline.received(OK, 1)
    assert pipeline.take(1) == b"cccc"
    assert status(b) == 200


def test_what_is_repeatable_is_sent_again() -> None:
    post, get = event("post"), Request(b"get", repeatable=True)
    pipeline = proven(post, get)
    pipeline.lost("reset", 1)
    assert outcome(post) == "unknown"
    pipeline.opened(1)
    assert pipeline.take(1) == b"get"


def test_what_stands_behind_a_closing_answer_is_sent_again() -> None:
    a, b, c = event("a"), event("b"), event("c")
    pipeline = proven(a, b, c)
    assert not pipeline.received(answer(200, {}, "Connection: close"), 0)
    assert status(a) == 200
    pipeline.opened(0)
    assert pipeline.take(0) == b"b"


def test_an_early_answer_to_half_a_request_counts_and_ends_the_connection() -> None:
    a, b = event("aaaa"), event("b")
    pipeline = proven()
    add(pipeline, a, b)
    pipeline.take(0)
    pipeline.sent(2)
    assert not pipeline.received(answer(413, {}), 0)
    assert status(a) == 413
    pipeline.opened(0)
    assert pipeline.take(0) == b"b"


def test_an_answer_nobody_asked_for_ends_the_connection() -> None:
    pipeline = proven()
    assert not pipeline.received(answer(408, {}), 0)
    assert pipeline.is_idle


def test_what_is_not_an_answer_leaves_the_outcome_unknown() -> None:
    a = event("a")
    assert not proven(a).received(b"SSH-2.0\r\n\r\n", 0)
    assert outcome(a) == "unknown"


@pytest.mark.parametrize("refusal", [BUSY, FULL])
def test_a_refused_event_is_sent_again_when_the_gateway_says(refusal: bytes) -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a, b)
    assert pipeline.received(refusal + refusal, 0)
    assert pipeline.take(0.9) == b""
    assert pipeline.deadline(0.9) == 1
    assert pipeline.take(1) == b"a"
    pipeline.sent(1)
    assert pipeline.received(OK, 1)
    assert pipeline.take(1) == b"b"


def test_nothing_is_sent_while_a_refused_event_waits_for_the_answers_behind_it() -> None:
    a, b, c = event("a"), event("b"), event("c")
    pipeline = proven(a, b)
    assert pipeline.received(BUSY, 0)
    add(pipeline, c, now=2)
    assert pipeline.take(2) == b""
    assert pipeline.received(BUSY, 2)
    assert pipeline.take(3) == b"a"


@pytest.mark.parametrize(("refused", "taken"), [("s", "s"), ("*", "s"), ("s", "*")])
def test_a_refused_event_does_not_go_behind_a_later_one_of_its_session(refused: str, taken: str) -> None:
    a, b = event("a", refused), event("b", taken)
    pipeline = proven(a, b)
    assert pipeline.received(BUSY + OK, 0)
    assert status(b) == 200
    assert outcome(a) == "refused"
    assert pipeline.is_idle


def test_a_refused_event_goes_behind_those_of_other_sessions() -> None:
    a, b = event("a", "s"), event("b", "t")
    pipeline = proven(a, b)
    assert pipeline.received(BUSY + OK, 0)
    assert pipeline.take(1) == b"a"


def test_a_refused_event_does_not_go_behind_one_that_may_have_been_taken() -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a, b)
    assert pipeline.received(BUSY, 0)
    pipeline.lost("closed", 0)
    assert (outcome(a), outcome(b)) == ("refused", "unknown")
    assert pipeline.is_idle


def test_a_refused_event_is_sent_again_when_the_connection_goes_meanwhile() -> None:
    a, b = event("a", "s"), event("b", "t")
    pipeline = proven(a, b)
    assert pipeline.received(BUSY, 0)
    pipeline.lost("closed", 0)
    assert outcome(b) == "unknown"
    pipeline.opened(1)
    assert pipeline.take(1) == b"a"


def test_a_refused_event_is_sent_again_when_the_gateway_closes_with_its_answer() -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a, b)
    assert not pipeline.received(answer(503, REFUSED, "Retry-After: 1", "Connection: close"), 0)
    pipeline.opened(1)
    assert pipeline.take(1) == b"a"


@pytest.mark.parametrize(
    "refusal",
    [
        answer(503, REFUSED),
        answer(503, REFUSED, "Retry-After: 5"),
        answer(503, {"error": {"details": {"outcome": "unknown"}}}, "Retry-After: 1"),
    ],
    ids=["without Retry-After", "longer than there is time", "a commit that failed"],
)
def test_another_503_is_the_answer_and_holds_nothing_up(refusal: bytes) -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a)
    add(pipeline, b)
    assert pipeline.received(refusal, 0)
    assert status(a) == 503
    assert pipeline.take(0) == b"b"


def test_refused_for_too_long_the_refusal_is_the_answer() -> None:
    a = event("a")
    pipeline = proven(a)
    for now in range(5):
        assert pipeline.received(BUSY, now)
        if now < 4:
            pipeline.sent(len(pipeline.take(now + 1)))
    assert status(a) == 503


def test_connecting_is_tried_again_ever_more_slowly_and_given_up() -> None:
    a = event("a")
    pipeline = make()
    add(pipeline, a)
    now, tries = 0.0, []
    while not a.future.done():
        if pipeline.may_send(now):
            tries.append(now)
            pipeline.not_connected("refused", now)
            continue
        due = pipeline.deadline(now)
        assert due is not None
        now = due
        pipeline.expire(now)
    waits = [later - earlier for earlier, later in zip(tries, tries[1:])]
    assert waits == pytest.approx([0, 0.05, 0.1, 0.2, 0.4, 0.8, 1, 1, 1])
    assert now == 5
    assert outcome(a) == "not_sent"


def test_each_request_has_the_whole_time_even_when_the_gateway_is_long_gone() -> None:
    pipeline = make()
    pipeline.not_connected("refused", 0)
    late = event("late")
    add(pipeline, late, now=100)
    pipeline.expire(104.9)
    assert not late.future.done()
    pipeline.expire(105)
    assert outcome(late) == "not_sent"


def test_waiting_in_line_of_a_gateway_that_answers_is_no_outage() -> None:
    pipeline = proven(event("a"))
    b = event("b")
    add(pipeline, b)
    pipeline.expire(9)
    assert not b.future.done()


def test_no_answer_in_time_is_unknown_and_ends_the_connection() -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a)
    add(pipeline, b, now=9)
    assert pipeline.deadline(0) == 10
    assert not pipeline.expire(9.9)
    assert pipeline.expire(10)
    assert outcome(a) == "unknown"
    pipeline.expire(13.9)
    assert not b.future.done()
    pipeline.expire(14)
    assert outcome(b) == "not_sent"


def test_each_answer_gives_the_next_one_its_time() -> None:
    a, b = event("a"), event("b")
    pipeline = proven(a, b)
    assert pipeline.received(OK, 9)
    assert not pipeline.expire(18)
    assert pipeline.expire(19)


def test_what_the_caller_gave_up_before_it_was_sent_is_not_sent() -> None:
    a, b = event("a"), event("b")
    pipeline = proven()
    add(pipeline, a, b)
    assert a.future.cancel()
    assert pipeline.take(0) == b"b"
    assert not b.future.cancel()


# With a key


def test_what_has_a_key_and_no_answer_is_sent_again_in_its_order_before_anything_newer() -> None:
    a, b, c = keyed("a"), keyed("b", "t"), keyed("c")
    pipeline = proven(a, b)
    pipeline.lost("reset", 1)
    add(pipeline, c, now=1)
    pipeline.opened(1)
    assert send(pipeline, 1) == b"a"
    pipeline.lost("reset", 1)
    pipeline.opened(2)
    assert send(pipeline, 2) == b"a"
    assert pipeline.received(OK, 2)
    assert send(pipeline, 2) == b"bc"
    assert pipeline.received(OK + OK, 2)
    assert [status(one) for one in (a, b, c)] == [200] * 3


def test_between_two_with_keys_only_what_has_none_is_left_out() -> None:
    a, all_, b = keyed("a"), event("x", "*"), keyed("b")
    pipeline = proven(a, all_, b)
    pipeline.lost("reset", 1)
    assert outcome(all_) == "unknown"
    pipeline.opened(1)
    assert send(pipeline, 1) == b"a"
    assert pipeline.received(OK, 1)
    assert send(pipeline, 1) == b"b"


def test_in_doubt_it_is_sent_again_for_as_long_as_a_gateway_is_looked_for() -> None:
    a = keyed("a")
    pipeline = proven(a)
    pipeline.lost("reset", 1)
    pipeline.not_connected("refused", 1)
    pipeline.expire(5.9)
    assert not a.future.done()
    pipeline.expire(6)
    assert outcome(a) == "unknown"


def test_after_a_time_out_another_connection_is_tried_and_given_up() -> None:
    a, b = keyed("a"), keyed("b")
    pipeline = proven(a)
    add(pipeline, b, now=3)
    assert pipeline.expire(10)
    pipeline.opened(10)
    assert send(pipeline, 10) == b"a"
    assert pipeline.deadline(10) == 15
    assert not pipeline.expire(15)
    assert outcome(b) == "not_sent"
    assert pipeline.deadline(15) == 20
    assert pipeline.expire(20)
    assert outcome(a) == "unknown"


def test_a_time_out_of_a_connection_that_was_lost_unheard_does_no_harm() -> None:
    a, b = keyed("a"), keyed("b")
    pipeline = proven(a)
    add(pipeline, b, now=3)
    assert pipeline.expire(10)
    assert not pipeline.expire(10)
    pipeline.opened(10)
    assert send(pipeline, 10) == b"a"
    assert pipeline.received(OK, 11)
    assert send(pipeline, 11) == b"b"
    assert pipeline.received(OK, 11)
    assert (status(a), status(b)) == (200, 200)


def test_an_outcome_the_gateway_does_not_know_is_asked_for_again_in_order() -> None:
    a, b, c = keyed("a"), keyed("b"), keyed("c")
    pipeline = proven(a, b, c)
    assert pipeline.received(FAILED + FAILED, 0)
    pipeline.lost("reset", 0)
    pipeline.opened(1)
    assert send(pipeline, 1) == b"a"
    assert pipeline.received(OK, 1)
    assert send(pipeline, 1) == b"bc"


def test_an_outcome_the_gateway_does_not_know_is_left_open_when_a_later_event_got_through() -> None:
    a, b = keyed("a"), keyed("b")
    pipeline = proven(a, b)
    assert pipeline.received(FAILED + OK, 0)
    assert outcome(a) == "unknown"
    assert pipeline.is_idle


def test_a_refused_event_does_not_go_behind_one_of_which_nobody_knows() -> None:
    a, b, c, d = keyed("a"), keyed("b"), keyed("c"), keyed("d")
    pipeline = proven(a, b, c, d)
    assert pipeline.received(BUSY + FAILED, 0)
    assert outcome(a) == "refused"
    assert pipeline.received(BUSY, 0)
    pipeline.lost("reset", 0)
    assert outcome(c) == "refused"
    pipeline.opened(1)
    assert send(pipeline, 1) == b"b"
    assert pipeline.received(OK, 1)
    assert send(pipeline, 1) == b"d"


@pytest.mark.parametrize(
    "refusal",
    [BUSY, answer(503, REFUSED), answer(408, REFUSED), FAILED],
    ids=["BUSY", "BUSY for good", "408", "FAILED"],
)
def test_a_refusal_of_what_is_in_doubt_does_not_end_the_doubt(refusal: bytes) -> None:
    a = keyed("a")
    pipeline = proven(a)
    pipeline.lost("reset", 0)
    pipeline.opened(0)
    now = 0.0
    while not a.future.done():
        assert send(pipeline, now) == b"a"
        assert pipeline.received(refusal, now)
        now += 1
    assert outcome(a) == "unknown"


def test_a_refusal_of_what_is_in_doubt_behind_which_another_got_through_does_not_either() -> None:
    first, a, b = keyed("x", "t"), keyed("a"), keyed("b")
    pipeline = proven(first, a, b)
    pipeline.lost("reset", 0)
    pipeline.opened(0)
    assert send(pipeline, 0) == b"x"
    assert pipeline.received(OK, 0)
    assert send(pipeline, 0) == b"ab"
    assert pipeline.received(BUSY + OK, 0)
    assert (outcome(a), status(b)) == ("unknown", 200)


def test_a_refusal_for_good_is_an_answer_whatever_the_doubt() -> None:
    a = keyed("a")
    pipeline = proven(a)
    pipeline.lost("reset", 0)
    pipeline.opened(0)
    assert send(pipeline, 0) == b"a"
    assert pipeline.received(answer(409, {}), 0)
    assert status(a) == 409


def test_nothing_is_sent_again_when_the_gateway_may_have_forgotten_its_key() -> None:
    a, b = keyed("a"), keyed("b")
    pipeline = proven(a, retry_for=1000)
    pipeline.lost("reset", 1)
    add(pipeline, b, now=100)
    for now in (2, 50, KEY_SECONDS_MAX - 1):
        pipeline.opened(now)
        assert send(pipeline, now) == b"a"
        pipeline.lost("reset", now)
    assert pipeline.deadline(KEY_SECONDS_MAX - 0.1) == KEY_SECONDS_MAX
    pipeline.expire(KEY_SECONDS_MAX - 0.1)
    assert not a.future.done()
    pipeline.opened(KEY_SECONDS_MAX)
    assert send(pipeline, KEY_SECONDS_MAX) == b"b"
    assert outcome(a) == "unknown"


def test_a_repetition_that_is_not_answered_before_its_key_is_old_is_given_up() -> None:
    a = keyed("a")
    pipeline = proven(a, retry_for=1000)
    pipeline.lost("reset", 1)
    pipeline.opened(KEY_SECONDS_MAX - 3)
    assert send(pipeline, KEY_SECONDS_MAX - 3) == b"a"
    assert pipeline.deadline(KEY_SECONDS_MAX - 3) == KEY_SECONDS_MAX
    assert pipeline.expire(KEY_SECONDS_MAX)
    assert outcome(a) == "unknown"


def test_a_first_sending_has_no_key_to_grow_old() -> None:
    a = keyed("a")
    pipeline = make(retry_for=1000)
    add(pipeline, a)
    pipeline.not_connected("refused", 0)
    pipeline.opened(900)
    assert send(pipeline, 900) == b"a"
    pipeline.lost("reset", 900)
    pipeline.opened(901)
    assert send(pipeline, 901) == b"a"


def test_nothing_is_sent_again_into_a_session_that_may_have_ended_since() -> None:
    a, b, end, c = keyed("a"), keyed("b", "t"), ending("end"), keyed("c")
    pipeline = proven(a, b, end, c)
    pipeline.lost("reset", 0)
    assert (outcome(a), outcome(end)) == ("unknown", "unknown")
    pipeline.opened(0)
    assert send(pipeline, 0) == b"b"
    assert pipeline.received(OK, 0)
    assert send(pipeline, 0) == b"c"


def test_nothing_comes_back_into_a_session_that_may_have_ended_since() -> None:
    a, end = keyed("a"), ending("end")
    pipeline = proven(a, end)
    assert pipeline.received(FAILED, 0)
    pipeline.lost("reset", 0)
    assert (outcome(a), outcome(end)) == ("unknown", "unknown")
    assert pipeline.is_idle


def test_the_end_of_a_session_that_was_not_sent_whole_goes_behind_what_is_in_doubt() -> None:
    a, end = keyed("a"), ending("end")
    pipeline = proven()
    add(pipeline, a, end)
    assert pipeline.take(0) == b"aend"
    pipeline.sent(3)
    pipeline.lost("reset", 0)
    pipeline.opened(0)
    assert send(pipeline, 0) == b"a"
    assert pipeline.received(OK, 0)
    assert send(pipeline, 0) == b"end"
