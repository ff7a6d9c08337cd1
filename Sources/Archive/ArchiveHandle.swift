import CArchive

/// An owner of a libarchive handle, and how it turns libarchive's answers into errors.
protocol ArchiveHandle: ~Copyable {
    var handle: OpaquePointer { get }
    /// The archive's name, for messages.
    var path: String { get }
}

extension ArchiveHandle where Self: ~Copyable {
    /// Everything but complete success is an error: after most warnings an entry is missing.
    borrowing func check(_ code: CInt, _ operation: String) throws(ArchiveError) {
        if code != ARCHIVE_OK { throw lastFailure(operation, "libarchive code \(code)") }
    }

    /// What libarchive says about its last call; `otherwise` where it says nothing.
    borrowing func lastFailure(_ operation: String, _ otherwise: String) -> ArchiveError {
        let detail = archive_error_string(handle).map { String(cString: $0) } ?? otherwise
        return ArchiveError(operation: operation, path: path, detail: detail, code: archive_errno(handle))
    }

    borrowing func failure(_ operation: String, _ detail: String) -> ArchiveError {
        ArchiveError(operation: operation, path: path, detail: detail)
    }

    /// Content of the entry whose header was written last.
    borrowing func writeContent(_ bytes: UnsafeRawBufferPointer, _ operation: String) throws(ArchiveError) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        let written = archive_write_data(handle, base, bytes.count)
        guard written == bytes.count else { throw lastFailure(operation, "only \(written) bytes were taken") }
    }

    borrowing func writeContent(_ bytes: [UInt8], _ operation: String) throws(ArchiveError) {
        var thrown: ArchiveError?
        bytes.withUnsafeBytes { bytes in
            do throws(ArchiveError) { try writeContent(bytes, operation) } catch { thrown = error }
        }
        if let thrown { throw thrown }
    }
}
