/// One extension that a client offers, as written: nobody has judged yet whether it exists (RFC 6455 §9.1).
package struct ExtensionOffer: Sendable, Equatable {
    package struct Parameter: Sendable, Equatable {
        package let name: String
        /// nil when there is no "=". Out of its quotes, where it had some.
        package let value: String?

        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    package let name: String
    /// In their order, repeated ones too.
    package let parameters: [Parameter]

    package init(_ name: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.parameters = parameters
    }
}
