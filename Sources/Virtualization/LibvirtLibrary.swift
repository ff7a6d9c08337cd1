internal import CLibvirt
internal import Glibc
internal import Synchronization

/// libvirt's client library, opened when it is first needed. A host without it does without guests.
struct LibvirtLibrary: @unchecked Sendable {
    // Pointers to functions in the order of shim.h, written once.
    let functions: clibvirt_functions

    private static let file = "libvirt.so.0"
    private static let opened = Mutex<LibvirtLibrary?>(nil)

    /// The one of this process. Where it is missing it is looked for again at the next call: it may be installed meanwhile.
    static func shared() throws(LibvirtError) -> LibvirtLibrary {
        try opened.withLock { library throws(LibvirtError) in
            if let library { return library }
            let new = try load()
            library = new
            return new
        }
    }

    private static func load() throws(LibvirtError) -> LibvirtLibrary {
        var functions = clibvirt_functions()
        if let problem = clibvirt_load(file, &functions) {
            throw LibvirtError("open the library \(file)", String(cString: problem))
        }
        // It would print every error on standard error, beside giving it.
        functions.virSetErrorFunc(nil) { _, _ in }
        let library = LibvirtLibrary(functions: functions)
        try library.startEvents()
        return library
    }

    /// The thread by which libvirt notices that a daemon no longer answers (virConnectSetKeepAlive(3)).
    private func startEvents() throws(LibvirtError) {
        guard functions.virEventRegisterDefaultImpl() == 0 else { throw failure("prepare libvirt's events") }
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { _ in
                guard let library = try? LibvirtLibrary.shared() else { return nil }
                while library.functions.virEventRunDefaultImpl() == 0 {}
                return nil
            },
            nil
        )
        guard code == 0 else { throw LibvirtError("start libvirt's events", String(cString: strerror(code))) }
        pthread_detach(thread)
    }

    /// What this thread's last call failed with.
    func failure(_ operation: String) -> LibvirtError {
        LibvirtError(operation, functions.virGetLastErrorMessage().map { String(cString: $0) } ?? "unknown error")
    }
}
