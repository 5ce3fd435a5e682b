import Sessions
import Testing

@Suite struct JSONObjectTests {
    @Test func `setting replaces in place, adds at the end, and removes on nil`() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        #expect(object.encoded == #"{"a":3,"b":2,"c":4}"#)
        object["b"] = nil
        object["a"] = .some(.null)
        #expect(object.encoded == #"{"a":null,"c":4}"#)
        #expect(object.keys == ["a", "c"])
    }

    @Test func `of two members of one name the last counts`() throws {
        let value = try JSON.parse(#"{"a":1,"a":2}"#)
        #expect(value["a"] == 2)
        #expect(value.objectValue?.count == 2)
    }

    @Test func `keys are compared byte for byte`() {
        let object: JSONObject = ["\u{212A}": 1]
        #expect(object["K"] == nil)
    }

    @Test func `order is part of equality`() {
        #expect(["a": 1, "b": 2] as JSONObject == ["a": 1, "b": 2])
        #expect(["a": 1, "b": 2] as JSONObject != ["b": 2, "a": 1])
        #expect((["a": 1] as JSONObject).hashValue == (["a": 1] as JSONObject).hashValue)
    }
}
