internal import HTTP
internal import Sessions

/// How connections ended: for an operator who has a user's connection id, or asks who left a session and why.
extension EngineRoutes {
    static func closures(_ head: RequestHead) throws(Refusal) -> Work {
        try require(head, .get)
        let query = try query(head, allowed: ["session_id", "limit"])
        let limit = try limit(query, default: 100, max: 1000)
        let session = try query.first("session_id").map { text throws(Refusal) in try sessionID(Substring(text)) }
        return { board in
            .json(["closures": .array(await board.recentClosures(of: session, limit: limit).map { .object($0.json) })])
        }
    }

    static func connectionClosed(_ closure: ConnectionClosure) -> EngineResponse {
        .error(
            .notFound, "CONNECTION_NOT_FOUND", "no such connection any more; details.closure says how it ended",
            details: ["closure": .object(closure.json)])
    }
}
