// @ts-check
// What a client has of its session's stream, and what each message means for it. No socket and no timer: `Stream` is told what came, and answers
// with what to do about it.
//
// Flow: Session → parseMessage → **Stream** → outcomes → Session

/**
 * @typedef {{ epoch: string, sequence: number }} EventId
 * @typedef {{ id?: string, type: string, data: any, timestamp?: string }} Message
 *
 * What to do: tell the application; a command was carried out, or was not; a heartbeat came, and answers every `ping` that waits; ask for one; leave this
 * connection, and come back with `query()`.
 * @typedef {{ do: "emit", name: string, detail: any }
 *   | { do: "answer", ref: unknown, data: any }
 *   | { do: "refuse", ref: unknown, error: { code: string, message: string, details: any } }
 *   | { do: "heartbeat", data: any }
 *   | { do: "ping" }
 *   | { do: "restart", reason: string }} Outcome
 */

// 13 characters today; the gateway takes up to 26.
const ID = /^([0-9a-z]{13,26})-([1-9][0-9]{0,15})$/;

/** @returns {EventId | null} null for what the gateway cannot have written */
export function parseId(/** @type {unknown} */ text) {
    const parts = typeof text === "string" ? ID.exec(text) : null;
    const sequence = Number(parts?.[2]);
    return parts && Number.isSafeInteger(sequence) ? { epoch: parts[1], sequence } : null;
}

/** @returns {Message | null} null for what is no message of a gateway */
export function parseMessage(/** @type {unknown} */ text) {
    if (typeof text !== "string") return null;
    try {
        const message = JSON.parse(text);
        const isOne = typeof message?.type === "string" && typeof message.data === "object" && message.data !== null;
        return isOne && (message.id === undefined || parseId(message.id)) ? message : null;
    } catch {
        return null;
    }
}

export class Stream {
    #join;
    #types;
    /** The speed at which a recorded session is played, as the gateway has it; null where none is. */
    #replay;
    /**
     * Everything up to here was handed out, or said to be gone. Null while that is not known: before the first event of a stream that may begin
     * anywhere. The sequence is 0, and the epoch perhaps not known, where everything in the stream is still to come.
     * @type {{ epoch: string | null, sequence: number } | null}
     */
    #position = null;
    /**
     * The newest event handed out: whatever the gateway says, nothing up to it is handed out again.
     * @type {EventId | null}
     */
    #newest = null;
    /** Events that came on this connection, to be compared with the gateway's own count. */
    #received = 0;
    /**
     * Ranges said to be absent that the position has not reached: [first, last] sequences.
     * @type {[number, number][]}
     */
    #absent = [];

    /** @param {{ join?: string | null, types?: string[] | null, lastEventId?: string | null, replay?: string | null }} options */
    constructor({ join = null, types = null, lastEventId = null, replay = null } = {}) {
        this.#join = join;
        this.#types = types;
        this.#replay = replay;
        this.#position = parseId(lastEventId);
    }

    /** What to resume with; null before anything is known to be here. */
    get lastEventId() {
        return this.#position?.sequence ? idText(this.#position) : null;
    }

