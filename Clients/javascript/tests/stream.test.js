import assert from "node:assert/strict";
import { test } from "node:test";

import { parseId, parseMessage, Stream } from "../src/stream.js";
import { candle, conflated, connected, EPOCH, failed, heartbeat, id, lost, OTHER_EPOCH, recovered } from "./messages.js";

/** What a stream says to the messages, in short: "candle 5", "lost 2..4", "gap 1|3", … */
function told(stream, ...messages) {
    const short = (text) => (text === null ? "?" : text.replace(`${EPOCH}-`, "").replace(`${OTHER_EPOCH}-`, "other "));
    return messages.flatMap((message) => stream.receive(message)).map((outcome) => {
        if (outcome.do !== "emit") return outcome.do;
        const { name, detail } = outcome;
        if (name === "event") return short(detail.id);
        if (name === "lost") return `lost ${short(detail.firstId)}..${short(detail.lastId)}`;
        if (name === "gap") return `gap ${short(detail.after)}|${short(detail.before)}`;
        return name;
    });
}

const live = (options = {}) => new Stream({ join: "live", ...options });

// Replaying

test("a replay is asked for again after a cut, at the speed it has then", () => {
    const stream = new Stream({ replay: "10x", types: ["candle"] });
    assert.deepEqual(stream.query(), [["types", "candle"], ["replay", "10x"]]);
    assert.deepEqual(told(stream, connected(9), candle(1)), ["connected", "ping", "1"]);
    const ack = { type: "command_ack", data: { action: "speed", ref: "r", state: "playing", speed: "max" } };
    assert.deepEqual(stream.receive(ack), [{ do: "answer", ref: "r", data: ack.data }]);
    assert.deepEqual(stream.query(), [["last_event_id", id(1)], ["types", "candle"], ["replay", "max"]]);
});

test("after a seek events come again, and are held against each other from there", () => {
    const stream = new Stream({ replay: "max" });
    const seek = (sequence) => ({ type: "command_ack", data: { action: "seek", ref: "r", speed: "max", from: id(sequence) } });
    assert.deepEqual(told(stream, connected(9), candle(1), candle(2), candle(3)), ["connected", "ping", "1", "2", "3"]);
    assert.deepEqual(told(stream, seek(2), heartbeat(1, 3), candle(2), candle(3)), ["answer", "heartbeat", "2", "3"]);
    assert.deepEqual(told(stream, seek(1), candle(1)), ["answer", "1"]);
    assert.deepEqual(told(stream, seek(7), candle(7), heartbeat(7, 7), candle(9)), ["answer", "7", "heartbeat", "gap 7|9", "restart"]);
    assert.deepEqual(stream.query(), [["last_event_id", id(7)], ["replay", "max"]]);
});

test("where nothing is replayed an ack is the engine's, whatever it says", () => {
    const ack = { type: "command_ack", data: { action: "seek", ref: "r", speed: "2x", from: id(1) } };
    const stream = live();
    assert.deepEqual(told(stream, connected(4), candle(5), ack, candle(6)), ["connected", "5", "answer", "6"]);
    assert.deepEqual(stream.query(), [["last_event_id", id(6)]]);
});

// Ids and messages

test("an id is an epoch and a sequence, and anything else is none", () => {
    assert.deepEqual(parseId(id(42)), { epoch: EPOCH, sequence: 42 });
    const places = ["", "-0", "-01", "-1 ", "--1", "-9007199254740993"].map((place) => EPOCH + place);
    for (const text of [...places, "short-1", 42, null, undefined]) {
        assert.equal(parseId(text), null, String(text));
    }
});

test("a message is an object with a type and data, and an id that is one", () => {
    assert.deepEqual(parseMessage(JSON.stringify(candle(1))), candle(1));
    const objects = ['{"type":"a"}', '{"type":1,"data":{}}', '{"type":"a","data":null}', '{"id":"x","type":"a","data":{}}'];
    for (const text of [...objects, "", "[]", "null", "1", "{", new ArrayBuffer(1)]) assert.equal(parseMessage(text), null, String(text));
});

