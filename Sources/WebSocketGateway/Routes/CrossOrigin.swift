internal import HTTP

/// Whose page may read an answer (Fetch Standard, §3.3). A browser connects a WebSocket whoever answers; an event stream it hands to a page of another
/// origin only where the answer names that page's.
struct CrossOrigin {
    /// In the order they are sent. Without credentials: a client's cookies are nothing to us.
    let headers: [(String, String)]
    let isAllowed: Bool

    /// `allowed` as the request says, unless there are several of them, or none that could be an origin's in a header of ours.
    init(_ head: RequestHead, _ policy: OriginPolicy) {
        let isAllowed = head.first("origin", satisfies: { $1 == 1 && policy.allows($0) }) ?? true
        self.isAllowed = isAllowed
        if policy.allowsEverybody {
            headers = isAllowed ? [("Access-Control-Allow-Origin", "*")] : []
        } else if isAllowed, let origin = head.first("origin"), origin.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        } else {
            headers = [("Vary", "Origin")]
        }
    }
}