    /**
     * Query parameters for the next connection.
     * @returns {[string, string][]}
     */
    query() {
        /** @type {[string, string][]} */
        const query = [];
        const last = this.lastEventId;
        if (last) query.push(["last_event_id", last]);
        // The stream was empty when we joined it: all it has by now came after.
        else if (this.#position) query.push(["join", "all"]);
        else if (this.#join !== null) query.push(["join", this.#join]);
        if (this.#types) query.push(["types", this.#types.join(",")]);
        if (this.#replay !== null) query.push(["replay", this.#replay]);
        return query;
    }

    /** @returns {Outcome[]} what to do, in this order */
    receive(/** @type {Message} */ message) {
        if (message.id !== undefined) return this.#event(message);
        const { type, data } = message;
        switch (type) {
            case "connected": return this.#connected(data);
            case "lost": return this.#lost(data);
            case "conflated": return this.#conflated(data);
            // An engine may send one connection a message of any type: what is not in the gateway's form is the engine's.
            case "heartbeat": return typeof data.delivered === "number" ? this.#heartbeat(data) : [emit("direct", message)];
            case "command_ack":
                if (this.#replay !== null) this.#replayed(data);
                return [{ do: "answer", ref: data.ref, data }];
            case "error": {
                if (typeof data.error_code !== "string") return [emit("direct", message)];
                const error = { code: data.error_code, message: String(data.message ?? ""), details: data.details ?? {} };
                return [{ do: "refuse", ref: error.details.ref, error }];
            }
            default: return [emit("direct", message)];
        }
    }

    /** @returns {Outcome[]} */
    #event(/** @type {Message} */ message) {
        const id = /** @type {EventId} */ (parseId(message.id));
        const position = this.#position;
        this.#received += 1;
        /** @type {Outcome[]} */
        const outcomes = [];
        if (position) {
            if (!isOfEpoch(id, position)) return this.#gap(id);
            if (id.sequence <= position.sequence) return [];
            if (!this.#types && id.sequence !== position.sequence + 1) {
                if (position.sequence > 0) return this.#gap(id);
                outcomes.push(lost(null, { ...id, sequence: 1 }, { ...id, sequence: id.sequence - 1 }));
            }
        }
        this.#position = id;
        this.#skipAbsent();
        const isNew = this.#newest?.epoch !== id.epoch || this.#newest.sequence < id.sequence;
        if (!isNew) return outcomes;
        this.#newest = id;
        outcomes.push(emit("event", message));
        return outcomes;
    }

    /** The gateway did what the viewer of a recorded session asked for. */
    #replayed(/** @type {any} */ data) {
        if (typeof data.speed === "string") this.#replay = data.speed;
        const from = parseId(data.from);
        if (!from) return;
        // What follows a seek is handed out, also where it was before; what has come is counted on.
        this.#position = { epoch: from.epoch, sequence: from.sequence - 1 };
        this.#newest = null;
        this.#absent = [];
    }

    /** @returns {Outcome[]} */
    #connected(/** @type {any} */ data) {
        this.#received = 0;
        this.#absent = [];
        /** @type {Outcome[]} */
        const outcomes = [emit("connected", data)];
        const last = parseId(data.last_id);
        const position = this.#position;
        if (data.resume) {
            if (data.resume.recovered !== true) outcomes.push(...this.#begin(parseId(data.resume.oldest_id), last));
        } else if (!position) {
            if (!last) this.#position = { epoch: null, sequence: 0 };
            else if (this.#join === "live") this.#position = last;
            // Where it begins is for the session's registration to say, and its first event may be a long time off. The heartbeat tells.
            else outcomes.push({ do: "ping" });
        } else if (position.epoch && position.sequence === 0 && data.epoch !== position.epoch) {
            this.#position = { epoch: data.epoch ?? null, sequence: 0 };
            outcomes.push(lost(null, null, null));
        }
        return outcomes;
    }

    /**
     * What we have cannot be continued: the stream goes on with the oldest event kept, or where nothing is kept with what comes after the last.
     * @returns {Outcome[]}
     */
    #begin(/** @type {EventId | null} */ oldest, /** @type {EventId | null} */ last) {
        const [from, after] = [this.#position, this.lastEventId];
        const head = oldest ? { epoch: oldest.epoch, sequence: oldest.sequence - 1 } : last;
        this.#position = head ?? { epoch: null, sequence: 0 };
        if (!head || !from?.epoch) return [lost(after, null, null)];
        // Of another epoch nobody knows how far it went.
        if (head.epoch !== from.epoch) return [lost(after, null, head.sequence > 0 ? head : null)];
        if (head.sequence <= from.sequence) return [lost(after, null, null)];
        return [lost(after, { epoch: from.epoch, sequence: from.sequence + 1 }, head)];
    }

    /** @returns {Outcome[]} */
    #lost(/** @type {any} */ data) {
        const [first, last] = [parseId(data.first_id), parseId(data.last_id)];
        if (!first || !last) return [unreadable()];
        const after = this.lastEventId;
        const have = this.#position?.epoch === first.epoch ? this.#position.sequence : 0;
        if (last.sequence <= have) return [];
        if (!this.#announce([[first, last]])) return this.#gap(first);
        // A filter's ids have holes, but in order it is told: what was wanted before is here.
        if (this.#types) this.#position = last;
        return [lost(after, { ...first, sequence: Math.max(first.sequence, have + 1) }, last)];
    }

    /** @returns {Outcome[]} */
    #conflated(/** @type {any} */ data) {
        if (!Array.isArray(data.ranges)) return [unreadable()];
        /** @type {[EventId, EventId][]} */
        const ranges = [];
        for (const range of data.ranges) {
            const [first, last] = [parseId(range?.[0]), parseId(range?.[1])];
            if (!first || !last) return [unreadable()];
            ranges.push([first, last]);
        }
        if (!this.#announce(ranges)) return this.#gap(ranges[0][0]);
        return [emit("conflated", data)];
    }

    /** Notes that these events will not come; false when they are of another epoch. */
    #announce(/** @type {[EventId, EventId][]} */ ranges) {
        for (const [first, last] of ranges) {
            this.#position ??= { epoch: first.epoch, sequence: first.sequence - 1 };
            if (!isOfEpoch(first, this.#position)) return false;
            this.#position = { epoch: first.epoch, sequence: this.#position.sequence };
            this.#absent.push([first.sequence, last.sequence]);
        }
        this.#skipAbsent();
        return true;
    }

    /** Moves the position over what was said to be absent, as far as that borders on it. */
    #skipAbsent() {
        if (this.#absent.length === 0) return;
        const position = /** @type {EventId} */ (this.#position);
        let { sequence } = position;
        if (!this.#types) {
            for (const [first, last] of this.#absent.sort(([a], [b]) => a - b)) {
                if (first <= sequence + 1) sequence = Math.max(sequence, last);
            }
            this.#position = { epoch: position.epoch, sequence };
        }
        this.#absent = this.#absent.filter(([, last]) => last > sequence);
    }

    /** @returns {Outcome[]} */
    #heartbeat(/** @type {any} */ data) {
        const last = parseId(data.last_id);
        const position = this.#position;
        if (data.delivered !== this.#received) return this.#gap(last);
        /** @type {Outcome[]} */
        const outcomes = [{ do: "heartbeat", data }];
        if (!last) return outcomes;
        if (position && !isOfEpoch(last, position)) return this.#gap(last);
        if (position && last.sequence <= position.sequence) return outcomes;
        if (position && !this.#types) {
            if (position.sequence > 0) return this.#gap(last);
            outcomes.push(lost(null, { ...last, sequence: 1 }, last));
        }
        // Everything wanted up to it is here.
        this.#position = last;
        return outcomes;
    }

    /**
     * Something is missing that nobody announced. Coming back with the last good id brings it, or the word that it is gone.
     * @returns {Outcome[]}
     */
    #gap(/** @type {EventId | null} */ before) {
        const detail = { after: this.lastEventId, before: before && idText(before) };
        return [emit("gap", detail), { do: "restart", reason: `a gap after ${detail.after}` }];
    }
}

/** @returns {Outcome} */
function emit(/** @type {string} */ name, /** @type {any} */ detail) {
    return { do: "emit", name, detail };
}

/** @returns {Outcome} */
function lost(/** @type {string | null} */ after, /** @type {EventId | null} */ first, /** @type {EventId | null} */ last) {
    return emit("lost", { after, firstId: first && idText(first), lastId: last && idText(last) });
}

/** @returns {Outcome} */
export function unreadable() {
    return emit("error", { code: "UNREADABLE", message: "a message is not in the gateway's form", details: {} });
}

function isOfEpoch(/** @type {EventId} */ id, /** @type {{ epoch: string | null }} */ position) {
    return position.epoch === null || position.epoch === id.epoch;
}

function idText(/** @type {{ epoch: string | null, sequence: number }} */ id) {
    return `${id.epoch}-${id.sequence}`;
}
