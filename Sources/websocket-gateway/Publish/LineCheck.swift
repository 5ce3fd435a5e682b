import Sessions

/// Finds a bad line before it is sent, by the gateway's own rules: what stands after it in the pipeline would be published before its
/// refusal arrived. The gateway still decides: its limits may be narrower.
enum LineCheck {
    /// What is wrong with the line; nil when nothing is.
    static func fault(in line: NumberedLine) -> String? {
        var limits = EventLimits()
        limits.eventBytesMax = .max
        do throws(InvalidEvent) {
            let parsed = try EventParser.parse(line.bytes.span, format: .json, limits: limits)
            return parsed.isBatch ? "an array; put one event, an object, on each line" : nil
        } catch {
            return "\(error.code): \(error.message)"
        }
    }
}
