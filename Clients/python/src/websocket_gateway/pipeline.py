"""Which request goes when, which answer is whose, and what may be sent again. Knows no socket, thread or clock.

Flow: manager → transport → **Pipeline** ⇄ socket

An event must be published once and in its order. A publish to a session or to all is `keyed`: it carries an
`Idempotency-Key`, by which the gateway knows it when it comes again, publishes nothing and gives the first answer. So
it is sent again, with the same key, until it is answered or the time is over. To a gateway that takes no keys none is
sent. Such publishes, and whatever else is not `repeatable` (as GET, PUT and closing a connection are), are sent again
only where it is certain that the gateway did nothing with them:

1. no connection was made;
2. the connection ended before the last byte of the request was handed to the kernel: a request that is not whole is
   not processed;
3. an answer to an earlier request said `Connection: close`: what was pipelined behind it is not processed (RFC 9112
   §9.6);
4. the answer was 503 with a Retry-After within the time there is, and no `outcome` but "refused": nothing was done.

The usual doubt of keep-alive, a peer that closes an idle connection just when it is used, is kept from arising by the
transport: it looks for the peer's end before it sends on an idle connection, and leaves one itself long before the
gateway would.

What was sent whole, and lost its answer with the connection or got a 503 with another `outcome`, is in doubt:

- without a key it ends as GatewayUnavailable with the outcome "unknown";
- with one it is sent again until the gateway has been out of reach for `retry_for` seconds, but never later than
  `KEY_SECONDS_MAX` after it was first sent, when the gateway may have forgotten the key. Then its outcome is "unknown"
  as well, also where the last answer was a refusal: an earlier sending may have been done all the same.

Order holds through all this. What is sent again goes in front, in its order, the first one alone. A gateway processes
the requests of a connection in their order; so of two publishes in doubt the later one was not done without the earlier
one, and it does not matter which connection brought each first, nor that the gateway may still read the old one when
the new one stands. Two things would break that:

- A refusal (503) of one while a later one of the same session was under way, and got or may have got through: it is not
  sent again, it would come after it. (Where the refusal is lost as well, nobody here knows; a gateway that refuses one
  publish of a session and takes the next, and loses its connection before it has said so, can reorder those two.)
- The end of the session (`forgets_keys`), in doubt behind a publish in doubt: the keys went with the session, and the
  event would come into its successor. Both end as "unknown". (A broadcast's key goes with no session.)
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Optional

from .answers import Answer, AnswerParser, BadAnswer
from .errors import OUTCOME_NOT_SENT, OUTCOME_REFUSED, OUTCOME_UNKNOWN, GatewayUnavailable

IN_FLIGHT_MAX = 128
UNSENT_BYTES_MAX = 256 * 1024
"""How far sending runs ahead; the rest waits where it can still be cancelled, and sent again without a doubt."""

KEY_SECONDS_MAX = 240.0
"""The gateway remembers a key for 300 s. The rest is for bytes that are still on their way when they are given up."""

BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 1.0

EVERY_SESSION = "*"
"""The `order` of a broadcast: it enters every session's stream."""


@dataclass(eq=False)
class Request:
    """One request, from its call to its answer."""

    wire: bytes
    order: Optional[str] = None
    """The session an event goes to. Events with the same one must not overtake each other; None for anything else."""
    repeatable: bool = False
    """Doing it twice is doing it once."""
    keyed: bool = False
    """The gateway does it once, however often it gets it, as long as it remembers the key."""
    forgets_keys: bool = False
    """It ends the session named by `order`, and the memory of that session's keys."""
    future: Future[Answer] = field(default_factory=Future)

    # Pipeline's own:
    accepted_at: float = 0
    taken_at: float = 0
    end: int = 0
    refused_at: Optional[float] = None
    refusal: Optional[Answer] = None
    """The last 503, where it was to come back."""
    key_ends_at: Optional[float] = None
    """It may have been done; from here on the gateway may not know."""
    started: bool = False

    def start(self) -> bool:
        """False if the caller has given up meanwhile; from here on it is too late to."""
        if not self.started:
            self.started = self.future.set_running_or_notify_cancel()
        return self.started

    @property
    def is_in_doubt(self) -> bool:
        return self.key_ends_at is not None

    def doubt(self) -> None:
        """From here on it may have been done."""
        if self.key_ends_at is None:
            self.key_ends_at = self.taken_at + KEY_SECONDS_MAX

    def fail(self, error: Exception) -> None:
        if self.start():
            self.future.set_exception(error)

    def is_overtaken_by(self, other: Request) -> bool:
        if self.order is None or other.order is None:
            return False
        return self.order == other.order or EVERY_SESSION in (self.order, other.order)


