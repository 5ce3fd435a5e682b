/// An optional number in a word of its own, where `Optional` takes a second one of each of ten thousand connections. The greatest number is nil.
@propertyWrapper
struct OneWord {
    private var word: UInt64

    init(wrappedValue: UInt64?) { word = wrappedValue ?? .max }

    var wrappedValue: UInt64? {
        get { word == .max ? nil : word }
        set { word = newValue ?? .max }
    }
}
