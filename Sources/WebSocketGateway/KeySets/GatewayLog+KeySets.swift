internal import Curl
internal import Logging

/// What the fetching thread tells.
extension GatewayLog {
    func keySetFetched(_ source: KeySetSource, _ keys: Int, isNew: Bool) {
        logger.notice(
            isNew ? "token keys fetched" : "token keys can be fetched again; they are the same",
            metadata: ["url": "\(source.request.address.shown)", "keys": "\(keys)"])
    }

    func keySetFailed(_ source: KeySetSource, _ result: String, _ detail: String, _ keys: Int) {
        let consequence =
            keys == 0 ? "every token is refused until they are there" : "the \(keys) keys of the last good fetch stay in force"
        logger.error(
            "token keys cannot be fetched",
            metadata: [
                "url": "\(source.request.address.shown)", "result": "\(result)", "detail": "\(detail)", "consequence": "\(consequence)",
            ])
    }
}
