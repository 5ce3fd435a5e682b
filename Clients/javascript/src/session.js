// @ts-check
// A session of a WebSocket Gateway, followed over any number of connections. This file has the socket and the timers; what a message means is said in
// stream.js, when to come back in reconnecting.js.
//
// Flow: WebSocket → **Session** → Stream → outcomes → events for the application

import { CommandError, Commands } from "./commands.js";
import { Backoff, isFinal } from "./reconnecting.js";
import { parseId, parseMessage, Stream, unreadable } from "./stream.js";

export { CommandError };

export const SUBPROTOCOL = "wsg.v1";

export const DEFAULTS = Object.freeze({
    /** The first reconnect comes within this time; the limit doubles with each that fails. */
    reconnectMinMs: 500,
    reconnectMaxMs: 30_000,
    /** Two heartbeats of the gateway's default interval (30 s, up to a tenth more or less) and a bit. */
    silenceMs: 75_000,
    // More than the gateway's longest deadline, that of `stop`: its word comes first.
    commandTimeoutMs: 35_000,
});

const TYPES_MAX = 64;
const JOIN_LATEST_MAX = 10_000_000;
/** What timers can wait; more would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const CLOSED_ABNORMALLY = 1006;
/** A WebSocket's `readyState`. */
const CONNECTING = 0;

function isSpeed(/** @type {unknown} */ text) {
    if (text === "max") return true;
    const times = typeof text === "string" && /^[0-9]{1,3}([.][0-9]{1,3})?x$/.test(text) ? parseFloat(text) : 0;
    return times >= 0.5 && times <= 100;
}

/** What is wrong here would be refused before the upgrade, which a browser cannot tell from a network that is down: so it is thrown. */
function checked(/** @type {string} */ url, /** @type {any} */ options) {
    const { join = null, types = null, token = null, lastEventId = null, replay = null } = options;
    const parsed = new URL(url);
    if (!["ws:", "wss:"].includes(parsed.protocol)) throw new TypeError(`not a ws: or wss: URL: ${url}`);
    for (const name of ["join", "types", "token", "last_event_id", "replay"]) {
        if (parsed.searchParams.has(name)) throw new TypeError(`${name} belongs into the options, not into the URL`);
    }
    const isCount = Number.isInteger(join) && join >= 1 && join <= JOIN_LATEST_MAX;
    if (join !== null && join !== "live" && join !== "all" && !isCount) {
        throw new RangeError(`join is "live", "all", or 1 to ${JOIN_LATEST_MAX} of the latest events`);
    }
    if (types !== null) {
        const isList = Array.isArray(types) && types.length >= 1 && types.length <= TYPES_MAX;
        if (!isList || !types.every((type) => /^[a-z][a-z0-9_]{0,63}$/.test(type))) {
            throw new RangeError(`types is an array of 1 to ${TYPES_MAX} event types`);
        }
    }
    if (lastEventId !== null && !parseId(lastEventId)) throw new RangeError(`not an event's id: ${lastEventId}`);
    if (replay !== null && !isSpeed(replay)) throw new RangeError('replay is "0.5x" to "100x", with up to three decimals, or "max"');
    const limits = { ...DEFAULTS };
    for (const name of /** @type {(keyof typeof DEFAULTS)[]} */ (Object.keys(DEFAULTS))) {
        const value = options[name] ?? DEFAULTS[name];
        if (!(value > 0 && value <= TIMER_MS_MAX)) throw new RangeError(`${name} is more than 0 and at most ${TIMER_MS_MAX}`);
        Object.assign(limits, { [name]: value });
    }
    return { url: parsed, token, limits, stream: { join: join === null ? null : String(join), types, lastEventId, replay } };
}

export class Session extends EventTarget {
    #url;
    #token;
    #limits;
    #WebSocket;
    #timers;
    #stream;
    #backoff;
    #commands;
    #state = "connecting";
    /** @type {any} */
    #socket = null;
    /** @type {any} */
    #silence = null;
    /** @type {any} */
    #retry = null;
    #heardAt = 0;

