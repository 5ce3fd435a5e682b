import ArgumentParser
import EventLoop
import WebSocketGateway

struct APIKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key",
        abstract: "Make a key for an engine or operator.",
        discussion: """
            The line for the gateway's --api-key-file goes to standard output, the key to standard error. The key is told this once: the file has \
            its hash.

              websocket-gateway api-key engine-1 --scopes publish,manage >> keys
            """)

    @Argument(help: ArgumentHelp("What the key is called in the file.", valueName: "name")) var name: String
    @Option(help: ArgumentHelp("Some of publish, manage, read, separated by commas.", valueName: "list")) var scopes = "publish"

    func validate() throws { _ = try made() }

    func run() throws {
        let new = try made()
        SmallFile.writeToStandardOutput(new.line + "\n")
        SmallFile.writeToStandardError(new.key + "\n")
    }

    private func made() throws(ValidationError) -> NewAPIKey {
        var scopes: [APIScope] = []
        for word in self.scopes.split(separator: ",", omittingEmptySubsequences: false) {
            guard let scope = APIScope(rawValue: String(word)) else {
                throw ValidationError("--scopes are some of \(APIScope.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            if !scopes.contains(scope) { scopes.append(scope) }
        }
        var random = SystemRandomNumberGenerator()
        guard let key = NewAPIKey(name: name, scopes: scopes, using: &random) else {
            throw ValidationError("a name is \(NewAPIKey.nameRule)")
        }
        return key
    }
}
