// @ts-check
// Whether to come back after a close, and how late. No timer: the shell waits.

/** What a gateway may ask for with `retry-after-ms`; more is taken for this. */
export const RETRY_AFTER_MS_MAX = 300_000;

const NORMAL = 1000;
const SERVICE_RESTART = 1012;
const SLOW_CONSUMER = 4408;
const STALE = 4411;
const RATE_LIMITED = 4429;
const TRANSIENT_REFUSALS = [SLOW_CONSUMER, STALE, RATE_LIMITED];

/**
 * Whether it is of no use to come back: the session is over, or the gateway refuses this client and would again. Anything else may pass:
 * networks, proxies and restarts close with many codes.
 */
export function isFinal(/** @type {number} */ code) {
    return code === NORMAL || (code >= 4400 && code <= 4499 && !TRANSIENT_REFUSALS.includes(code));
}

/** `draining; retry-after-ms=1234` in a close reason: milliseconds, 0 without one. */
export function retryAfterMs(/** @type {string} */ reason) {
    const match = /(?:^|[; ])retry-after-ms=([0-9]+)(?:$|[; ])/.exec(reason);
    return match ? Math.min(Number(match[1]), RETRY_AFTER_MS_MAX) : 0;
}

/** Exponential back-off with full jitter: any time up to a limit that doubles with each try in a row, so that a herd does not come back as one. */
export class Backoff {
    #minMs;
    #maxMs;
    #random;
    #tries = 0;

    /** @param {{ minMs: number, maxMs: number, random: () => number }} options the first limit and the last; random gives [0, 1) */
    constructor({ minMs, maxMs, random }) {
        this.#minMs = minMs;
        this.#maxMs = maxMs;
        this.#random = random;
    }

    /** Milliseconds until the next try. */
    nextMs(/** @type {number} */ code, /** @type {string} */ reason) {
        const limit = Math.min(this.#maxMs, this.#minMs * 2 ** this.#tries);
        this.#tries += 1;
        // Who was too fast comes back late at once: between half of the last limit and all of it.
        if (code === RATE_LIMITED) return Math.round(this.#maxMs * (1 + this.#random()) / 2);
        const chance = Math.round(limit * this.#random());
        return code === SERVICE_RESTART ? Math.max(chance, retryAfterMs(reason)) : chance;
    }

    /** A connection brought something: the next close is the first in a row. */
    reset() {
        this.#tries = 0;
    }
}
