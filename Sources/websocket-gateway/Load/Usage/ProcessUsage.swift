import EventLoop

/// What one process used of the CPU so far, as Linux tells it in /proc.
///
/// `schedstat` counts nanoseconds, for each thread that lives; `stat` tells user from system, in ticks, for the whole process.
struct ProcessUsage: Equatable {
    /// Nanoseconds on a CPU of each thread, by the thread's id.
    var threads: [String: UInt64]
    var ticks: Ticks

    /// Time in user and in system mode, in ticks.
    struct Ticks: Equatable {
        /// USER_HZ is 100 wherever Swift runs.
        static let seconds = 0.01

        var user: UInt64
        var system: UInt64
    }

    /// Why a process cannot be looked at.
    enum Fault: Error, Equatable {
        case noSuchProcess(Int32)
        /// The file, and what is the matter with it.
        case unreadable(String)
        case notLinux

        /// For people.
        var reason: String {
            switch self {
            case .noSuchProcess(let process): "there is no process \(process)"
            case .unreadable(let reason): reason
            case .notLinux: "the CPU time of other processes is read from /proc, which only Linux has"
            }
        }
    }

    static func read(_ process: Int32) throws(Fault) -> ProcessUsage {
        #if os(Linux)
        let path = "/proc/\(process)/stat"
        guard let ticks = ticks(stat: try content(path, of: process)) else { throw .unreadable("\(path) has another form") }
        return ProcessUsage(threads: try threads(process), ticks: ticks)
        #else
        throw .notLinux
        #endif
    }

    private static func threads(_ process: Int32) throws(Fault) -> [String: UInt64] {
        let folder = "/proc/\(process)/task"
        let names: [String]
        do throws(SystemError) { names = try Folder.names(folder) } catch { throw fault(error, of: process) }
        var threads: [String: UInt64] = [:]
        for thread in names {
            let path = "\(folder)/\(thread)/schedstat"
            do throws(Fault) {
                guard let time = nanoseconds(schedstat: try content(path, of: process)) else {
                    throw .unreadable("\(path) has another form")
                }
                threads[thread] = time
            } catch .noSuchProcess where thread != "\(process)" {
                // It ended between the list and the look. The first thread is there for as long as its process is.
                continue
            }
        }
        return threads
    }

    private static func content(_ path: String, of process: Int32) throws(Fault) -> [UInt8] {
        do throws(SystemError) { return try SmallFile.read(path, bytesMax: 16_384) } catch { throw fault(error, of: process) }
    }

    private static func fault(_ error: SystemError, of process: Int32) -> Fault {
        error.isNotFound ? .noSuchProcess(process) : .unreadable(error.description)
    }

    // MARK: Forms

    /// `<nanoseconds on a CPU> <nanoseconds waiting for one> <time slices>`.
    static func nanoseconds(schedstat text: [UInt8]) -> UInt64? {
        let fields = text.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
        guard fields.count >= 3 else { return nil }
        return UInt64(String(decoding: fields[0], as: UTF8.self))
    }

    /// `<id> (<name>) <state> …`: user and system time are fields 14 and 15. The name is the process's own choice, with brackets and spaces
    /// in it where it likes; nothing behind its last bracket is.
    static func ticks(stat text: [UInt8]) -> Ticks? {
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return Ticks(user: user, system: system)
    }
}
