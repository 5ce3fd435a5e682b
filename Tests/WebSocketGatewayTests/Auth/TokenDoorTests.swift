import Testing

@testable import WebSocketGateway

@Suite("The door")
struct TokenDoorTests {
    private let maker = TokenMaker()
    private static let now: Int64 = 1_800_000_000 * 1_000_000

    private func identify(_ token: String, at door: TokenDoor, after seconds: Int64 = 0, mayLook: Bool = true) throws(TokenFault)
        -> Identity
    {
        try door.identify(token.utf8.span, now: Self.now + seconds * 1_000_000) { mayLook }
    }

    @Test(arguments: [true, false]) func `a token is good until it ends, known or not`(_ caches: Bool) throws {
        let door = TokenDoor(try maker.keys(), caches: caches)
        let token = maker.token(#"{"sub":"anna","exp":1800000060}"#)
        for seconds: Int64 in [0, 1, 60, 89] { #expect(try identify(token, at: door, after: seconds).subject == "anna") }
        for seconds: Int64 in [90, 91, 1000] { #expect(throws: TokenFault.expired) { try identify(token, at: door, after: seconds) } }
    }

    @Test func `a token that was good once is known without looking, and no other is`() throws {
        let door = TokenDoor(try maker.keys())
        let token = maker.token(#"{"sub":"anna"}"#)
        #expect(throws: TokenFault.rate) { try identify(token, at: door, mayLook: false) }
        _ = try identify(token, at: door)
        #expect(try identify(token, at: door, mayLook: false).subject == "anna")
        #expect(throws: TokenFault.rate) { try identify(token + "A", at: door, mayLook: false) }
        #expect(throws: TokenFault.self) { try identify(String(token.dropLast()), at: door) }
    }

    @Test func `with other keys nothing is known any more`() throws {
        let door = TokenDoor(try maker.keys())
        let token = maker.token(#"{"sub":"anna"}"#)
        _ = try identify(token, at: door)
        door.replace(try TokenMaker("x").keys())
        #expect(throws: TokenFault.signature) { try identify(token, at: door) }
        let none = TokenDoor(nil)
        #expect(!none.asksForTokens)
        #expect(throws: TokenFault.missing) { try identify(token, at: none) }
    }

    @Test func `several threads come to one door, and keys are changed meanwhile`() async throws {
        let door = TokenDoor(try maker.keys())
        let others = TokenMaker("x")
        let (old, new) = (maker.token(#"{"sub":"old"}"#), others.token(#"{"sub":"new"}"#))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    if number == 100, let keys = try? others.keys() { door.replace(keys) }
                    for token in [old, new] { _ = try? identify(token, at: door) }
                }
            }
        }
        #expect(throws: TokenFault.signature) { try identify(old, at: door) }
        #expect(try identify(new, at: door).subject == "new")
    }

    @Test func `what is too long is not even hashed`() throws {
        let door = TokenDoor(try maker.keys())
        #expect(throws: TokenFault.malformed) { try identify(String(repeating: "A", count: Token.bytesMax + 1), at: door, mayLook: false) }
    }

    @Test func `a door without keys lacks them until there is one`() throws {
        let keys = try maker.keys()
        let door = TokenDoor(TokenKeys(entries: [], expected: keys.expected))
        #expect(door.lacksKeys)
        door.replace(keys)
        #expect(!door.lacksKeys)
        #expect(!TokenDoor(nil).lacksKeys, "no token is asked for")
    }
}
