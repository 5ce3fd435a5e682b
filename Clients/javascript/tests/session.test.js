import assert from "node:assert/strict";
import { test } from "node:test";

import { CommandError, DEFAULTS, Session } from "../src/session.js";
import { Clock, fakeWebSocket } from "./fakes.js";
import { candle, connected, failed, heartbeat, id, recovered } from "./messages.js";

const URL_OF_SESSION = "ws://127.0.0.1:8080/ws/backtest/s1";
const NAMES = ["event", "direct", "connected", "lost", "conflated", "gap", "state", "error"];

/** A session with a clock and sockets of the test's own; `told` is what the application heard. */
function follow(options = {}, url = URL_OF_SESSION) {
    const clock = new Clock();
    const { FakeWebSocket, sockets } = fakeWebSocket();
    const session = new Session(url, { join: "live", WebSocket: FakeWebSocket, timers: clock, random: () => 1, ...options });
    const told = [];
    for (const name of NAMES) session.addEventListener(name, ({ detail }) => told.push([name, detail]));
    const of = (name) => told.filter(([one]) => one === name).map(([, detail]) => detail);
    return { session, clock, sockets, of, get socket() { return sockets.at(-1); } };
}

const query = (socket) => Object.fromEntries(new URL(socket.url).searchParams);

// Connecting

test("it connects at once, offers wsg.v1, and asks for what the options say", () => {
    const { sockets, session } = follow({ join: 10, types: ["candle", "error"], token: "a b+c&d" });
    assert.equal(sockets.length, 1);
    assert.deepEqual(sockets[0].protocols, ["wsg.v1"]);
    assert.ok(sockets[0].url.startsWith(`${URL_OF_SESSION}?join=10&types=candle%2Cerror&token=a%20b%2Bc%26d`), sockets[0].url);
    assert.equal(session.state, "connecting");
});

test("a URL keeps the parameters it has", () => {
    assert.equal(follow({}, `${URL_OF_SESSION}?x=%20y`).sockets[0].url, `${URL_OF_SESSION}?x=%20y&join=live`);
});

test("a replay is asked for", () => {
    for (const replay of ["0.5x", "1x", "2.25x", "100x", "max"]) {
        assert.deepEqual(query(follow({ replay, join: null }).socket), { replay });
    }
});

test("an id of an earlier session is gone on from", () => {
    assert.deepEqual(query(follow({ lastEventId: id(7) }).socket), { last_event_id: id(7) });
});

test("what no gateway would accept is thrown, because a browser could not tell the refusal from a network that is down", () => {
    const { FakeWebSocket } = fakeWebSocket();
    for (const [url, options] of [
        ["nonsense", {}],
        ["https://host/ws/backtest/s1", {}],
        [`${URL_OF_SESSION}?join=all`, {}],
        [`${URL_OF_SESSION}?last_event_id=${id(1)}`, {}],
        [URL_OF_SESSION, { join: "some" }],
        [URL_OF_SESSION, { join: 0 }],
        [URL_OF_SESSION, { join: 1.5 }],
        [URL_OF_SESSION, { join: 10_000_001 }],
        [URL_OF_SESSION, { types: [] }],
        [URL_OF_SESSION, { types: "candle" }],
        [URL_OF_SESSION, { types: ["Candle"] }],
        [URL_OF_SESSION, { types: Array(65).fill("a") }],
        [URL_OF_SESSION, { lastEventId: "42" }],
        [`${URL_OF_SESSION}?replay=1x`, {}],
        [URL_OF_SESSION, { replay: "" }],
        [URL_OF_SESSION, { replay: "fast" }],
        [URL_OF_SESSION, { replay: "0.4x" }],
        [URL_OF_SESSION, { replay: "101x" }],
        [URL_OF_SESSION, { replay: "1" }],
        [URL_OF_SESSION, { replay: "1.2345x" }],
        [URL_OF_SESSION, { replay: "-1x" }],
        [URL_OF_SESSION, { replay: 10 }],
        [URL_OF_SESSION, { silenceMs: 0 }],
        [URL_OF_SESSION, { reconnectMaxMs: 2 ** 31 }],
        [URL_OF_SESSION, { commandTimeoutMs: NaN }],
    ]) {
        const isRefusal = (error) => error instanceof TypeError || error instanceof RangeError;
        assert.throws(() => new Session(url, { WebSocket: FakeWebSocket, ...options }), isRefusal, `${url} ${JSON.stringify(options)}`);
    }
});

