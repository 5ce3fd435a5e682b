/// Why a history cannot be opened: whose fault it is, and what to do. The file was not written.
package enum StoreOpenError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such directory, it is none, or this process may not write there.
    case directory(String, reason: String)
    /// Another process, or another gateway in this one, has it open.
    case inUse(directory: String, process: Int32?)
    /// There is a file in our file's place that is not ours.
    case foreign(path: String)
    /// The file is of a later version of the gateway, whose tables this one does not know.
    case newer(path: String, version: Int, known: Int)
    /// The file is ours and broken.
    case damaged(path: String, reason: String)
    /// The system does not let us: permissions, no room, a failing disk.
    case system(path: String, reason: String)

    package var description: String {
        switch self {
        case .directory(let directory, let reason):
            "\(directory): \(reason); the history needs a directory that exists and that this user may write to"
        case .inUse(let directory, let process?):
            "\(directory) is in use by process \(process); a history has one gateway: end that one, or choose another directory"
        case .inUse(let directory, nil):
            "\(directory) is in use by another process; a history has one gateway: end that one, or choose another directory"
        case .foreign(let path):
            "\(path) was not written by this gateway and is left alone; move it away, or choose another directory"
        case .newer(let path, let version, let known):
            "\(path) was written by a newer version (its tables are version \(version), this one knows \(known)); run that version, or choose another directory"
        case .damaged(let path, let reason):
            "\(path) is damaged (\(reason)) and is left alone; restore a copy, or move it away with its -wal file and begin anew"
        case .system(let path, let reason):
            "\(path): \(reason)"
        }
    }
}
