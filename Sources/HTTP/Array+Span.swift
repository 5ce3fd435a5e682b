/// Copies in bulk, by pointer: initializing through an OutputSpan is not specialized from here, and cost a small copy 350 instructions.
extension [UInt8] {
    init(copying bytes: Span<UInt8>) {
        guard !bytes.isEmpty else {
            self = []
            return
        }
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }

    mutating func append(copying bytes: Span<UInt8>) {
        guard !bytes.isEmpty else { return }
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
