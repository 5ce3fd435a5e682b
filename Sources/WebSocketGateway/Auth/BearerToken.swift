internal import HTTP

/// Where a request has its token: `Authorization: Bearer` (RFC 6750 §2.1), or the query, since a browser's WebSocket can send no header (§2.3).
enum BearerToken {
    /// Nil where there is none. Two tokens are an attack on whoever reads the other one (§2: not more than one method).
    static func find(_ head: RequestHead, _ query: QueryParameters) throws(TokenFault) -> [UInt8]? {
        let inQuery = query.first("token")
        switch head.count("authorization") {
        case 0: return inQuery.map { Array($0.utf8) }
        case 1:
            guard inQuery == nil, let token = inHeader(head) else { throw .ambiguous }
            return token
        default: throw .ambiguous
        }
    }

    /// What follows `Bearer `, whatever its case (RFC 9110 §11.1); nil for another scheme.
    static func inHeader(_ head: RequestHead) -> [UInt8]? {
        var token: [UInt8]?
        _ = head.first("authorization") { value, _ in
            let scheme: StaticString = "bearer "
            let length = scheme.utf8CodeUnitCount
            guard value.count > length, value.extracting(..<length).equalsIgnoringCase(scheme) else { return false }
            var start = length
            while start < value.count, value[start] == UInt8(ascii: " ") { start += 1 }
            token = unsafe value.extracting(start...).withUnsafeBufferPointer { unsafe Array($0) }
            return true
        }
        return token
    }
}
