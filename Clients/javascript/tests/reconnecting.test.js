import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff, isFinal, RETRY_AFTER_MS_MAX, retryAfterMs } from "../src/reconnecting.js";

const backoff = (random = 1, minMs = 100, maxMs = 1000) => new Backoff({ minMs, maxMs, random: () => random });

test("it is of no use to come back after the session's end or a refusal", () => {
    for (const code of [1000, 4400, 4401, 4403, 4404, 4409, 4499]) assert.equal(isFinal(code), true, code);
});

test("after anything else a client comes back", () => {
    const codes = [1001, 1002, 1005, 1006, 1008, 1009, 1011, 1012, 1013, 3000, 4000, 4399, 4408, 4411, 4429, 4500];
    for (const code of codes) assert.equal(isFinal(code), false, code);
});

test("a gateway that drains says when to come back", () => {
    for (const [reason, ms] of [
        ["draining; retry-after-ms=1234", 1234],
        ["retry-after-ms=5", 5],
        ["draining", 0],
        ["draining; retry-after-ms=", 0],
        ["draining; retry-after-ms=1x", 0],
        ["no-retry-after-ms=7", 0],
        ["draining; retry-after-ms=99999999999999999999", RETRY_AFTER_MS_MAX],
    ]) assert.equal(retryAfterMs(reason), ms, reason);
});

test("the limit doubles with each try up to the last limit, and begins anew after a connection that brought something", () => {
    const waits = backoff();
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => waits.nextMs(1006, "")), [100, 200, 400, 800, 1000, 1000]);
    waits.reset();
    assert.equal(waits.nextMs(1006, ""), 100);
});

test("after many tries the limit is still a number", () => {
    const waits = backoff();
    for (let n = 0; n < 2000; n += 1) waits.nextMs(1006, "");
    assert.equal(waits.nextMs(1006, ""), 1000);
});

test("within its limit a wait is all chance", () => {
    assert.equal(backoff(0).nextMs(1006, ""), 0);
    assert.equal(backoff(0.25).nextMs(4408, ""), 25);
});

test("who is asked to come back later does, and no other close may ask", () => {
    assert.equal(backoff(0.5).nextMs(1012, "draining; retry-after-ms=1234"), 1234);
    assert.equal(backoff(0.5).nextMs(1012, "draining; retry-after-ms=7"), 50);
    assert.equal(backoff(0.5).nextMs(1006, "draining; retry-after-ms=1234"), 50);
});

test("who was too fast comes back late at once", () => {
    assert.equal(backoff(0).nextMs(4429, ""), 500);
    assert.equal(backoff(1).nextMs(4429, ""), 1000);
});
