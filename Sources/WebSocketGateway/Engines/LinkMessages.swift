internal import Sessions
internal import WebSocket

/// What the gateway says on an engine's link: JSON text, each a whole frame (docs/PROTOCOL.md, The engine link).
enum LinkMessages {
    static func serving(_ session: SessionID, connections: Int, ref: [UInt8]?) -> [UInt8] {
        frame("serving", ref) { bytes in
            append(session, to: &bytes)
            append("connections", connections, to: &bytes)
        }
    }

    static func released(_ session: SessionID, ref: [UInt8]? = nil) -> [UInt8] { frame("released", ref) { append(session, to: &$0) } }

    static func replaced(_ session: SessionID) -> [UInt8] { frame("replaced", nil) { append(session, to: &$0) } }

    /// A client of a served session has come or gone; so many are there now.
    static func presence(_ session: SessionID, _ connection: ConnectionID, subject: String?, connections: Int, isHere: Bool) -> [UInt8] {
        frame(isHere ? "connected" : "disconnected", nil) { bytes in
            append(session, to: &bytes)
            append(connection, subject, to: &bytes)
            append("connections", connections, to: &bytes)
        }
    }

    static func command(_ request: CommandRequest, _ id: CommandID) -> [UInt8] {
        frame("command", nil) { bytes in
            bytes.append(ascii: ",\"command_id\":\"")
            bytes.append(text: id.description)
            bytes.append(UInt8(ascii: "\""))
            append(request.session, to: &bytes)
            append(request.connectionID, request.subject, to: &bytes)
            bytes.append(ascii: ",\"action\":")
            JSONText.appendQuoted(request.action, to: &bytes)
            bytes.append(ascii: ",\"payload\":")
            bytes.append(contentsOf: request.payload)
        }
    }

    /// A reply that came too late, or to a command that this engine does not have.
    static func expired(_ id: CommandID) -> [UInt8] {
        frame("expired", nil) { bytes in
            bytes.append(ascii: ",\"command_id\":\"")
            bytes.append(text: id.description)
            bytes.append(UInt8(ascii: "\""))
        }
    }

    static func error(_ code: String, _ message: String, details: JSONObject = [:], ref: [UInt8]?) -> [UInt8] {
        frame("error", ref ?? Array("null".utf8)) { bytes in
            bytes.append(ascii: ",\"code\":")
            JSONText.appendQuoted(code, to: &bytes)
            bytes.append(ascii: ",\"message\":")
            JSONText.appendQuoted(message, to: &bytes)
            bytes.append(ascii: ",\"details\":")
            details.appendEncoded(to: &bytes)
        }
    }

    // MARK: Parts

    private static func frame(_ op: StaticString, _ ref: [UInt8]?, _ body: (inout [UInt8]) -> Void) -> [UInt8] {
        var payload: [UInt8] = []
        payload.append(ascii: "{\"op\":\"")
        payload.append(ascii: op)
        payload.append(UInt8(ascii: "\""))
        if let ref {
            payload.append(ascii: ",\"ref\":")
            payload.append(contentsOf: ref)
        }
        body(&payload)
        payload.append(UInt8(ascii: "}"))
        return FrameEncoder.frame(.text, payload)
    }

    /// A session's id holds nothing that JSON would escape.
    private static func append(_ session: SessionID, to bytes: inout [UInt8]) {
        bytes.append(ascii: ",\"session_id\":\"")
        bytes.append(text: session.description)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(_ connection: ConnectionID, _ subject: String?, to bytes: inout [UInt8]) {
        bytes.append(ascii: ",\"connection_id\":\"")
        bytes.append(text: connection.description)
        bytes.append(ascii: "\",\"subject\":")
        if let subject { JSONText.appendQuoted(subject, to: &bytes) } else { bytes.append(ascii: "null") }
    }

    private static func append(_ name: StaticString, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(ascii: ",\"")
        bytes.append(ascii: name)
        bytes.append(ascii: "\":")
        bytes.append(decimal: UInt64(clamping: count))
    }
}
