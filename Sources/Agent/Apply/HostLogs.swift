import AgentWire
import Glibc
import HostModel
import Subprocess
import Synchronization
import SystemPackage

/// The ends of this host's logs: the agent's own file, systemd's journal of this boot, and the kernel's ring. What a host
/// does not have is left out; what it has and can not be read says so in its last line.
struct HostLogs: Sendable {
    var agent: FilePath = "/var/log/muster-agent.log"
    /// There where systemd runs.
    var systemd: FilePath = "/run/systemd/system"
    var folders: [FilePath] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    /// How long one program may take; throws when it is cancelled.
    var limit: @Sendable () async throws -> Void = { try await Task.sleep(for: .seconds(20)) }

    /// Bytes taken of one log, from its end.
    private static let bytesMax = 2 << 20
    /// Bytes of all lines together as JSON: an answer is one line of at most `ApplyCall.lineBytesMax`.
    static let encodedBytesMax = 3 << 19

    func read(lines count: Int) async -> NodeLogs {
        var logs: [HostLog] = []
        if let end = agentEnd() { logs.append(HostLog("agent", lines: end.lines(count))) }
        if access(systemd.string, F_OK) == 0 {
            let arguments = ["--no-pager", "--boot", "--output=short-iso", "--lines=\(count)"]
            logs += await log("journal", "journalctl", arguments, count)
        }
        logs += await log("kernel", "dmesg", [], count)
        let shown = logs.map { HostLog($0.name, lines: $0.lines.map(Self.redacted)) }
        return NodeLogs(Self.fit(shown))
    }

    /// The kernel prints its command line, on which the console's password or its hash stands.
    static func redacted(_ line: String) -> String {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        return words.map { $0.contains("=") ? KernelArguments(String($0)).redacted : String($0) }.joined(separator: " ")
    }

    // MARK: Files

    /// The file and, when it was begun anew just now, the one before it.
    private func agentEnd() -> LogEnd? {
        let parts = [FilePath(agent.string + ".1"), agent].compactMap { Self.end(of: $0) }
        guard !parts.isEmpty else { return nil }
        var end = LogEnd(limit: Self.bytesMax)
        for part in parts { end.take(part) }
        return end
    }

    private static func end(of file: FilePath) -> [UInt8]? {
        guard let descriptor = try? FileDescriptor.open(file, .readOnly, options: [.closeOnExec, .noFollow]) else {
            return nil
        }
        defer { try? descriptor.close() }
        guard let size = try? descriptor.seek(offset: 0, from: .end) else { return nil }
        let start = max(0, size - Int64(bytesMax))
        return try? [UInt8](unsafeUninitializedCapacity: Int(size - start)) { buffer, filled in
            filled = try descriptor.read(fromAbsoluteOffset: start, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    // MARK: Programs

    /// None for a program that is not there.
    private func log(_ name: String, _ program: String, _ arguments: [String], _ count: Int) async -> [HostLog] {
        guard let path = folders.map({ $0.appending(program) }).first(where: { access($0.string, X_OK) == 0 }) else {
            return []
        }
        let heard = Heard(limit: Self.bytesMax)
        let failure = await run(path, arguments, heard)
        var lines = heard.end.withLock { $0.lines(count) }
        if let failure { lines.append("(\(program) \(failure): run it on the host to see why)") }
        return [HostLog(name, lines: lines.suffix(count))]
    }

    /// What went wrong.
    private func run(_ program: FilePath, _ arguments: [String], _ heard: Heard) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                do {
                    let result = try await Subprocess.run(
                        .path(program),
                        arguments: Arguments(arguments),
                        input: .none,
                        output: .sequence,
                        error: .discarded
                    ) { execution in
                        for try await chunk in execution.standardOutput {
                            heard.end.withLock { end in chunk.withUnsafeBytes { end.take($0) } }
                        }
                    }
                    let status = result.terminationStatus
                    return status.isSuccess ? nil : "ended with \(status)"
                } catch {
                    return "could not be run (\(error))"
                }
            }
            group.addTask { [limit] in
                try? await limit()
                return "did not end in time"
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private final class Heard: Sendable {
        let end: Mutex<LogEnd>
        init(limit: Int) { end = Mutex(LogEnd(limit: limit)) }
    }

    // MARK: Size

    /// All within so many bytes as JSON: of the longest logs the oldest lines leave.
    static func fit(_ logs: [HostLog], bytes: Int = encodedBytesMax) -> [HostLog] {
        let sizes = logs.map { log in log.lines.reduce(0) { $0 + encodedBytes($1) } }
        var (shares, left) = (sizes, bytes)
        let order = logs.indices.sorted { sizes[$0] < sizes[$1] }
        for (place, index) in order.enumerated() {
            shares[index] = min(sizes[index], left / (order.count - place))
            left -= shares[index]
        }
        return zip(logs, shares).map { log, share in
            var left = share
            let kept = log.lines.reversed().prefix { line in
                left -= encodedBytes(line)
                return left >= 0
            }
            return HostLog(log.name, lines: kept.reversed())
        }
    }

    /// With quotation marks and comma; control characters are `\u001b`.
    private static func encodedBytes(_ line: String) -> Int {
        line.utf8.reduce(3) { sum, byte in
            switch byte {
            case 0..<32, 127: sum + 6
            case 34, 47, 92: sum + 2
            default: sum + 1
            }
        }
    }
}

/// Keeps the end of what a log gives.
struct LogEnd: Sendable {
    /// Bytes that are kept.
    let limit: Int
    private var bytes: [UInt8] = []
    private var isCut = false

    init(limit: Int) { self.limit = limit }

    mutating func take(_ more: some Sequence<UInt8>) {
        bytes += more
        // Not at every piece: that would move all that is kept each time.
        guard bytes.count > 2 * limit else { return }
        bytes.removeFirst(bytes.count - limit)
        isCut = true
    }

    /// The last lines that are whole, without empty ones. By bytes: a carriage return and a line feed are one Character.
    func lines(_ count: Int) -> [String] {
        let isCut = isCut || bytes.count > limit
        let lines = bytes.suffix(limit).split(separator: 10).dropFirst(isCut ? 1 : 0)
        let ended = lines.suffix(count).map { $0.last == 13 ? $0.dropLast() : $0 }
        return ended.filter { !$0.isEmpty }.map { String(decoding: $0, as: UTF8.self) }
    }
}
