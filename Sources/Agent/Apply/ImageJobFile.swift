import AgentWire
import Glibc
import HostModel
import SystemPackage

/// The node's last work on its disks, below /run: an `apply` that was killed leaves there what it was at.
struct ImageJobFile: Sendable {
    struct Entry: Hashable, Sendable, Codable {
        var job: NodeJob
        /// The program that does it, while it runs.
        var process: ProcessMark?
    }

    private let directory: NodeDirectory
    private static let name = "image-job.json"

    init(in directory: NodeDirectory) { self.directory = directory }

    /// `nil` where there is none, or none that can be read.
    func read() -> Entry? { directory.value(Entry.self, in: Self.name) }

    /// On disk when this returns.
    func write(_ entry: Entry) throws {
        try directory.write(value: entry, to: Self.name, permissions: [.ownerReadWrite])
    }
}

/// One process, told from another that got its number later.
struct ProcessMark: Hashable, Sendable, Codable {
    var pid: pid_t
    /// Ticks since the machine started (proc(5), field 22 of /proc/PID/stat).
    var started: UInt64

    /// `nil` where there is no such process.
    init?(_ pid: pid_t) {
        guard pid > 1, let bytes = try? readFile(FilePath("/proc/\(pid)/stat"), limit: 4096) else { return nil }
        // The program's name stands in parentheses and may hold anything.
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", let started = UInt64(fields[19]) else { return nil }
        (self.pid, self.started) = (pid, started)
    }

    var isAlive: Bool { ProcessMark(pid) == self }

    /// Asks the process to end, then ends it. Returns when it is gone.
    func end() async {
        for signal in [SIGTERM, SIGKILL] {
            guard isAlive else { return }
            kill(pid, signal)
            for _ in 0..<Self.looks where isAlive { try? await Task.sleep(for: Self.pause) }
        }
    }

    /// How often, and how many times after each signal, it is looked whether it is gone.
    private static let pause = Duration.milliseconds(50)
    private static let looks = 200
}
