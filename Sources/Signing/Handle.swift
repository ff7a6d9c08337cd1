import COpenSSL

/// Owns one object of OpenSSL's; every way out of its scope frees it.
struct Handle: ~Copyable {
    /// Valid as long as the handle is: bind the handle to a name, a temporary one is gone after the expression.
    let pointer: OpaquePointer
    private let free: (OpaquePointer) -> Void

    /// Throws what OpenSSL queued when there is no object.
    init(
        _ pointer: OpaquePointer?,
        freedBy free: @escaping (OpaquePointer) -> Void,
        _ operation: String
    ) throws(SigningError) {
        guard let pointer else { throw .library(operation) }
        (self.pointer, self.free) = (pointer, free)
    }

    deinit { free(pointer) }

    /// A BIO that grows in memory.
    static func memory() throws(SigningError) -> Handle {
        try Handle(BIO_new(BIO_s_mem()), freedBy: { BIO_free_all($0) }, "allocate memory")
    }

    /// A BIO that holds these bytes.
    static func memory(_ bytes: some Collection<UInt8>) throws(SigningError) -> Handle {
        let bio = try memory()
        let count = bytes.withContiguousStorageIfAvailable { Self.write($0, to: bio.pointer) }
        let written = count ?? Array(bytes).withUnsafeBufferPointer { Self.write($0, to: bio.pointer) }
        guard written == bytes.count else { throw .library("copy \(bytes.count) bytes") }
        return bio
    }

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to bio: OpaquePointer) -> Int {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return 0 }
        return Int(BIO_write(bio, base, CInt(clamping: bytes.count)))
    }

    /// What was written to a BIO of memory.
    borrowing func contents() -> [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = muster_bio_bytes(pointer, &start)
        guard let start, count > 0 else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

/// Turns OpenSSL's 1 for success into an error.
func check(_ code: CInt, _ operation: String) throws(SigningError) {
    guard code == 1 else { throw .library(operation) }
}
