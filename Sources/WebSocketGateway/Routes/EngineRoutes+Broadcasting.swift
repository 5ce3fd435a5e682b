internal import EventLoop
internal import HTTP
internal import Sessions

/// `POST /v1/events`: one event to every session.
extension EngineRoutes {
    static func broadcast(_ head: RequestHead, _ body: [UInt8], _ limits: EventLimits) throws(Refusal) -> Work {
        try require(head, .post)
        _ = try query(head, allowed: [])
        let parsed = try events(head, body, limits)
        // One event times every session is as much work as one request may ask for.
        guard !parsed.isBatch else { throw Refusal(.badRequest, "INVALID_EVENT", "one event is broadcast to all, not several") }
        let key = try publishKey(head).map { PublishKey(ofBroadcast: $0, body: body) }
        let request = PublishRequest(
            session: nil, body: body, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds, reply: .nobody, key: key)
        return { board in response(await board.broadcast(request)) }
    }

    private static func response(_ receipt: BroadcastReceipt) -> EngineResponse {
        guard let refusal = receipt.refusal else {
            let counts: [(String, Int)] = [
                ("sessions", receipt.sessions), ("connections", receipt.connections), ("sent", receipt.sent), ("queued", receipt.queued),
                ("conflated", receipt.conflated), ("dropped", receipt.dropped),
            ]
            return .json(JSONObject(counts.map { ($0, .int(Int64($1))) }))
        }
        guard receipt.sessions > 0 else { return response(refusal) }
        return .error(
            .serviceUnavailable, "BROADCAST_UNFINISHED",
            "\(refusal.reason); the event is in \(receipt.sessions) sessions and not in the others; repeated with its Idempotency-Key it goes to those",
            details: ["outcome": "unknown", "sessions": .int(Int64(receipt.sessions))], retryAfterSeconds: 1)
    }
}
