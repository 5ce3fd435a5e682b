internal import CLibuv

/// Standard input and output as this process got them, for the command line tools. Everything here blocks: not for a gateway's loops.
package enum StandardStreams {
    package static var outputIsTerminal: Bool { isatty(1) == 1 }
    package static var errorIsTerminal: Bool { isatty(2) == 1 }

    /// Columns of the terminal; 80 where it does not say.
    package static var outputColumns: Int {
        let columns = Int(wsg_terminal_columns(1))
        return columns > 0 ? columns : 80
    }

    /// Writes everything, waiting as long as the reader makes us. A reader that is gone ends the process by SIGPIPE, as it should; where
    /// that signal is ignored the bytes are dropped.
    package static func write(_ bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { unsafe CLibuv.write(1, $0.baseAddress! + written, $0.count - written) }
            if count >= 0 {
                written += count
            } else if SystemError.currentErrno == EAGAIN {
                // Somebody who shares the pipe made it non-blocking.
                _ = wsg_wait_until_writable(1)
            } else if SystemError.currentErrno != EINTR {
                return
            }
        }
    }

    package static func writeLine(_ line: String) { write(Array("\(line)\n".utf8)) }

    /// Waits for input and returns what is there, at most `bytesMax`; empty at its end.
    package static func read(bytesMax: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe CLibuv.read(0, $0.baseAddress, $0.count) }
            if count >= 0 {
                bytes.removeLast(bytesMax - count)
                return bytes
            }
            let error = SystemError.currentErrno
            if error != EINTR { throw SystemError("read standard input", errno: error) }
        }
    }
}