// In order, once

test("events that follow each other are handed out", () => {
    assert.deepEqual(told(live(), connected(4), candle(5), candle(6), candle(7)), ["connected", "5", "6", "7"]);
});

test("a stream that was empty begins with 1", () => {
    assert.deepEqual(told(live(), connected(), candle(1), candle(2)), ["connected", "1", "2"]);
});

test("an event that is here already is not handed out again", () => {
    assert.deepEqual(told(live(), connected(4), candle(5), candle(5), candle(4), candle(6)), ["connected", "5", "6"]);
});

test("a hole that nobody announced is a gap, and is left by another connection", () => {
    const stream = live();
    assert.deepEqual(told(stream, connected(4), candle(5), candle(7)), ["connected", "5", "gap 5|7", "restart"]);
    assert.deepEqual(stream.query(), [["last_event_id", id(5)]]);
});

test("the first event after a live join is held against where the stream stood", () => {
    assert.deepEqual(told(live(), connected(4), candle(6)), ["connected", "gap 4|6", "restart"]);
});

test("an event of another epoch in the middle of a connection is a gap", () => {
    assert.deepEqual(told(live(), connected(4), candle(5, OTHER_EPOCH)), ["connected", "gap 4|other 5", "restart"]);
});

test("a stream that may begin anywhere is in order from its first event on", () => {
    for (const join of [null, "all", "10"]) {
        const stream = new Stream({ join });
        assert.deepEqual(told(stream, connected(9), candle(7), candle(8), candle(10)), ["connected", "ping", "7", "8", "gap 8|10", "restart"]);
    }
});

test("messages without an id are the connection's alone, whatever their type", () => {
    const own = { type: "notice", data: { text: "for you" } };
    const strange = { type: "heartbeat", data: { mine: true } };
    const error = { type: "error", data: { text: "the engine's own form" } };
    assert.deepEqual(told(live(), connected(4), own, strange, error, candle(5)), ["connected", "direct", "direct", "direct", "5"]);
});

test("a stream's event may have any type, also one that the gateway uses", () => {
    const stream = live();
    stream.receive(connected(4));
    for (const [n, type] of ["error", "heartbeat", "command_ack"].entries()) {
        assert.deepEqual(stream.receive({ ...candle(5 + n), type }), [{ do: "emit", name: "event", detail: { ...candle(5 + n), type } }]);
    }
});

// Coming back

test("the query says what is here: the id, else the first join", () => {
    assert.deepEqual(new Stream().query(), []);
    assert.deepEqual(new Stream({ join: "10", types: ["a", "b"] }).query(), [["join", "10"], ["types", "a,b"]]);
    assert.deepEqual(new Stream({ join: "all", lastEventId: id(7) }).query(), [["last_event_id", id(7)]]);
});

test("a stream goes on behind the last id, over any number of connections", () => {
    const stream = live();
    told(stream, connected(4), candle(5));
    assert.deepEqual(told(stream, connected(7, recovered(5)), candle(6)), ["connected", "6"]);
    assert.deepEqual(told(stream, connected(7, recovered(6)), candle(6), candle(7), candle(9)), ["connected", "7", "gap 7|9", "restart"]);
});

test("who joined live and had no event yet comes back to where it joined", () => {
    const stream = live();
    told(stream, connected(4));
    assert.deepEqual(stream.query(), [["last_event_id", id(4)]]);
});

test("who joined an empty stream comes back for all of it", () => {
    for (const join of ["live", "all", "5", null]) {
        const stream = new Stream({ join });
        told(stream, connected());
        assert.deepEqual(stream.query(), [["join", "all"]]);
        assert.deepEqual(told(stream, connected(3), candle(1), candle(2)), ["connected", "1", "2"]);
    }
});

