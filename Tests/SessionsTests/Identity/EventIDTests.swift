import Sessions
import Testing

@Suite struct EventIDTests {
    private static let epoch = "3w5e11264sgsf"

    @Test(arguments: [("1", 1), ("42", 42), ("9223372036854775807", UInt64(Int64.max))] as [(String, UInt64)])
    func `an id is an epoch and a sequence`(_ digits: String, _ sequence: UInt64) throws {
        let id = try EventID(parsing: "\(Self.epoch)-\(digits)")
        #expect(id.epoch.description == Self.epoch)
        #expect(id.sequence == sequence)
        #expect(id.description == "\(Self.epoch)-\(digits)")
    }

    @Test(arguments: [
        "", "0", "01", "-1", "+1", " 1", "1 ", "1-1", "1a", "９", "9223372036854775808", "9999999999999999999", "18446744073709551616",
        "99999999999999999999999999",
    ])
    func `a sequence is 1 to 2⁶³ - 1 in plain digits`(_ digits: String) {
        #expect(throws: EventIDError.malformedSequence) { try EventID(parsing: "\(Self.epoch)-\(digits)") }
    }

    @Test(
        arguments: [("", .noSequence), ("3w5e11264sgsf", .noSequence), ("-1", .malformedEpoch), ("abc-1", .malformedEpoch)]
            as [(String, EventIDError)])
    func `without an epoch or a dash it is no id`(_ text: String, _ error: EventIDError) {
        #expect(throws: error) { try EventID(parsing: text) }
    }
}