class Pipeline:
    """Times are seconds of any clock that only goes forward; the caller brings them along."""

    def __init__(self, retry_for: float, timeout: float, jitter: Callable[[], float] = random.random) -> None:
        self.retry_for = retry_for
        self.timeout = timeout
        self._jitter = jitter
        self._waiting: deque[Request] = deque()
        self._in_flight: deque[Request] = deque()
        self._refused: list[Request] = []
        self._parser = AnswerParser()
        self._taken_total = 0
        self._sent_total = 0
        self._progress_at = 0.0
        self._proven = False  # this connection has answered: more than one request may be under way
        self._outage_since: Optional[float] = None
        self._outage_reason = ""
        self._failures = 0
        self._resume_at = 0.0

    # What the transport asks

    @property
    def is_idle(self) -> bool:
        """Nothing to send and nothing to wait for."""
        return not (self._waiting or self._in_flight or self._refused)

    @property
    def awaits_answers(self) -> bool:
        return bool(self._in_flight)

    def may_send(self, now: float) -> bool:
        """There is something to send, and no reason to hold it back."""
        return bool(self._waiting) and not self._refused and now >= self._resume_at

    def deadline(self, now: float) -> Optional[float]:
        """When to call `expire` (or `take`, or connect) again if nothing else happens before."""
        times: list[float] = []
        if self._in_flight:
            times.append(self._answer_due_at())
        if self._waiting:
            if now < self._resume_at and not self._refused:
                times.append(self._resume_at)
            gives_up_at = self._gives_up_at(self._waiting[0])
            if gives_up_at is not None:
                times.append(gives_up_at)
        return min(times) if times else None

    # What happens

    def add(self, request: Request, now: float) -> None:
        """A call was made."""
        request.accepted_at = now
        self._waiting.append(request)

    def opened(self, now: float) -> None:
        """A new connection stands."""
        self._parser = AnswerParser()
        self._taken_total = self._sent_total = 0
        self._progress_at = now
        self._proven = False

    def take(self, now: float) -> bytes:
        """The bytes to send next; with them their requests count as under way."""
        if not self.may_send(now):
            return b""
        # After a new connection or a refusal one request goes ahead alone: if the gateway does not want it, nothing
        # that belongs behind it is already there.
        in_flight_max = IN_FLIGHT_MAX if self._proven else 1
        wires: list[bytes] = []
        while (
            self._waiting
            and len(self._in_flight) < in_flight_max
            and self._taken_total - self._sent_total < UNSENT_BYTES_MAX
        ):
            request = self._waiting.popleft()
            if request.key_ends_at is not None and now >= request.key_ends_at:
                self._give_up(request)
            elif request.start():
                self._taken_total += len(request.wire)
                request.end = self._taken_total
                request.taken_at = now
                self._in_flight.append(request)
                wires.append(request.wire)
        return b"".join(wires)

    def sent(self, count: int) -> None:
        """The kernel took so many of the bytes."""
        self._sent_total += count

    def received(self, data: bytes, now: float) -> bool:
        """Bytes came. False: the connection is of no further use; everything is settled, just close it."""
        try:
            answers = self._parser.feed(data)
        except BadAnswer as error:
            self.lost(f"the gateway's answer is not understood: {error}", now)
            return False
        for answer in answers:
            if not self._in_flight:  # nobody asked: a 408 on its way out
                self._requeue([])
                return False
            request = self._in_flight.popleft()
            self._progress_at = now
            self._settle(request, answer, now)
            if answer.closes:
                self._requeue(list(self._in_flight))
                self._in_flight.clear()
                return False
            if request.end > self._sent_total:  # refused before it was all there: what follows would be misread
                self.lost("the gateway answered before the request was whole", now)
                return False
        self._release_refused()
        return True

    def lost(self, reason: str, now: float, since: Optional[float] = None) -> None:
        """The connection is gone, with whatever was under way on it; it was of use until `since`."""
        again: list[Request] = []
        if self._in_flight:
            # A time-out may use up all the time there is; what has a key, and who waits behind it, gets another try.
            tries_again = any(one.keyed for one in self._in_flight)
            self._begin_outage(reason, now, now if tries_again else since)
        for request in self._in_flight:
            if request.repeatable or request.end > self._sent_total:
                again.append(request)
                continue
            self._fail_overtaken(request, perhaps=True)
            if request.forgets_keys:
                again = self._without_forgotten(again, request)
            if request.keyed:
                request.doubt()
                again.append(request)
            else:
                request.fail(GatewayUnavailable(f"no answer from the gateway: {reason}", OUTCOME_UNKNOWN))
        self._in_flight.clear()
        self._requeue(again)

    def not_connected(self, reason: str, now: float) -> None:
        """An attempt to connect failed."""
        self._begin_outage(reason, now)

    def expire(self, now: float) -> bool:
        """Gives up what has waited too long. True: the connection is of no further use, close it."""
        overdue = False
        if self._in_flight and now >= self._answer_due_at():
            overdue = True
            self.lost(f"none came within {self.timeout:g} s", now, self._answer_due_at() - self.timeout)
        while self._waiting:
            gives_up_at = self._gives_up_at(self._waiting[0])
            if gives_up_at is None or now < gives_up_at:
                break
            self._give_up(self._waiting.popleft())
        return overdue

    def abandon(self, error: Exception) -> None:
        """Fails everything: the transport itself broke."""
        for request in [*self._refused, *self._in_flight, *self._waiting]:
            request.fail(error)
        self._refused.clear()
        self._in_flight.clear()
        self._waiting.clear()

    # How it is decided

    def _settle(self, request: Request, answer: Answer, now: float) -> None:
        if answer.status == 503:
            if answer.leaves_doubt:
                self._fail_overtaken(request, perhaps=True)
                if request.keyed:
                    request.doubt()
            if self._may_come_back(request, answer, now):
                self._refused.append(request)
                return
        else:
            self._outage_since = None
            self._failures = 0
            self._proven = True
            if not 400 <= answer.status < 500:  # taken, or, by a gateway that fails, perhaps
                self._fail_overtaken(request)
        if answer.status in (408, 503) and request.is_in_doubt:
            code, message, _ = answer.error()
            request.fail(GatewayUnavailable(f"{answer.status} {code}: {message}", OUTCOME_UNKNOWN))
        else:
            request.future.set_result(answer)

    def _fail_overtaken(self, by: Request, perhaps: bool = False) -> None:
        """`by` was taken. If only `perhaps`, then not without what is in doubt itself and stood before it."""
        for refused in [one for one in self._refused if one.is_overtaken_by(by)]:
            in_doubt = refused.refusal is not None and refused.refusal.leaves_doubt
            if perhaps and in_doubt and not by.forgets_keys:
                continue
            self._refused.remove(refused)
            refused.fail(
                GatewayUnavailable(
                    "the gateway answered 503 to this event and took, or may have taken, a later one of its session, "
                    "so it was not sent again: it would be out of order",
                    OUTCOME_REFUSED if not refused.is_in_doubt else OUTCOME_UNKNOWN,
                )
            )

    def _without_forgotten(self, again: list[Request], by: Request) -> list[Request]:
        forgotten = [one for one in again if one.keyed and one.order == by.order]
        for one in forgotten:
            one.fail(
                GatewayUnavailable(
                    "no answer from the gateway; the session may have ended since, so it was not sent again",
                    OUTCOME_UNKNOWN,
                )
            )
        return [one for one in again if one not in forgotten]

    def _may_come_back(self, request: Request, answer: Answer, now: float) -> bool:
        self._proven = False
        seconds = answer.retry_after_seconds
        if seconds is None or (answer.leaves_doubt and not (request.keyed or request.repeatable)):
            return False
        if request.refused_at is None:
            request.refused_at = now
        resume_at = now + max(seconds, BACKOFF_SECONDS_MIN)
        if resume_at >= request.refused_at + self.retry_for:
            return False
        request.refusal = answer
        self._resume_at = max(self._resume_at, resume_at)
        if self._outage_since is None:
            self._outage_since = now
        self._outage_reason = "the gateway refuses (503)"
        return True

    def _begin_outage(self, reason: str, now: float, since: Optional[float] = None) -> None:
        if self._outage_since is None:
            self._outage_since = now if since is None else since
        self._outage_reason = reason
        # The first new attempt is made at once: most losses are a gateway that was replaced.
        if self._failures > 0:
            backoff = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2 ** min(self._failures - 1, 10))
            self._resume_at = max(self._resume_at, now + backoff * (0.5 + 0.5 * self._jitter()))
        self._failures += 1

    def _requeue(self, requests: list[Request]) -> None:
        self._waiting.extendleft(reversed([*self._refused, *requests]))
        self._refused.clear()

    def _release_refused(self) -> None:
        if self._refused and not self._in_flight:
            self._requeue([])

    def _answer_due_at(self) -> float:
        request = self._in_flight[0]
        due_at = max(self._progress_at, request.taken_at) + self.timeout
        return due_at if request.key_ends_at is None else min(due_at, request.key_ends_at)

    def _gives_up_at(self, request: Request) -> Optional[float]:
        times: list[float] = []
        if self._outage_since is not None:
            times.append(max(request.accepted_at, self._outage_since) + self.retry_for)
        if request.refused_at is not None:
            times.append(request.refused_at + self.retry_for)
        if request.key_ends_at is not None:
            times.append(request.key_ends_at)
        return min(times) if times else None

    def _give_up(self, request: Request) -> None:
        if request.is_in_doubt:
            reason = self._outage_reason or "its key is too old"
            message = f"no answer from the gateway to the publish, nor to its repetitions: {reason}"
            request.fail(GatewayUnavailable(message, OUTCOME_UNKNOWN))
            return
        if request.refusal is not None:
            if request.start():
                request.future.set_result(request.refusal)
            return
        reason = self._outage_reason or "no connection"
        message = f"the gateway was not reached for {self.retry_for:g} s: {reason}"
        request.fail(GatewayUnavailable(message, OUTCOME_NOT_SENT))
