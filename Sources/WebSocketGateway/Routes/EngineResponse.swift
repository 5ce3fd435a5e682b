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

    static func error(_ violation: HTTPViolation, _ message: String) -> EngineResponse {
        error(violation.status, violation.code, message, details: ["rule": .string(violation.section)])
    }
}
