import CFaultVFS

/// A layer below SQLite that fails when told (Tests/Support/CFaultVFS).
@safe
final class FaultLayer {
    let name = "fault-\(UInt64.random(in: 0 ... .max))"
    private let handle: OpaquePointer

    init() { unsafe handle = fault_vfs_create(name) }
    deinit { unsafe fault_vfs_destroy(handle) }

    func fail(_ operation: fault_operation, nth: Int = 1, _ kind: fault_kind) { unsafe fault_vfs_fail(handle, operation, nth, kind) }
    func count(_ operation: fault_operation) -> Int { unsafe fault_vfs_count(handle, operation) }
    func cutPower(_ mode: cut_mode, seed: UInt64) -> Bool { unsafe fault_vfs_cut_power(handle, mode, seed) == 0 }
}
