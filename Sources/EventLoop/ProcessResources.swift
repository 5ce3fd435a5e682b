internal import CLibuv

/// What the operating system grants and what this process uses of it.
package enum ProcessResources {
    /// Raises the soft descriptor limit to the hard one and returns it.
    package static func raiseDescriptorLimit() -> Int {
        var limit = rlimit()
        guard unsafe wsg_file_limit(&limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = raised.rlim_max
            if unsafe wsg_set_file_limit(&raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Cores this process may use.
    package static var cores: Int { max(1, Int(uv_available_parallelism())) }

    /// Memory this process may use, in bytes: the machine's, or its container's where that is less.
    package static var memoryBytes: Int {
        let (machine, limit) = (uv_get_total_memory(), uv_get_constrained_memory())
        return Int(clamping: limit > 0 && limit < machine ? limit : machine)
    }

    /// The calling thread will need so many bytes more, in small pieces: they are asked of the system at once.
    package static func prepareToAllocate(_ bytes: Int) { wsg_widen_heap(bytes) }

    /// Resident memory in bytes.
    package static var residentBytes: UInt64 {
        var bytes = 0
        return unsafe uv_resident_set_memory(&bytes) == 0 ? UInt64(bytes) : 0
    }

    /// CPU time used, user and system, in seconds.
    package static var cpuSeconds: Double {
        var usage = uv_rusage_t()
        guard unsafe uv_getrusage(&usage) == 0 else { return 0 }
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    /// Descriptors open now.
    package static var openDescriptors: Int {
        var request = unsafe uv_fs_t()
        defer { unsafe uv_fs_req_cleanup(&request) }
        let count = unsafe uv_fs_scandir(nil, &request, "/proc/self/fd", 0, nil)
        // The scan's own descriptor is among them.
        return max(0, Int(count) - 1)
    }

    /// Ends the process now: no thread is waited for, nothing is flushed.
    package static func exitNow(_ code: Int32) -> Never { _exit(code) }

    package static var processID: Int32 { uv_os_getpid() }
}

extension ProcessResources {
    /// The environment, where names and values are UTF-8.
    package static var environment: [String: String] {
        var items: UnsafeMutablePointer<uv_env_item_t>?
        var count: Int32 = 0
        guard unsafe uv_os_environ(&items, &count) == 0, let items = unsafe items else { return [:] }
        defer { unsafe uv_os_free_environ(items, count) }
        var environment: [String: String] = [:]
        for i in 0..<Int(count) {
            guard let name = unsafe String(validatingCString: items[i].name), let value = unsafe String(validatingCString: items[i].value)
            else { continue }
            environment[name] = value
        }
        return environment
    }
}
