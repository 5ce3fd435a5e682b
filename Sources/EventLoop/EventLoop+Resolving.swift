internal import CLibuv

extension EventLoop {
    /// The first address of a host: a numeric one, `localhost` (127.0.0.1), or what the system's resolver says of a name. A name is looked up while the
    /// caller waits, for seconds where the resolver does not answer: for tools, not for a loop that serves others.
    package func address(ofHost host: String, port: UInt16) throws(SystemError) -> SocketAddress {
        if let known = SocketAddress(host: host == "localhost" ? "127.0.0.1" : host, port: port) { return known }
        var hints = unsafe addrinfo()
        // An IPv6 address is of no use where this machine has none.
        unsafe hints.ai_flags = Int32(AI_ADDRCONFIG)
        var request = unsafe uv_getaddrinfo_t()
        // Without a callback it is done when it returns.
        try unsafe SystemError.check(uv_getaddrinfo(pointer, &request, nil, host, nil, &hints), "look up \(host)")
        defer { unsafe uv_freeaddrinfo(request.addrinfo) }
        var entry = unsafe request.addrinfo
        while let found = unsafe entry {
            if let bytes = unsafe found.pointee.ai_addr, [AF_INET, AF_INET6].contains(unsafe found.pointee.ai_family) {
                var storage = sockaddr_storage()
                let count = min(Int(unsafe found.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
                unsafe withUnsafeMutableBytes(of: &storage) {
                    unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count))
                }
                return SocketAddress(storage).with(port: port)
            }
            unsafe entry = unsafe found.pointee.ai_next
        }
        throw SystemError("look up \(host)", errno: -Int32(UV_EAI_NONAME.rawValue))
    }
}
