// Time that passes when a test says so, and sockets that a test plays the gateway for.

export class Clock {
    #now = 1_000_000;
    #timers = new Map();
    #count = 0;

    now = () => this.#now;
    setTimeout = (action, ms) => {
        this.#count += 1;
        this.#timers.set(this.#count, { action, at: this.#now + ms });
        return this.#count;
    };
    clearTimeout = (timer) => this.#timers.delete(timer);

    get pending() { return this.#timers.size; }

    /** Lets `ms` pass, with every timer in its order. */
    pass(ms) {
        const end = this.#now + ms;
        for (;;) {
            const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
            if (!next) break;
            const [timer, { action, at }] = next;
            this.#timers.delete(timer);
            this.#now = Math.max(this.#now, at);
            action();
        }
        this.#now = end;
    }

    /** The machine slept, or somebody set the clock: no timer counted on. */
    jump(ms) {
        this.#now += ms;
        for (const timer of this.#timers.values()) timer.at += ms;
    }
}

/** A constructor of sockets, which are kept in `sockets`. */
export function fakeWebSocket() {
    const sockets = [];
    class FakeWebSocket {
        sent = [];
        closed = null;
        readyState = 0;

        constructor(url, protocols) {
            Object.assign(this, { url, protocols });
            sockets.push(this);
        }

        send(text) { this.sent.push(JSON.parse(text)); }
        close(code) { this.closed = { code }; }

        // What the gateway does.
        say(...messages) { for (const message of messages) this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) }); }
        end(code, reason = "") {
            this.readyState = 3;
            this.onerror?.({});
            this.onclose?.({ code, reason });
        }
        /** As node 20 does where it cannot connect. */
        failWithoutClose() { this.onerror?.({}); }
    }
    return { FakeWebSocket, sockets };
}
