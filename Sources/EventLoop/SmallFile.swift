internal import CLibuv

/// Whole files of a known bound, read and written at once: configuration and the ready file. Blocks; not for a loop's thread under load.
package enum SmallFile {
    package static func read(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try unsafe SystemError.checkPOSIX(wsg_open_read(path), "read \(path)")
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
        var count = 0
        while count < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { unsafe CLibuv.read(descriptor, $0.baseAddress! + count, $0.count - count) }
            if got == 0 { break }
            try SystemError.checkPOSIX(Int32(clamping: got), "read \(path)")
            count += got
        }
        guard count <= bytesMax else { throw SystemError("read \(path), which is larger than \(bytesMax) bytes", errno: EFBIG) }
        return Array(bytes[..<count])
    }

    /// Writes beside the target and renames: whoever looks sees the old file or the whole new one.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        let temporary = "\(path).\(ProcessResources.processID).new"
        let descriptor = try unsafe SystemError.checkPOSIX(wsg_open_write(temporary), "write \(temporary)")
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { unsafe CLibuv.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            guard count > 0 else {
                let error = SystemError("write \(temporary)", errno: SystemError.currentErrno)
                close(descriptor)
                unsafe unlink(temporary)
                throw error
            }
            written += count
        }
        close(descriptor)
        guard unsafe rename(temporary, path) == 0 else {
            let error = SystemError("rename \(temporary) to \(path)", errno: SystemError.currentErrno)
            unsafe unlink(temporary)
            throw error
        }
    }

    package static func remove(_ path: String) { unsafe unlink(path) }

    /// Writes a line to standard error with one call, so that lines of several threads do not mix.
    package static func writeToStandardError(_ line: String) { write(line, to: 2) }

    /// Writes to standard output at once: a pipe's reader waits for it as much as a terminal's.
    package static func writeToStandardOutput(_ text: String) { write(text, to: 1) }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = unsafe CLibuv.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
                guard count > 0 else { return }
                written += count
            }
        }
    }
}
