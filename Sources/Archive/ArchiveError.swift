/// What went wrong, in which file. libarchive's warnings are errors too: after most of them an entry is missing.
package struct ArchiveError: Error, Hashable, Sendable {
    /// What was being done, as in "could not …": `write usr/bin/tool`.
    package var operation: String
    /// The archive.
    package var path: String
    /// libarchive's or the kernel's own words.
    package var detail: String
    /// errno(3) as libarchive passed it on; 0 where there was none.
    package var code: CInt

    package init(operation: String, path: String, detail: String, code: CInt = 0) {
        (self.operation, self.path, self.detail, self.code) = (operation, path, detail, code)
    }
}

extension ArchiveError: CustomStringConvertible {
    package var description: String { "could not \(operation) (\(path)): \(detail)" }
}
