import Glibc
import HostModel
package import SystemPackage

/// The end of the agent's log, a screen of it, escaped for the terminal.
///
/// The log is a file, or where there is none the kernel's ring buffer, which init may send the agent's output to.
package struct LogTail: Sendable {
    package var file: FilePath
    package var kernelLog: FilePath

    package static let linesMax = 20
    /// Characters of one line.
    package static let lineMax = 400
    private static let bytesMax = 16 << 10
    /// Records of the ring buffer that are looked at.
    private static let recordsMax = 1 << 16

    package init(_ file: FilePath, kernelLog: FilePath = "/dev/kmsg") {
        (self.file, self.kernelLog) = (file, kernelLog)
    }

    package func lines() -> [String] {
        (fileLines() ?? kernelLines()).suffix(Self.linesMax).map { terminalEscaped($0.prefix(Self.lineMax)) }
    }

    /// `nil` when there is no file.
    private func fileLines() -> [String]? {
        guard let descriptor = try? FileDescriptor.open(file, .readOnly) else { return nil }
        defer { try? descriptor.close() }
        guard let size = try? descriptor.seek(offset: 0, from: .end) else { return nil }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        let start = max(0, size - Int64(Self.bytesMax))
        let count =
            (try? bytes.withUnsafeMutableBytes { try descriptor.read(fromAbsoluteOffset: start, into: $0) }) ?? 0
        return bytes.prefix(count).split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }

    /// One record a read: `priority,number,microseconds,flags;text`, further lines begin with a blank.
    private func kernelLines() -> [String] {
        let descriptor = open(kernelLog.string, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var lines: [String] = []
        var record = [UInt8](repeating: 0, count: 8192)
        for _ in 0..<Self.recordsMax {
            let count = read(descriptor, &record, record.count)
            // EPIPE: the kernel dropped records that we had not read yet.
            guard count > 0 || errno == EPIPE else { break }
            guard count > 0, let text = Self.text(record.prefix(count)) else { continue }
            lines.append(text)
            if lines.count > 2 * Self.linesMax { lines.removeFirst(Self.linesMax) }
        }
        return lines
    }

    package static func text(_ record: some Sequence<UInt8>) -> String? {
        let line = String(decoding: record.prefix { $0 != 10 }, as: UTF8.self)
        guard let semicolon = line.firstIndex(of: ";") else { return nil }
        return String(line[line.index(after: semicolon)...])
    }
}
