/// Where a text stops being JSON, and by which rule: what ``JSONScanner`` throws. No strings, so that throwing costs nothing.
package struct JSONFault: Error, Sendable, Equatable {
    package let reason: Reason

    /// Bytes from the start of the scanned span; its count when the text ended too early.
    package let offset: Int

    package init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package enum Reason: Sendable, Equatable, CaseIterable {
        case endOfText
        case valueExpected
        case notFinite
        case leadingZero
        case digitExpected
        case keyExpected
        case colonExpected
        case commaOrBraceExpected
        case commaOrBracketExpected
        case trailingComma
        case controlCharacter
        case unknownEscape
        case malformedUnicodeEscape
        case notUTF8
        case tooDeep
        case textAfterValue
        case numberOutOfRange
    }
}

extension JSONFault.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .endOfText: "the text ends too early"
        case .valueExpected: "a value is expected"
        case .notFinite: "NaN and Infinity are not JSON"
        case .leadingZero: "a number has no leading zeros"
        case .digitExpected: "a digit is expected"
        case .keyExpected: "a key in double quotes is expected"
        case .colonExpected: "a colon is expected"
        case .commaOrBraceExpected: "a comma or } is expected"
        case .commaOrBracketExpected: "a comma or ] is expected"
        case .trailingComma: "nothing follows the comma"
        case .controlCharacter: "a control character inside a string is written as an escape"
        case .unknownEscape: "there is no such escape"
        case .malformedUnicodeEscape: "\\u is followed by four hexadecimal digits"
        case .notUTF8: "the bytes are not UTF-8"
        case .tooDeep: "values are nested deeper than \(JSONScanner.depthMax) levels"
        case .textAfterValue: "something follows the value"
        case .numberOutOfRange: "the number is too large for a double"
        }
    }
}
