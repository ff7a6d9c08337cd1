/// What /proc/meminfo says, in kibibytes.
package struct MemoryInformation: Hashable, Sendable {
    private let values: [String: Int]

    package init(meminfo text: some StringProtocol) {
        var values: [String: Int] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count >= 2, words[0].hasSuffix(":"), let value = Int(words[1]) else { continue }
            values[String(words[0].dropLast())] = value
        }
        self.values = values
    }

    /// Of one NUMA node: `Node 0 MemTotal:  16303384 kB`.
    package init(nodeMeminfo text: some StringProtocol) {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            line.split(separator: " ").dropFirst(2).joined(separator: " ")
        }
        self.init(meminfo: lines.joined(separator: "\n"))
    }

    /// Kibibytes; 0 for a field that the kernel does not give.
    package subscript(_ name: String) -> Int { values[name] ?? 0 }

    /// Mebibytes.
    package func mebibytes(_ name: String) -> Int { self[name] / 1024 }

    /// Free, or given back at once: what VDSM calls free.
    package var available: Int { (self["MemFree"] + self["Buffers"] + self["Cached"]) / 1024 }

    /// 0 to 100.
    package var usedPercent: Int {
        let total = self["MemTotal"] / 1024
        return total == 0 ? 0 : max(0, 100 - available * 100 / total)
    }
}
