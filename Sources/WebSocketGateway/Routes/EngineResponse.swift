internal import HTTP
internal import Sessions

/// An answer to an HTTP request, before it knows its connection.
struct EngineResponse: Sendable {
    let status: HTTPStatus
    var body: [UInt8] = []
    var contentType: StaticString? = "application/json"
    var headers: [(String, String)] = []

    /// `date` is a whole header line, or nothing.
    func encoded(keepAlive: Bool, includeBody: Bool = true, date: [UInt8]) -> [UInt8] {
        Response(status, headers: headers, body: body, contentType: body.isEmpty ? nil : contentType).encoded(
            keepAlive: keepAlive, includeBody: includeBody, date: date)
    }

    static func json(_ object: JSONObject, status: HTTPStatus = .ok) -> EngineResponse {
        var body: [UInt8] = []
        object.appendEncoded(to: &body)
        return EngineResponse(status: status, body: body)
    }

    static let noContent = EngineResponse(status: .noContent, contentType: nil)

    /// {"error":{"code","message","details"}}: what is wrong, where, and what to do.
    static func error(
        _ status: HTTPStatus, _ code: String, _ message: String, details: JSONObject = [:], retryAfterSeconds: Int? = nil,
        headers: [(String, String)] = []
    ) -> EngineResponse {
        var response = json(
            ["error": .object(["code": .string(code), "message": .string(message), "details": .object(details)])], status: status)
        response.headers = headers
        if let retryAfterSeconds { response.headers.append(("Retry-After", "\(retryAfterSeconds)")) }
        return response
    }

    static func error(_ violation: HTTPViolation) -> EngineResponse {
        error(violation.status, violation.code, violation.message, details: ["rule": .string(violation.section)])
    }

    /// The answer to a publish, whole: it is made for every one, so its body is composed in `scratch`, which keeps its memory.
    static func published(
        _ receipt: PublishReceipt, isBatch: Bool, isEarly: Bool, keepAlive: Bool, date: [UInt8], scratch body: inout [UInt8]
    ) -> [UInt8] {
        body.removeAll(keepingCapacity: true)
        appendBody(receipt, isBatch: isBatch, isEarly: isEarly, to: &body)
        return Response.ok(json: body, keepAlive: keepAlive, date: date)
    }

    private static func appendBody(_ receipt: PublishReceipt, isBatch: Bool, isEarly: Bool, to body: inout [UInt8]) {
        func field(_ name: StaticString, _ value: Int) {
            body.append(ascii: name)
            body.append(decimal: UInt64(value))
        }
        if isBatch {
            body.append(ascii: "{\"first_id\":\"")
            receipt.firstID.append(to: &body)
            body.append(ascii: "\",\"last_id\":\"")
            receipt.lastID.append(to: &body)
            field("\",\"count\":", receipt.count)
        } else {
            body.append(ascii: "{\"id\":\"")
            receipt.firstID.append(to: &body)
            body.append(ascii: "\",\"sequence\":")
            body.append(decimal: receipt.firstID.sequence)
        }
        if !isEarly {
            field(",\"connections\":", receipt.connections)
            field(",\"sent\":", receipt.sent)
            field(",\"queued\":", receipt.queued)
            field(",\"conflated\":", receipt.conflated)
            field(",\"dropped\":", receipt.dropped)
        }
        body.append(UInt8(ascii: "}"))
    }
}
