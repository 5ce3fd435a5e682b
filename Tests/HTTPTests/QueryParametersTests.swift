import HTTP
import Testing

struct QueryParametersTests {
    @Test func `parameters are split and decoded`() throws {
        let query = try QueryParameters("token=a.b%2Bc+d&join=all&empty=&bare&a%20b=%C3%A9&eq=a=b&&")
        #expect(query.names == ["token", "join", "empty", "bare", "a b", "eq"])
        #expect(query.first("token") == "a.b+c+d")
        #expect(query.first("empty") == "")
        #expect(query.first("bare") == "")
        #expect(query.first("a b") == "é")
        #expect(query.first("eq") == "a=b")
        #expect(query.first("Join") == nil)
    }

    @Test func `no query and an empty one have no parameters`() throws {
        #expect(try QueryParameters(nil).names.isEmpty)
        #expect(try QueryParameters("").names.isEmpty)
        #expect(try QueryParameters("&&").names.isEmpty)
    }

    @Test(
        arguments: [
            ("a=%", .escapeMalformed("a")), ("a=%4", .escapeMalformed("a")), ("a=%g1", .escapeMalformed("a")),
            ("a=%1g", .escapeMalformed("a")),
            ("a=%%41", .escapeMalformed("a")), ("%zz=1", .escapeMalformed("%zz")), ("a=%FF", .notUTF8("a")), ("a=%C3", .notUTF8("a")),
            ("a=%ED%A0%80", .notUTF8("a")), ("a=%C0%80", .notUTF8("a")), ("%FF=1", .notUTF8("%FF")), ("a=1&a=1", .duplicate("a")),
            ("a=1&%61=2", .duplicate("a")), ("=1", .nameEmpty), ("=", .nameEmpty),
        ] as [(String, QueryError)])
    func `a query that can be read in two ways is refused`(query: String, error: QueryError) {
        #expect(throws: error) { try QueryParameters(query) }
    }

    @Test func `32 parameters are taken and 33 refused`() throws {
        let parameters = (0..<33).map { "p\($0)=\($0)" }
        #expect(try QueryParameters(parameters.prefix(32).joined(separator: "&")).names.count == 32)
        #expect(throws: QueryError.tooMany) { try QueryParameters(parameters.joined(separator: "&")) }
    }
}
