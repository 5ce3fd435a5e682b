import Glibc

/// The executable has one name per target (links in the build folder), so that one build serves them all.
/// Set once, before any input.
private nonisolated(unsafe) var target: any FuzzTarget.Type = JSONTarget.self

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ argumentCount: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>
) -> CInt {
    let path = unsafe String(cString: arguments.pointee[0]).split(separator: "/", omittingEmptySubsequences: false)
    let name = path.last ?? ""
    // .build-fuzz/bin/TARGET
    unsafe FuzzIdentity.folder = (path.dropLast() + [".."]).joined(separator: "/")
    if name == "list" {
        for target in FuzzTargets.all { print(target.name) }
        exit(0)
    }
    guard let found = FuzzTargets.all.first(where: { $0.name == name }) else { fatalError("there is no target \(name)") }
    unsafe target = found
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // An array of its own, so that AddressSanitizer sees a read beyond either end.
    unsafe target.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
