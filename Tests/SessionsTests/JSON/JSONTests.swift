import Sessions
import Testing

@Suite struct JSONTests {
    @Test func `literals keep their order`() {
        let value: JSON = ["b": 1, "a": [nil, true, 2.5, "x"], "c": [:]]
        #expect(value.encoded == #"{"b":1,"a":[null,true,2.5,"x"],"c":{}}"#)
    }

    @Test(
        arguments: [
            (.int(0), "0"), (.int(.min), "-9223372036854775808"), (.int(.max), "9223372036854775807"), (.double(0.1), "0.1"),
            (.double(1), "1.0"),
            (.double(-0.0), "-0.0"), (.double(1e20), "1e+20"), (.double(.leastNonzeroMagnitude), "5e-324"),
            (.double(.greatestFiniteMagnitude), "1.7976931348623157e+308"),
            (.double(.nan), "null"), (.double(.infinity), "null"), (.double(-.infinity), "null"),
            (.string("a\"\\\n\u{1}é"), "\"a\\\"\\\\\\n\\u0001é\""),
        ] as [(JSON, String)])
    func `values are written as valid JSON`(_ value: JSON, _ text: String) {
        #expect(value.encoded == text)
    }

    @Test(
        arguments: [
            ("9223372036854775807", .int(.max)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("-9223372036854775808", .int(.min)),
            ("1.0", .double(1)), ("1e3", .double(1000)), ("0.1", .double(0.1)), ("1e-400", .double(0)), (" [1, \"\\u00e9\"] ", [1, "é"]),
            ("true", true),
            ("false", false), ("null", nil), ("{\"a\":{\"b\":[]}}", ["a": ["b": []]]),
        ] as [(String, JSON)])
    func `texts are read as the value they stand for`(_ text: String, _ value: JSON) throws {
        #expect(try JSON.parse(text) == value)
    }

    @Test func `a number beyond a double is refused, not made infinite`() {
        #expect(throws: InvalidJSON.self) { try JSON.parse("[1e400]") }
    }

    @Test func `an error names the place and the byte`() throws {
        let error = try #require(throws: InvalidJSON.self) { try JSON.parse("{\"a\":[1,2,x]}") }
        #expect(error.place == "a[2]")
        #expect(error.offset == 10)
        #expect(error.description == "invalid JSON at a[2] (byte 10): a value is expected")
    }

    @Test func `the 65th level is refused`() throws {
        _ = try JSON.parse(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
        #expect(throws: InvalidJSON.self) { try JSON.parse(String(repeating: "[", count: 65) + String(repeating: "]", count: 65)) }
    }

    @Test func `accessors answer for their own kind only`() {
        let value: JSON = ["int": 1, "double": 1.5, "string": "x", "bool": true, "array": [1], "object": ["a": 1]]
        #expect(value["int"]?.intValue == 1)
        #expect(value["int"]?.doubleValue == 1)
        #expect(value["double"]?.doubleValue == 1.5)
        #expect(value["double"]?.intValue == nil)
        #expect(value["string"]?.stringValue == "x")
        #expect(value["bool"]?.boolValue == true)
        #expect(value["array"]?.arrayValue == [1])
        #expect(value["object"]?["a"] == 1)
        #expect(value["none"] == nil)
        #expect(JSON.null["a"] == nil)
    }
}
