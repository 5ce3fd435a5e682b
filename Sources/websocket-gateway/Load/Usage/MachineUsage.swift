import EventLoop

/// How long the cores of this machine were busy so far, all together, whoever kept them busy: what a server leaves to threads of the kernel
/// is in here and nowhere else.
struct MachineUsage: Equatable {
    /// Of the first line of /proc/stat: user, nice, system, irq, softirq and steal.
    let busyTicks: UInt64

    /// nil where there is no /proc/stat of that form.
    static func read() -> MachineUsage? {
        guard let text = try? SmallFile.read("/proc/stat", bytesMax: bytesMax) else { return nil }
        return MachineUsage(stat: text)
    }

    /// `cpu  <user> <nice> <system> <idle> <iowait> <irq> <softirq> <steal> …`, in ticks; what guests used is in user and nice already.
    init?(stat text: [UInt8]) {
        let line = text.prefix { $0 != UInt8(ascii: "\n") }
        let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.first == "cpu", fields.count >= 9 else { return nil }
        var busy: UInt64 = 0
        for index in [1, 2, 3, 6, 7, 8] {
            guard let ticks = UInt64(fields[index]) else { return nil }
            busy += ticks
        }
        busyTicks = busy
    }

    func seconds(since before: MachineUsage) -> Double {
        busyTicks > before.busyTicks ? Double(busyTicks - before.busyTicks) * ProcessUsage.Ticks.seconds : 0
    }

    /// A line for each core, and one with a number for each interrupt of a machine of any size.
    private static let bytesMax = 1_048_576
}