test("what is kept no more of a stream that was empty is lost", () => {
    const stream = live();
    told(stream, connected());
    assert.deepEqual(told(stream, connected(8), candle(5), candle(6)), ["connected", "lost 1..4", "5", "6"]);
});

test("a heartbeat settles where a stream stands that may begin anywhere", () => {
    const stream = new Stream();
    assert.deepEqual(told(stream, connected(9), heartbeat(9, 0)), ["connected", "ping", "heartbeat"]);
    assert.deepEqual(stream.query(), [["last_event_id", id(9)]]);
    assert.deepEqual(told(stream, candle(11)), ["gap 9|11", "restart"]);
});

// What is lost is said

const resumes = [
    ["events behind it are kept no more", connected(20, failed(id(5), 11)), "lost 6..10", 11],
    ["nothing is kept", connected(20, failed(id(5), null)), "lost 6..20", 21],
    ["another epoch, kept from its start", connected(3, failed(id(5), 1, OTHER_EPOCH), OTHER_EPOCH), "lost ?..?", 1],
    ["another epoch, kept in part", connected(9, failed(id(5), 4, OTHER_EPOCH), OTHER_EPOCH), "lost ?..other 3", 4],
    ["another epoch, nothing kept", connected(9, failed(id(5), null), OTHER_EPOCH), "lost ?..other 9", 10],
    ["an empty stream", connected(null, failed(id(5), null)), "lost ?..?", 1],
];

for (const [what, first, announced, next] of resumes) {
    test(`a resume that fails says what is known to be lost: ${what}`, () => {
        const stream = new Stream({ lastEventId: id(5) });
        const epoch = first.data.epoch ?? OTHER_EPOCH;
        assert.deepEqual(told(stream, first).slice(0, 2), ["connected", announced]);
        assert.deepEqual(told(stream, candle(next, epoch)), [`${epoch === EPOCH ? "" : "other "}${next}`]);
    });
}

test("a gateway that does not know the id begins at its oldest, but hands out nothing twice", () => {
    const stream = live();
    told(stream, connected(4), candle(5));
    assert.deepEqual(told(stream, connected(3, failed(id(5), 2)), candle(2), candle(3)), ["connected", "lost ?..?"]);
    const again = live();
    told(again, connected(4), candle(5), candle(6));
    assert.deepEqual(told(again, connected(5, failed(id(6), 5)), candle(5), candle(6), candle(7)), ["connected", "lost ?..?", "7"]);
});

test("a stream begun anew that is emptied before its first event begins at 1 again", () => {
    const stream = new Stream({ lastEventId: id(5) });
    told(stream, connected(3, failed(id(5), 1, OTHER_EPOCH), OTHER_EPOCH));
    assert.deepEqual(stream.query(), [["join", "all"]]);
    assert.deepEqual(told(stream, connected(2), candle(1), candle(2)), ["connected", "lost ?..?", "1", "2"]);
});

test("what a connection falls behind is lost with its ids, and is no gap", () => {
    const stream = live();
    assert.deepEqual(told(stream, connected(4), candle(5), lost(6, 9)), ["connected", "5", "lost 6..9"]);
    assert.deepEqual(stream.lastEventId, id(9));
    assert.deepEqual(told(stream, candle(10)), ["10"]);
});

test("what is here already is not said to be lost", () => {
    assert.deepEqual(told(live(), connected(4), candle(5), lost(3, 5), lost(4, 7), candle(8)), ["connected", "5", "lost 6..7", "8"]);
});

test("a hole before what is announced as lost is still a gap", () => {
    assert.deepEqual(told(live(), connected(4), candle(5), lost(7, 9), candle(10)), ["connected", "5", "lost 7..9", "gap 5|10", "restart"]);
});