test("it is open when the gateway has said so", () => {
    const { session, socket, of } = follow();
    socket.say(connected(4));
    assert.equal(session.state, "open");
    assert.deepEqual(of("state"), [{ state: "open" }]);
    assert.equal(of("connected")[0].last_id, id(4));
});

test("a session that may begin anywhere asks where it stands, and knows it if it is cut before its first event", () => {
    const { sockets, clock } = follow({ join: "all" });
    sockets[0].say(connected(4));
    assert.deepEqual(sockets[0].sent, [{ action: "ping" }]);
    sockets[0].say(heartbeat(4, 0));
    sockets[0].end(1006);
    clock.pass(DEFAULTS.reconnectMinMs);
    assert.deepEqual(query(sockets[1]), { last_event_id: id(4) });
});

// What the application hears

test("events, direct messages, losses and errors are told apart", () => {
    const { socket, of } = follow();
    const direct = { type: "notice", data: { a: 1 } };
    socket.say(connected(4), candle(5), direct, "no message", { type: "error", data: { error_code: "FORBIDDEN", message: "no", details: {} } });
    socket.say({ type: "lost", data: { first_id: id(6), last_id: id(8) } }, candle(9));
    assert.deepEqual(of("event"), [candle(5), candle(9)]);
    assert.deepEqual(of("direct"), [direct]);
    assert.deepEqual(of("error").map(({ code }) => code), ["UNREADABLE", "FORBIDDEN"]);
    assert.deepEqual(of("lost"), [{ after: id(5), firstId: id(6), lastId: id(8) }]);
});

// Coming back

test("a connection that is cut is resumed behind the last event, and nothing comes twice", () => {
    const { session, sockets, clock, of } = follow();
    sockets[0].say(connected(4), candle(5));
    sockets[0].end(1006, "");
    assert.equal(session.state, "waiting");
    assert.deepEqual(of("state").at(-1), { state: "waiting", code: 1006, reason: "", retryInMs: DEFAULTS.reconnectMinMs });
    clock.pass(DEFAULTS.reconnectMinMs - 1);
    assert.equal(sockets.length, 1);
    clock.pass(1);
    assert.deepEqual(query(sockets[1]), { last_event_id: id(5) });
    sockets[1].say(connected(6, recovered(5)), candle(6));
    assert.deepEqual(of("event").map((event) => event.id), [id(5), id(6)]);
});

test("a resume that fails tells what is lost after it is connected", () => {
    const { sockets, clock, of } = follow({ lastEventId: id(5) });
    sockets[0].say(connected(20, failed(id(5), 11)), candle(11));
    assert.deepEqual(of("lost"), [{ after: id(5), firstId: id(6), lastId: id(10) }]);
    assert.deepEqual(of("event"), [candle(11)]);
    assert.equal(clock.pending, 1, "only the watch over silence");
});

test("a gap that nobody announced is told, and the session comes back with the last good id", () => {
    const { sockets, clock, of } = follow();
    sockets[0].say(connected(4), candle(5), candle(7), candle(8));
    assert.deepEqual(of("gap"), [{ after: id(5), before: id(7) }]);
    assert.deepEqual(of("event"), [candle(5)]);
    assert.ok(sockets[0].closed);
    clock.pass(DEFAULTS.reconnectMinMs);
    assert.deepEqual(query(sockets[1]), { last_event_id: id(5) });
});

test("connections that bring nothing are tried later each time, whatever they say first", () => {
    const { sockets, clock, of } = follow();
    for (let n = 0; n < 4; n += 1) {
        sockets[n].say(connected(4));
        sockets[n].end(1011);
        clock.pass(DEFAULTS.reconnectMaxMs);
    }
    assert.deepEqual(of("state").filter(({ state }) => state === "waiting").map(({ retryInMs }) => retryInMs), [500, 1000, 2000, 4000]);
});

