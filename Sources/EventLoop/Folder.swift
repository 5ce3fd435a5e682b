internal import CLibuv

/// Names in a folder. Blocks; not for a loop's thread under load.
package enum Folder {
    /// Of everything in it, `.` and `..` left out, in no order.
    package static func names(_ path: String) throws(SystemError) -> [String] {
        var request = unsafe uv_fs_t()
        defer { unsafe uv_fs_req_cleanup(&request) }
        // Without a callback libuv does it at once, and needs no loop.
        let count = unsafe uv_fs_scandir(nil, &request, path, 0, nil)
        try SystemError.check(Int32(clamping: count), "list \(path)")
        var names: [String] = []
        var entry = unsafe uv_dirent_t()
        while unsafe uv_fs_scandir_next(&request, &entry) == 0 { unsafe names.append(String(cString: entry.name)) }
        return names
    }
}
