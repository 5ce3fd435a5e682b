/// The members of a JSON object, in the order they were written.
///
/// Lookup is a linear search: meant for the tens of members an event has. Keys are compared byte for byte. Where a parsed
/// object names a key twice both members are kept, and the last one counts, as in Python and JavaScript.
public struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    public typealias Member = (key: String, value: JSON)

    public private(set) var members: [Member]

    public init() {
        members = []
    }

    public init(_ members: some Sequence<(String, JSON)>) {
        self.members = members.map { (key: $0.0, value: $0.1) }
    }

    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init(elements)
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    public var keys: [String] { members.map(\.key) }

    /// Replaces in place, adds at the end, and removes on nil. (`.some(.null)` stores a null.)
    public subscript(key: String) -> JSON? {
        get { index(of: key).map { members[$0].value } }
        set {
            guard let newValue else {
                members.removeAll { Self.isSame($0.key, key) }
                return
            }
            if let index = index(of: key) { members[index].value = newValue } else { members.append((key, newValue)) }
        }
    }

    /// Adds a member without looking for the key: constant time, for parsers.
    mutating func append(_ key: String, _ value: JSON) {
        members.append((key, value))
    }

    private func index(of key: String) -> Int? {
        members.lastIndex { Self.isSame($0.key, key) }
    }

    /// `==` would equate different spellings of one character: U+212A KELVIN SIGN is a `K` to it.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8)
    }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) { $0.key == $1.key && $0.value == $1.value }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        for member in members {
            hasher.combine(member.key)
            hasher.combine(member.value)
        }
    }
}