test("an event or a heartbeat makes the next close the first in a row", () => {
    for (const message of [candle(5), heartbeat(4, 0)]) {
        const { sockets, clock, of } = follow();
        sockets[0].end(1006);
        clock.pass(DEFAULTS.reconnectMaxMs);
        sockets[1].say(connected(4), message);
        sockets[1].end(1006);
        assert.equal(of("state").at(-1).retryInMs, DEFAULTS.reconnectMinMs);
    }
});

test("a gateway that drains is come back to when it said", () => {
    const { socket, of } = follow();
    socket.say(connected(4));
    socket.end(1012, "draining; retry-after-ms=2500");
    assert.equal(of("state").at(-1).retryInMs, 2500);
});

test("a socket that cannot connect, and does not close, is tried again", () => {
    const { sockets, clock, of } = follow();
    sockets[0].failWithoutClose();
    assert.deepEqual([of("state").at(-1).state, of("state").at(-1).code], ["waiting", 1006]);
    clock.pass(DEFAULTS.reconnectMinMs);
    assert.equal(sockets.length, 2);
});

test("a session that is over, or refused, is not come back to", () => {
    for (const code of [1000, 4401, 4403, 4404]) {
        const { session, sockets, clock, of } = follow();
        sockets[0].end(code, "why");
        clock.pass(10 * DEFAULTS.reconnectMaxMs);
        assert.equal(sockets.length, 1);
        assert.equal(session.state, "closed");
        assert.deepEqual(of("state"), [{ state: "closed", code, reason: "why" }]);
        assert.equal(clock.pending, 0);
    }
});

// Silence

test("a connection that is silent for too long is given up and resumed", () => {
    const { sockets, clock, of } = follow();
    sockets[0].say(connected(4), candle(5));
    clock.pass(DEFAULTS.silenceMs - 1);
    sockets[0].say(candle(6));
    clock.pass(DEFAULTS.silenceMs - 1);
    assert.equal(sockets[0].closed, null);
    clock.pass(1);
    assert.ok(sockets[0].closed);
    assert.deepEqual([of("state").at(-1).state, of("state").at(-1).code], ["waiting", 1006]);
    clock.pass(DEFAULTS.reconnectMinMs);
    assert.deepEqual(query(sockets[1]), { last_event_id: id(6) });
    // What a dead socket still says is not heard.
    sockets[0].say(candle(7));
    sockets[0].end(1000);
    assert.deepEqual(of("event"), [candle(5), candle(6)]);
});

test("an upgrade that is never answered is given up as well", () => {
    const { sockets, clock } = follow();
    clock.pass(DEFAULTS.silenceMs + DEFAULTS.reconnectMinMs);
    assert.equal(sockets.length, 2);
});

test("after a machine's sleep the connection is given up at the next look", () => {
    const { sockets, clock } = follow();
    sockets[0].say(connected(4));
    clock.pass(DEFAULTS.silenceMs - 10);
    sockets[0].say(candle(5));
    clock.jump(3_600_000);
    clock.pass(10);
    assert.ok(sockets[0].closed);
});

test("a clock that is set back gives nothing up", () => {
    const { sockets, clock } = follow();
    sockets[0].say(connected(4));
    clock.jump(-3_600_000);
    clock.pass(DEFAULTS.silenceMs);
    assert.equal(sockets[0].closed, null);
    clock.pass(DEFAULTS.silenceMs);
    assert.ok(sockets[0].closed);
});

// Commands

test("a command is answered by the ack with its ref", async () => {
    const { session, socket, clock } = follow();
    socket.say(connected(4));
    const [first, second] = [session.send("pause"), session.send("seek", { to: 7, ref: "mine", action: "other" })];
    const [pause, seek] = socket.sent;
    assert.deepEqual([pause.action, seek.action, seek.to], ["pause", "seek", 7]);
    assert.ok(pause.ref && seek.ref && pause.ref !== seek.ref && seek.ref !== "mine");
    socket.say({ type: "command_ack", data: { ref: seek.ref, at: 7 } }, { type: "command_ack", data: { ref: pause.ref } });
    assert.deepEqual([await first, await second], [{ ref: pause.ref }, { ref: seek.ref, at: 7 }]);
    assert.equal(clock.pending, 1, "only the watch over silence");
});

test("no two sessions name their commands alike", () => {
    const refs = [follow(), follow()].map(({ session, socket }) => {
        socket.say(connected(4));
        session.send("ping");
        return socket.sent[0].ref;
    });
    assert.notEqual(refs[0], refs[1]);
});