test("what is left out on purpose is no gap, whether it is announced in one piece or in several", () => {
    assert.deepEqual(told(live(), connected(4), conflated([5, 6]), candle(7)), ["connected", "conflated", "7"]);
    assert.deepEqual(told(live(), connected(4), conflated([5, 5], [7, 8]), candle(6), candle(9)), ["connected", "conflated", "6", "9"]);
    assert.deepEqual(told(live(), connected(4), conflated([5, 5]), candle(7)), ["connected", "conflated", "gap 5|7", "restart"]);
});

test("announcements that cannot be read are errors, and announce nothing", () => {
    const bad = [{ type: "lost", data: {} }, { type: "conflated", data: {} }, { type: "conflated", data: { ranges: [["x", "y"]] } }];
    assert.deepEqual(told(live(), connected(4), ...bad, candle(5)), ["connected", "error", "error", "error", "5"]);
});

test("an announcement of another epoch is a gap", () => {
    assert.deepEqual(told(live(), connected(4), lost(5, 6, OTHER_EPOCH)), ["connected", "gap 4|other 5", "restart"]);
});

// Heartbeats

test("a heartbeat that counts as we do is well", () => {
    assert.deepEqual(told(live(), connected(4), heartbeat(4, 0), candle(5), heartbeat(5, 1)), ["connected", "heartbeat", "5", "heartbeat"]);
    assert.deepEqual(told(live(), connected(), heartbeat(null, 0)), ["connected", "heartbeat"]);
});

test("a heartbeat that has more than we got finds a gap at the end", () => {
    assert.deepEqual(told(live(), connected(4), candle(5), heartbeat(6, 1)), ["connected", "5", "gap 5|6", "restart"]);
    assert.deepEqual(told(live(), connected(4), candle(5), heartbeat(5, 2)), ["connected", "5", "gap 5|5", "restart"]);
});

test("the gateway's count begins anew with each connection", () => {
    const stream = live();
    told(stream, connected(4), candle(5));
    assert.deepEqual(told(stream, connected(6, recovered(5)), candle(6), heartbeat(6, 1)), ["connected", "6", "heartbeat"]);
});

test("what a stream that was empty lost is known by the heartbeat where nothing is kept", () => {
    const stream = live();
    told(stream, connected());
    assert.deepEqual(told(stream, connected(3), heartbeat(3, 0), candle(4)), ["connected", "heartbeat", "lost 1..3", "4"]);
});

// Filtered by type

test("a filter's holes are no gaps, its repeats are", () => {
    assert.deepEqual(told(live({ types: ["candle"] }), connected(4), candle(7), candle(12), candle(12)), ["connected", "7", "12"]);
});

test("a filter's position moves with the heartbeats and the losses", () => {
    const stream = live({ types: ["candle"] });
    told(stream, connected(4), candle(7), heartbeat(50, 1));
    assert.equal(stream.lastEventId, id(50));
    assert.deepEqual(told(stream, lost(60, 70)), ["lost 60..70"]);
    assert.equal(stream.lastEventId, id(70));
});

test("a filter's count is the proof that nothing is missing", () => {
    assert.deepEqual(told(live({ types: ["candle"] }), connected(4), candle(7), heartbeat(50, 2)), ["connected", "7", "gap 7|50", "restart"]);
});

test("events between others that a filter's connection leaves out on purpose do not hold back those that come", () => {
    assert.deepEqual(told(live({ types: ["candle"] }), connected(4), conflated([5, 5], [9, 9]), candle(7)), ["connected", "conflated", "7"]);
});

// Commands

test("an answer and a refusal go to the command they name", () => {
    const stream = live();
    const ack = { ref: "r1", done: true };
    assert.deepEqual(stream.receive({ type: "command_ack", data: ack }), [{ do: "answer", ref: "r1", data: ack }]);
    const details = { action: "pause", ref: "r2" };
    const refusal = { type: "error", data: { error_code: "NO_ENGINE", message: "nobody", details } };
    assert.deepEqual(stream.receive(refusal), [{ do: "refuse", ref: "r2", error: { code: "NO_ENGINE", message: "nobody", details } }]);
});
