/// Splits what a program says into lines, of which each is kept up to a limit: a program that never ends its line costs no
/// memory, and does not have to be stopped for it.
package struct BoundedLines: Sendable {
    /// Bytes of one line.
    package let limit: Int
    private var line: [UInt8] = []

    package init(limit: Int) { self.limit = limit }

    /// The lines that these bytes end.
    package mutating func take(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == 10 {
                if let line = finish() { lines.append(line) }
            } else if line.count < limit {
                line.append(byte)
            }
        }
        return lines
    }

    /// The line that was begun; `nil` for an empty one.
    package mutating func finish() -> String? {
        defer { line = [] }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}
