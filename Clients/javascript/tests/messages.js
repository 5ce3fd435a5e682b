// Messages as a gateway writes them, for every test.

export const EPOCH = "16ja9qn78j68j";
export const OTHER_EPOCH = "0123456789abc";

export const id = (sequence, epoch = EPOCH) => `${epoch}-${sequence}`;

export const candle = (sequence, epoch = EPOCH) => ({ id: id(sequence, epoch), type: "candle", data: { n: sequence }, timestamp: "t" });

export function connected(last = null, resume = null, epoch = EPOCH) {
    const data = { connection_id: "c", session_id: "s1", epoch: last === null ? null : epoch, last_id: last && id(last, epoch), resume };
    return { type: "connected", data, timestamp: "t" };
}

export const recovered = (from) => ({ recovered: true, from: id(from), oldest_id: id(1) });

export const failed = (from, oldest, epoch = EPOCH) => ({ recovered: false, from, oldest_id: oldest && id(oldest, epoch) });

export function heartbeat(last, delivered, epoch = EPOCH) {
    return { type: "heartbeat", data: { server_time: "t", last_id: last && id(last, epoch), delivered, rtt_ms: null }, timestamp: "t" };
}

export const lost = (first, last, epoch = EPOCH) => ({ type: "lost", data: { first_id: id(first, epoch), last_id: id(last, epoch) }, timestamp: "t" });

export const conflated = (...ranges) => ({ type: "conflated", data: { ranges: ranges.map(([a, b]) => [id(a), id(b)]), types: ["candle"] } });
