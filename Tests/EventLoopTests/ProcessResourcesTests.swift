import EventLoop
import Glibc
import Testing

@Suite("The process")
struct ProcessResourcesTests {
    @Test func `the descriptor limit is raised to the hard one`() {
        let limit = ProcessResources.raiseDescriptorLimit()
        #expect(limit >= 64)
        #expect(ProcessResources.raiseDescriptorLimit() == limit)
    }

    @Test func `what the process uses is told`() {
        #expect(ProcessResources.cores >= 1)
        #expect(ProcessResources.residentBytes > 1_000_000)
        #expect(ProcessResources.cpuSeconds > 0)
        #expect(ProcessResources.openDescriptors >= 3)
        #expect(ProcessResources.processID == getpid())
        #expect(ProcessResources.environment["PATH"]?.isEmpty == false)
    }

    @Test func `memory that is asked for ahead is memory that is given out, of any size`() {
        for bytes in [0, 1, 4096, 8192, 8193, 98_304, 1_000_000] { ProcessResources.prepareToAllocate(bytes) }
        let given = (0..<1000).map { Array(repeating: UInt8(truncatingIfNeeded: $0), count: 100) }
        #expect(given.enumerated().allSatisfy { index, bytes in bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: index) } })
    }

    @Test func `open descriptors are counted`() async {
        // In a process of its own: other tests open some too.
        await #expect(processExitsWith: .success) {
            let before = ProcessResources.openDescriptors
            let opened = (0..<50).map { _ in dup(0) }
            // Swift's own runtime opens a timer or two meanwhile.
            #expect((before + 50...before + 55).contains(ProcessResources.openDescriptors))
            for descriptor in opened { close(descriptor) }
            #expect(ProcessResources.openDescriptors <= before + 5)
        }
    }
}
