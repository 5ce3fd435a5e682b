// @ts-check
// Commands that wait for their answers.

/** One message, in bytes of UTF-8. */
export const MESSAGE_BYTES_MAX = 65_536;
/** In bytes of UTF-8. */
export const ACTION_BYTES_MAX = 64;

const utf8Bytes = (/** @type {string} */ text) => new TextEncoder().encode(text).length;

/** Why a command has no answer: `code` says it to programs, `details` is what the gateway or the engine adds. */
export class CommandError extends Error {
    constructor(/** @type {string} */ code, /** @type {string} */ message, /** @type {any} */ details = {}) {
        super(message);
        this.name = "CommandError";
        this.code = code;
        this.details = details;
    }
}

export class Commands {
    #timers;
    #timeoutMs;
    #waiting = new Map();
    #count = 0;
    // A command is executed once under its ref, so no two clients may choose the same. randomUUID() is missing from pages without TLS.
    #prefix = [...crypto.getRandomValues(new Uint32Array(3))].map((number) => number.toString(36)).join("");

    /** @param {{ timers: { setTimeout: Function, clearTimeout: Function }, timeoutMs: number }} options */
    constructor({ timers, timeoutMs }) {
        this.#timers = timers;
        this.#timeoutMs = timeoutMs;
    }

    /**
     * The text of a command with a ref of its own. The gateway names no ref when it refuses a malformed command, which would then wait until its
     * time-out: so it is refused here.
     * @throws {CommandError} INVALID_COMMAND
     */
    compose(/** @type {unknown} */ action, /** @type {object} */ fields) {
        if (typeof action !== "string" || action === "" || utf8Bytes(action) > ACTION_BYTES_MAX) {
            throw new CommandError("INVALID_COMMAND", `an action is a string of 1 to ${ACTION_BYTES_MAX} bytes`);
        }
        this.#count += 1;
        const ref = `${this.#prefix}-${this.#count}`;
        const text = JSON.stringify({ ...fields, action, ref });
        if (utf8Bytes(text) > MESSAGE_BYTES_MAX) {
            throw new CommandError("INVALID_COMMAND", `a command has at most ${MESSAGE_BYTES_MAX} bytes`);
        }
        return { action: action.toLowerCase(), ref, text };
    }

    /** @returns {Promise<any>} settled by the answer, the time-out, or the end of the connection */
    wait(/** @type {string} */ action, /** @type {string} */ ref) {
        return new Promise((resolve, reject) => {
            const timer = this.#timers.setTimeout(
                () => this.refuse(ref, new CommandError("TIMEOUT", `no answer to ${action} within ${this.#timeoutMs} ms`)), this.#timeoutMs);
            this.#waiting.set(ref, { action, resolve, reject, timer });
        });
    }

    /** @returns {boolean} false when nobody waits under that ref */
    answer(/** @type {unknown} */ ref, /** @type {any} */ data) {
        const command = this.#take(ref);
        command?.resolve(data);
        return command !== undefined;
    }

    /** @returns {boolean} false when nobody waits under that ref */
    refuse(/** @type {unknown} */ ref, /** @type {CommandError} */ error) {
        const command = this.#take(ref);
        command?.reject(error);
        return command !== undefined;
    }

    /** A heartbeat has no ref: it answers every `ping` that waits, also where it was on its way already. */
    answerPings(/** @type {any} */ data) {
        for (const [ref, { action }] of this.#waiting) if (action === "ping") this.answer(ref, data);
    }

    refuseAll(/** @type {() => CommandError} */ error) {
        for (const ref of this.#waiting.keys()) this.refuse(ref, error());
    }

    #take(/** @type {unknown} */ ref) {
        const command = this.#waiting.get(ref);
        if (command) this.#timers.clearTimeout(command.timer);
        this.#waiting.delete(ref);
        return command;
    }
}
