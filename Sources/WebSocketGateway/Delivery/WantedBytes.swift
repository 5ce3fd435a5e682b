internal import Sessions

/// What filters leave of one batch, joined once for all members that have the same filter: one send for each, as for those without.
struct WantedBytes {
    private var forms: [(filter: TypeFilter, encoding: Encoding, bytes: [UInt8])] = []

    /// Pages have a handful of filters. Whoever comes with more has its events joined for itself.
    static let formsMax = 16

    /// Another batch comes.
    mutating func removeAll() { if !forms.isEmpty { forms.removeAll(keepingCapacity: true) } }

    /// The wanted frames' bytes, in their order; empty where none is wanted.
    mutating func bytes(of batch: Batch, by filter: TypeFilter, in encoding: Encoding) -> [UInt8] {
        if batch.frames.count == 1 { return batch.frames[0].isWanted(by: filter) ? batch.frames[0].bytes(in: encoding) : [] }
        for form in forms where form.encoding == encoding && form.filter == filter { return form.bytes }
        var bytes: [UInt8] = []
        for frame in batch.frames where frame.isWanted(by: filter) { bytes.append(contentsOf: frame.bytes(in: encoding)) }
        if forms.count < Self.formsMax { forms.append((filter, encoding, bytes)) }
        return bytes
    }
}