    /**
     * Connects at once. See session.d.ts for the options.
     * @throws {TypeError | RangeError} for what no gateway would accept
     */
    constructor(/** @type {string} */ url, /** @type {any} */ options = {}) {
        super();
        const settings = checked(url, options);
        this.#url = settings.url;
        this.#token = settings.token;
        this.#limits = settings.limits;
        this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
        if (!this.#WebSocket) throw new TypeError("no WebSocket here: give one as an option (node 20 has it with --experimental-websocket)");
        this.#timers = options.timers ?? {
            setTimeout: (/** @type {() => void} */ action, /** @type {number} */ ms) => setTimeout(action, ms),
            clearTimeout: (/** @type {any} */ timer) => clearTimeout(timer),
            now: () => Date.now(),
        };
        this.#stream = new Stream(settings.stream);
        this.#backoff = new Backoff({
            minMs: this.#limits.reconnectMinMs, maxMs: this.#limits.reconnectMaxMs, random: options.random ?? Math.random,
        });
        this.#commands = new Commands({ timers: this.#timers, timeoutMs: this.#limits.commandTimeoutMs });
        this.#connect();
    }

    /** "connecting", "open", "waiting" (for the next try) or "closed" (for good). */
    get state() {
        return this.#state;
    }

    /** Everything up to this event was handed out or announced as gone; null before the first. Give it to a later `Session` to go on from there. */
    get lastEventId() {
        return this.#stream.lastEventId;
    }

    /**
     * Sends a command. Resolves with the data of its `command_ack`, or for `ping` of a heartbeat.
     * @returns {Promise<any>} rejected with a CommandError, see README.md
     */
    async send(/** @type {string} */ action, /** @type {object} */ fields = {}) {
        const command = this.#commands.compose(action, fields);
        if (this.#state !== "open") throw new CommandError("NOT_CONNECTED", "there is no connection; the command was not sent");
        this.#socket.send(command.text);
        return this.#commands.wait(command.action, command.ref);
    }

    /** Ends it for good: commands that wait are rejected, and no event comes any more but the last `state`. */
    close() {
        if (this.#state === "closed") return;
        this.#timers.clearTimeout(this.#retry);
        this.#leave(1000);
        this.#enter("closed", { code: 1000, reason: "closed here" });
    }

    // The connection

    #connect() {
        const url = new URL(this.#url);
        const query = this.#stream.query();
        if (this.#token !== null) query.push(["token", this.#token]);
        // Not by URLSearchParams, which writes a space as "+": to the gateway that is a plus.
        const added = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
        url.search = [url.search.slice(1), added].filter(Boolean).join("&");

        const socket = new this.#WebSocket(url.href, [SUBPROTOCOL]);
        this.#socket = socket;
        socket.onmessage = (/** @type {{ data: unknown }} */ { data }) => this.#receive(socket, data);
        socket.onclose = (/** @type {{ code: number, reason: string }} */ { code, reason }) => this.#lose(code, reason);
        // A close follows and says more; but not in node 20, where one that could not connect says no more and stays as it is.
        socket.onerror = () => {
            if (socket.readyState === CONNECTING) this.#lose(CLOSED_ABNORMALLY, "could not connect");
        };
        this.#heardAt = this.#timers.now();
        this.#watch(this.#limits.silenceMs);
        this.#enter("connecting", {});
    }

    #receive(/** @type {any} */ socket, /** @type {unknown} */ data) {
        this.#heardAt = this.#timers.now();
        const message = parseMessage(data);
        for (const outcome of message ? this.#stream.receive(message) : [unreadable()]) {
            this.#carryOut(outcome);
            // The application may have closed the session, or the outcome left the connection.
            if (this.#socket !== socket) return;
        }
    }

    #carryOut(/** @type {import("./stream.js").Outcome} */ outcome) {
        switch (outcome.do) {
            case "emit":
                if (outcome.name === "connected") this.#enter("open", {});
                if (outcome.name === "event") this.#backoff.reset();
                if (this.#state === "closed") return;
                return this.#emit(outcome.name, outcome.detail);
            case "heartbeat":
                this.#backoff.reset();
                return this.#commands.answerPings(outcome.data);
            case "answer":
                this.#commands.answer(outcome.ref, outcome.data);
                return;
            case "refuse": {
                const { code, message, details } = outcome.error;
                if (this.#commands.refuse(outcome.ref, new CommandError(code, message, details))) return;
                return this.#emit("error", outcome.error);
            }
            case "ping": return this.#socket.send('{"action":"ping"}');
            case "restart": return this.#lose(CLOSED_ABNORMALLY, outcome.reason);
        }
    }

    /** The connection is gone, or given up. */
    #lose(/** @type {number} */ code, /** @type {string} */ reason) {
        this.#leave();
        // Its listeners may close the session: nothing is done after it that they would have to be asked about.
        if (isFinal(code)) return this.#enter("closed", { code, reason });
        const retryInMs = this.#backoff.nextMs(code, reason);
        this.#retry = this.#timers.setTimeout(() => this.#connect(), retryInMs);
        this.#enter("waiting", { code, reason, retryInMs });
    }

    /** Lets go of the socket. A dead one would answer a close only after minutes, so its answer is not waited for. */
    #leave(/** @type {number | undefined} */ code = undefined) {
        this.#timers.clearTimeout(this.#silence);
        const socket = this.#socket;
        this.#socket = null;
        if (socket) {
            socket.onmessage = socket.onclose = socket.onerror = null;
            socket.close(code);
        }
        this.#commands.refuseAll(() => new CommandError("CONNECTION_LOST", "the connection was lost; the command may have been carried out"));
    }

    /**
     * Looks after `ms` whether anything was heard. By the wall clock, which goes on while a machine sleeps: after its sleep the connection is given up
     * at once. A clock that was set back only makes it look again.
     */
    #watch(/** @type {number} */ ms) {
        this.#silence = this.#timers.setTimeout(() => {
            const silentMs = this.#timers.now() - this.#heardAt;
            if (silentMs >= this.#limits.silenceMs) return this.#lose(CLOSED_ABNORMALLY, `nothing heard for ${silentMs} ms`);
            if (silentMs < 0) this.#heardAt = this.#timers.now();
            this.#watch(this.#limits.silenceMs - Math.max(silentMs, 0));
        }, ms);
    }

    // The application

    #enter(/** @type {string} */ state, /** @type {object} */ detail) {
        this.#state = state;
        this.#emit("state", { state, ...detail });
    }

    #emit(/** @type {string} */ name, /** @type {any} */ detail) {
        this.dispatchEvent(new CustomEvent(name, { detail }));
    }
}
