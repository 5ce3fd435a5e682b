import ArgumentParser
import EventLoop

/// The event loop of a command line tool, on the calling thread: runs until the tool said how it ends and closed what it opened.
final class ToolLoop {
    let loop: EventLoop
    /// Ctrl-C or SIGTERM.
    var interrupted: (() -> Void)?
    private var signals: [SignalSource] = []
    private var exitCode: Int32?

    private init() throws(SystemError) { loop = try EventLoop() }

    /// Runs `start` and then the loop. Throws the exit code where it is not 0.
    static func run(_ start: (ToolLoop) throws(SystemError) -> Void) throws {
        let code: Int32
        do throws(SystemError) {
            let tool = try ToolLoop()
            for signal in [SignalSource.interrupt, SignalSource.terminate] {
                tool.signals.append(try SignalSource(tool.loop, signal: signal) { [unowned tool] in tool.interrupted?() })
            }
            try start(tool)
            tool.loop.run()
            tool.interrupted = nil
            code = tool.exitCode ?? 0
        } catch {
            FailedStart.tell(error.description)
            throw ExitCode(1)
        }
        if code != 0 { throw ExitCode(code) }
    }

    /// The tool is done; from here on Ctrl-C kills. The loop ends when the tool's own handles are closed.
    func finish(_ code: Int32) {
        guard exitCode == nil else { return }
        exitCode = code
        for signal in signals { signal.close() }
        signals = []
    }

    var isFinished: Bool { exitCode != nil }
}
