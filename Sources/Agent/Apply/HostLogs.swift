import AgentWire
import Glibc
import HostModel
import Subprocess
import SystemPackage

/// The ends of this host's logs: the agent's own file, systemd's journal of this boot, and the kernel's ring. What a host
/// does not have is left out.
struct HostLogs: Sendable {
    var agent: FilePath = "/var/log/muster-agent.log"
    /// There where systemd runs.
    var systemd: FilePath = "/run/systemd/system"
    var folders: [FilePath] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]

    /// Bytes taken of one log, from its end. All together stay below what one answer may have.
    private static let bytesMax = 1 << 20
    private static let seconds = 20

    func read(lines count: Int) async -> NodeLogs {
        var logs: [HostLog] = []
        if let text = agentText() { logs.append(Self.log("agent", text, count)) }
        if access(systemd.string, F_OK) == 0,
            let text = await output("journalctl", ["--no-pager", "--boot", "--output=short-iso", "--lines=\(count)"])
        {
            logs.append(Self.log("journal", text, count))
        }
        if let text = await output("dmesg", []) { logs.append(Self.log("kernel", text, count)) }
        return NodeLogs(logs)
    }

    private static func log(_ name: String, _ text: String, _ count: Int) -> HostLog {
        HostLog(name, lines: text.split(separator: "\n").suffix(count))
    }

    /// The file and, when it was begun anew just now, the one before it.
    private func agentText() -> String? {
        let parts = [FilePath(agent.string + ".1"), agent].compactMap { Self.end(of: $0) }
        guard !parts.isEmpty else { return nil }
        return String(decoding: parts.joined().suffix(Self.bytesMax), as: UTF8.self)
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

    /// `nil` for a program that is not there, fails, or does not end in time.
    private func output(_ name: String, _ arguments: [String]) async -> String? {
        guard let program = folders.map({ $0.appending(name) }).first(where: { access($0.string, X_OK) == 0 }) else {
            return nil
        }
        return try? await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    .path(program),
                    arguments: Arguments(arguments),
                    input: .none,
                    output: .string(limit: 8 * Self.bytesMax),
                    error: .discarded
                )
                return result.terminationStatus.isSuccess ? result.standardOutput : nil
            }
            group.addTask {
                try await Task.sleep(for: .seconds(Self.seconds))
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
