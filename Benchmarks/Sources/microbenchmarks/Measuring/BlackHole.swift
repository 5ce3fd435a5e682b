import micromeasure

/// Makes the compiler believe that someone reads the value: whatever it is made of is really made.
@inline(never)
func blackHole<Value>(_ value: Value) {
    unsafe withUnsafePointer(to: value) { unsafe wsg_swallow($0) }
}