test("a command that is refused is rejected with the code and its details, and is no error of the session's", async () => {
    const { session, socket, of } = follow();
    socket.say(connected(4));
    const answer = session.send("pause");
    const details = { action: "pause", ref: socket.sent[0].ref };
    socket.say({ type: "error", data: { error_code: "NO_ENGINE", message: "no engine serves this session", details } });
    await assert.rejects(answer, (error) => error instanceof CommandError && error.code === "NO_ENGINE" && error.details.action === "pause");
    assert.deepEqual(of("error"), []);
});

test("a ping is answered by a heartbeat, in whatever case it is written", async () => {
    const { session, socket } = follow();
    socket.say(connected(4));
    const [ping, other] = [session.send("PING"), session.send("pause")];
    socket.say(heartbeat(4, 0));
    assert.equal((await ping).last_id, id(4));
    session.close();
    await assert.rejects(other, { code: "CONNECTION_LOST" });
});

test("a command without an answer times out, and its late answer is passed over", async () => {
    const { session, socket, clock, of } = follow();
    socket.say(connected(4));
    const answer = session.send("pause");
    clock.pass(DEFAULTS.commandTimeoutMs);
    await assert.rejects(answer, { code: "TIMEOUT" });
    socket.say({ type: "command_ack", data: { ref: socket.sent[0].ref } });
    assert.deepEqual(of("direct"), []);
});

test("commands that wait when the connection is lost are rejected, those without a connection are not sent", async () => {
    const { session, sockets, clock } = follow();
    await assert.rejects(session.send("pause"), { code: "NOT_CONNECTED" });
    sockets[0].say(connected(4));
    const answer = session.send("pause");
    sockets[0].end(1006);
    await assert.rejects(answer, { code: "CONNECTION_LOST" });
    await assert.rejects(session.send("pause"), { code: "NOT_CONNECTED" });
    clock.pass(DEFAULTS.commandTimeoutMs + DEFAULTS.reconnectMinMs);
    assert.deepEqual(sockets[1].sent, []);
});

test("a command that the gateway would refuse without naming it is not sent", async () => {
    const { session, socket } = follow();
    socket.say(connected(4));
    for (const [action, fields] of [["", {}], ["é".repeat(33), {}], [7, {}], ["a", { text: "x".repeat(65_536) }]]) {
        await assert.rejects(session.send(action, fields), { code: "INVALID_COMMAND" });
    }
    assert.deepEqual(socket.sent, []);
});

// The end

test("a session that is closed leaves, tells it once, and never comes back", () => {
    const { session, sockets, clock, of } = follow();
    sockets[0].say(connected(4));
    session.close();
    session.close();
    assert.deepEqual(sockets[0].closed, { code: 1000 });
    sockets[0].say(candle(5));
    sockets[0].end(1006);
    clock.pass(10 * DEFAULTS.silenceMs);
    assert.equal(sockets.length, 1);
    assert.equal(clock.pending, 0);
    assert.deepEqual(of("event"), []);
    assert.deepEqual(of("state").map(({ state }) => state), ["open", "closed"]);
});

test("a listener may close the session wherever it is told something", () => {
    for (const [name, messages, end] of [
        ["state", [connected(4), candle(5)]],
        ["connected", [connected(20, failed(id(3), 11)), candle(11)]],
        ["event", [connected(4), candle(5), candle(6)]],
        ["gap", [connected(4), candle(6)]],
        ["lost", [connected(20, failed(id(3), 11)), candle(11)]],
        ["state", [], 1006],
    ]) {
        const { session, sockets, clock, of } = follow({ lastEventId: name === "lost" || name === "connected" ? id(3) : null });
        session.addEventListener(name, () => session.close(), { once: true });
        sockets[0].say(...messages);
        if (end) sockets[0].end(end);
        clock.pass(10 * DEFAULTS.silenceMs);
        assert.equal(session.state, "closed");
        assert.deepEqual([sockets.length, clock.pending], [1, 0], name);
        assert.equal(of("event").length, name === "event" ? 1 : 0, name);
        if (name === "state") assert.deepEqual(of("connected"), []);
    }
});
