// Random histories against a model of the gateway: connections are cut, history is short, readers fall behind, policy leaves events out, sessions begin
// anew. Whatever happens, an event is handed out once and in order, and what is not handed out was said to be gone or left out.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseId, Stream } from "../src/stream.js";

const SEEDS = 1500;
const STEPS = 300;
/** By then every history has come to its end, with what was on its way. */
const STEPS_MAX = 20 * STEPS;

/** Random numbers in [0, 1), the same for the same seed. */
function randomFrom(seed) {
    let state = seed;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let bits = Math.imul(state ^ (state >>> 15), 1 | state);
        bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
        return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** One session as docs/PROTOCOL.md describes it: a stream, a history that is short, and one connection that reads at its own pace. */
class Gateway {
    constructor(random, kept) {
        this.random = random;
        this.kept = kept;
        this.epochs = 0;
        this.begin();
    }

    begin() {
        this.epochs += 1;
        this.epoch = this.epochs.toString(36).padStart(13, "0");
        this.last = 0;
        this.types = new Map();
        this.connection = null;
    }

    id(sequence) { return sequence > 0 ? `${this.epoch}-${sequence}` : null; }
    get oldest() { return Math.max(1, this.last - this.kept + 1); }

    publish() {
        this.last += 1;
        this.types.set(this.last, this.random() < 0.5 ? "candle" : "noise");
    }

    connect(query) {
        const { last_event_id: asked, join = "live", types } = Object.fromEntries(query);
        const connection = { at: this.last, delivered: 0, wanted: types?.split(","), out: [], leftOut: [] };
        let resume = null;
        if (asked) {
            const from = parseId(asked);
            const recovered = from.epoch === this.epoch && from.sequence <= this.last && from.sequence >= this.oldest - 1;
            resume = { recovered, from: asked, oldest_id: this.oldest <= this.last ? this.id(this.oldest) : null };
            connection.at = recovered ? from.sequence : this.oldest - 1;
        } else if (join !== "live") {
            connection.at = Math.max(this.oldest - 1, join === "all" ? 0 : this.last - Number(join));
        }
        const data = { connection_id: "c", session_id: "s", epoch: this.last ? this.epoch : null, last_id: this.id(this.last), resume };
        connection.out.push({ type: "connected", data });
        connection.begins = { epoch: this.epoch, after: connection.at, isEmpty: this.last === 0 };
        this.connection = connection;
    }

    /** Whether a newer one of its type is there to be handed out behind it. */
    isSuperseded(sequence) {
        for (let n = sequence + 1; n <= this.last; n += 1) if (this.types.get(n) === this.types.get(sequence)) return true;
        return false;
    }

    /** Says what policy left out before the next message. */
    announce({ leftOut, out }) {
        const ranges = [];
        for (const n of leftOut.splice(0)) {
            if (ranges.at(-1)?.[1] === n - 1) ranges.at(-1)[1] = n;
            else ranges.push([n, n]);
        }
        if (ranges.length === 0) return;
        out.push({ type: "conflated", data: { ranges: ranges.map(([a, b]) => [this.id(a), this.id(b)]), types: ["candle"] } });
    }

    /** Hands a few events to the connection, or says which are kept no more. */
    work() {
        const connection = this.connection;
        if (connection.at + 1 < this.oldest) {
            this.announce(connection);
            connection.out.push({ type: "lost", data: { first_id: this.id(connection.at + 1), last_id: this.id(this.oldest - 1) } });
            connection.at = this.oldest - 1;
        }
        for (let count = Math.floor(this.random() * 6); count > 0 && connection.at < this.last; count -= 1) {
            connection.at += 1;
            const type = this.types.get(connection.at);
            if (connection.wanted && !connection.wanted.includes(type)) continue;
            if (type === "candle" && this.isSuperseded(connection.at) && this.random() < 0.2) {
                connection.leftOut.push(connection.at);
                continue;
            }
            this.announce(connection);
            connection.delivered += 1;
            connection.out.push({ id: this.id(connection.at), type, data: {} });
        }
    }

    heartbeat() {
        const connection = this.connection;
        this.announce(connection);
        connection.out.push({ type: "heartbeat", data: { last_id: this.id(connection.at), delivered: connection.delivered } });
    }
}

/**
 * Runs one history and returns what the application was told. `isFaulty`: on their way messages are lost, doubled and swapped, as no network does it.
 */
function history(seed, isFaulty = false) {
    const random = randomFrom(seed);
    const gateway = new Gateway(random, Math.floor(random() * 40) + 5);
    for (let n = Math.floor(random() * 3) * 5; n > 0; n -= 1) gateway.publish();
    const types = !isFaulty && random() < 0.3 ? ["candle"] : null;
    const join = [null, "live", "all", "7"][Math.floor(random() * 4)];
    const stream = new Stream({ join, types });
    /** `lost` by epoch: the sequences said to be lost. */
    const told = { events: [], lost: new Map(), leftOut: new Set(), unknown: 0, gaps: 0 };
    /** Where the stream began for the application. Until something settles it, another connection begins anew. */
    let begun = null;
    let blind = null;

    const take = (message) => {
        const { begins } = gateway.connection;
        for (const outcome of stream.receive(message)) {
            if (outcome.do === "ping") gateway.heartbeat();
            if (outcome.do === "restart") gateway.connection = null;
            if (outcome.name === "event") told.events.push(outcome.detail);
            if (outcome.name === "gap") told.gaps += 1;
            for (const [first, last] of (outcome.name === "conflated" && outcome.detail.ranges) || []) {
                const [from, to] = [parseId(first), parseId(last)];
                for (let n = from.sequence; n <= to.sequence; n += 1) told.leftOut.add(`${from.epoch}-${n}`);
            }
            if (outcome.name !== "lost") continue;
            if (outcome.detail.firstId === null) told.unknown += 1;
            const last = parseId(outcome.detail.lastId);
            if (!last) continue;
            const lost = told.lost.get(last.epoch) ?? new Set();
            for (let n = parseId(outcome.detail.firstId)?.sequence ?? 1; n <= last.sequence; n += 1) lost.add(n);
            told.lost.set(last.epoch, lost);
        }
        if (stream.lastEventId !== null || begins.isEmpty) begun ??= begins;
    };

    /** The next message on its way, perhaps spoiled: not before it is settled where the stream begins, or what is missing there is not known. */
    const arrive = (out, canFail) => {
        const message = out.shift();
        if (!isFaulty || !canFail || message.type === "connected" || random() > 0.05) return take(message);
        const dice = random();
        if (dice < 0.3) return;
        if (dice < 0.6) out.unshift(message);
        else out.splice(1, 0, message);
        if (out[0].type !== "connected") take(out.shift());
    };

    const isDone = () => {
        const { connection } = gateway;
        if (connection?.out.length !== 0 || connection.at < gateway.last) return false;
        return !isFaulty || stream.lastEventId === gateway.id(gateway.last);
    };

    for (let step = 0; step < STEPS || !isDone(); step += 1) {
        const isEnding = step >= STEPS;
        assert.ok(step < STEPS_MAX, `seed ${seed}: it comes to no end`);
        if (!gateway.connection) {
            // What a short history dropped of a stream that was empty cannot be told from what a filter leaves out.
            if (types && begun && stream.lastEventId === null) blind = gateway.epoch;
            gateway.connect(stream.query());
        }
        const dice = random();
        if (!isEnding && dice < 0.3) gateway.publish();
        else if (dice < 0.6) gateway.work();
        else if (dice < 0.9) { if (gateway.connection.out.length > 0) arrive(gateway.connection.out, begun && !isEnding); }
        else if (dice < 0.94) gateway.heartbeat();
        else if (!isEnding && dice < 0.985) gateway.connection = null;
        else if (!isEnding && dice > 0.997) gateway.begin();
    }
    return { gateway, told, types, begun, blind };
}

/** Fails unless what was handed out is in order, and with what was said to be lost is all there was; returns the number of those lost. */
function check(seed, { gateway, told, types, begun, blind }) {
    const places = told.events.map((event) => parseId(event.id));
    for (const [n, place] of places.entries()) {
        const before = places[n - 1];
        const follows = !before || place.epoch > before.epoch || (place.epoch === before.epoch && place.sequence > before.sequence);
        assert.ok(follows, `seed ${seed}: ${told.events[n].id} came after ${told.events[n - 1]?.id}`);
        assert.ok(!told.lost.get(place.epoch)?.has(place.sequence), `seed ${seed}: ${told.events[n].id} came, and was said to be lost`);
    }
    if (blind === gateway.epoch) return 0;
    // The newest epoch is accounted for from where it began for us to its end.
    const here = new Set(places.filter((place) => place.epoch === gateway.epoch).map((place) => place.sequence));
    const lost = told.lost.get(gateway.epoch) ?? new Set();
    const start = begun.epoch === gateway.epoch ? begun.after : 0;
    for (let n = start + 1; n <= gateway.last; n += 1) {
        const isWanted = !types || types.includes(gateway.types.get(n));
        const isLeftOut = told.leftOut.has(`${gateway.epoch}-${n}`);
        assert.ok(!isWanted || here.has(n) || lost.has(n) || isLeftOut, `seed ${seed}: ${n} of ${gateway.last} is missing (begun after ${start})`);
    }
    return lost.size;
}

test("whatever happens, every event is handed out once and in order, or said to be gone", () => {
    const seen = { events: 0, lost: 0, leftOut: 0, unknown: 0, epochs: 0 };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
        const run = history(seed);
        assert.equal(run.told.gaps, 0, `seed ${seed}: the gateway announced everything`);
        seen.lost += check(seed, run);
        seen.events += run.told.events.length;
        seen.leftOut += run.told.leftOut.size;
        seen.unknown += run.told.unknown;
        seen.epochs += run.gateway.epochs;
    }
    // It proves nothing where nothing of the kind happened.
    assert.ok(seen.events > 50_000 && seen.lost > 1000 && seen.leftOut > 1000 && seen.unknown > 100 && seen.epochs > SEEDS, JSON.stringify(seen));
});

test("messages that are lost, doubled or swapped on their way are noticed, and fetched again in their order", () => {
    let gaps = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
        const run = history(seed, true);
        check(seed, run);
        gaps += run.told.gaps;
    }
    assert.ok(gaps > SEEDS, `${gaps} gaps`);
});
