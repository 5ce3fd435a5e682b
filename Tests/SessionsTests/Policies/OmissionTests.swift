import Testing

@testable import Sessions

@Suite("Omissions")
struct OmissionTests {
    private func omission(_ sequence: UInt64, _ type: String = "tick") throws -> Omission {
        Omission(EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: sequence), type: type)
    }

    @Test func `neighbours are one range, others their own, and each type is named once`() throws {
        var whole = try omission(4)
        for (sequence, type) in [(5, "tick"), (6, "tock"), (8, "tick"), (9, "tick")] as [(UInt64, String)] {
            whole.append(try omission(sequence, type))
        }
        #expect(whole.ranges == [4...6, 8...9])
        #expect(whole.types == ["tick", "tock"])
        #expect(whole.ids.map(\.first.description) == ["0123456789abc-4", "0123456789abc-8"])
        #expect(whole.ids.map(\.last.description) == ["0123456789abc-6", "0123456789abc-9"])
    }

    @Test func `two that border on each other become one`() throws {
        var (left, right) = (try omission(1), try omission(3))
        left.append(try omission(2))
        right.append(try omission(5))
        left.append(right)
        #expect(left.ranges == [1...3, 5...5])
    }
}
