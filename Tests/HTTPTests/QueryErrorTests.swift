import HTTP
import Testing

struct QueryErrorTests {
    @Test func `a message names the parameter, cut and without control characters`() {
        #expect(QueryError.escapeMalformed("join").message.contains("'join'"))
        #expect(QueryError.notUTF8("a\nb\u{1B}é").message.contains("'a?b??'"))
        #expect(QueryError.duplicate(String(repeating: "n", count: 100)).message.contains("'\(String(repeating: "n", count: 64))'"))
        #expect(QueryError.tooMany.message.contains("32"))
        #expect(!QueryError.nameEmpty.message.isEmpty)
    }
}
