internal import Curl
internal import OpenSSL

/// Takes what was fetched, and puts the keys in force where they are good and new. Whatever else comes, the last good ones stay. Of the fetching thread.
///
/// Flow: Fetcher → **KeySetKeeper** → TokenDoor
struct KeySetKeeper {
    private let door: TokenDoor
    private let counters: Counters
    private let log: GatewayLog
    /// What the keys in force were read from: the same bytes again are no news, and tokens that were found good stay known.
    private var document: [UInt8]?
    private var keysCount = 0
    /// The name of the last outcome, if that was none.
    private var trouble: String?

    init(_ door: TokenDoor, _ counters: Counters, _ log: GatewayLog) {
        self.door = door
        self.counters = counters
        self.log = log
    }

    /// Whether the keys in force are those that the issuer has now.
    mutating func take(_ fetched: Result<[UInt8], FetchFailure>, from source: KeySetSource) -> Bool {
        let outcome = judge(fetched, source)
        counters.add(.keySetFetches, label: outcome.index)
        guard let detail = outcome.detail else {
            if outcome == .changed || trouble != nil { log.keySetFetched(source, keysCount, isNew: outcome == .changed) }
            trouble = nil
            return true
        }
        // A state is told once, not with each fetch that finds it.
        if trouble != outcome.name { log.keySetFailed(source, outcome.name, detail, keysCount) }
        trouble = outcome.name
        return false
    }

    private mutating func judge(_ fetched: Result<[UInt8], FetchFailure>, _ source: KeySetSource) -> KeySetOutcome {
        let bytes: [UInt8]
        switch fetched {
        case .failure(let failure): return .failed(failure)
        case .success(let fetched): bytes = fetched
        }
        guard bytes != document else { return .unchanged }
        do throws(SettingsError) {
            let entries = try TokenKeys.entries(in: bytes) { SettingsError("jwks", $0) }
            // Whoever reads the set could sign with it. A file may hold a secret, and what is on loopback is as good as one.
            guard !source.request.address.isTLS || !entries.contains(where: { $0.key.algorithm == .hs256 }) else {
                return .invalid("a key of kty oct is a secret, and whoever reads this URL could sign with it")
            }
            door.replace(entries: entries)
            document = bytes
            keysCount = entries.count
            return .changed
        } catch {
            return .invalid(error.reason)
        }
    }
}
