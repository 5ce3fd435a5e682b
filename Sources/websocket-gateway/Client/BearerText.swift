import ArgumentParser
import EventLoop

/// A key or token that a tool shows: by its flag, or better by a variable, since a command line is seen by everybody on the machine.
struct BearerText: Equatable {
    private let text: String

    /// Nil where there is none.
    static func find(flag: String?, _ name: String, variable: String, _ environment: [String: String] = ProcessResources.environment)
        throws(ValidationError) -> BearerText?
    {
        guard let text = flag ?? environment[variable].flatMap({ $0.isEmpty ? nil : $0 }) else { return nil }
        // It goes into a header as it is.
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValidationError("\(flag == nil ? variable : name) is visible ASCII without spaces")
        }
        return BearerText(text: text)
    }

    /// The request's line.
    var field: String { "Authorization: Bearer \(text)\r\n" }
    var header: (name: String, value: String) { ("Authorization", "Bearer \(text)") }
}
