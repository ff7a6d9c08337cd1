import AgentWire
import Glibc
import HostModel
import Logging
import Subprocess
import Synchronization
import SystemPackage

/// Runs the fence agents that are installed on this host (fence_ipmilan and the like). They need no privilege but the
/// network's.
final class FenceAgents: Sendable {
    private let folders: [FilePath]
    private let logger: Logger
    private let running = Atomic(0)

    /// At once; a BMC that hangs holds one for `seconds`.
    private static let runningMax = 8
    private static let seconds = 120
    private static let outputBytesMax = 16 << 10
    /// The exit codes of `action=status` (FenceAgentAPI.md).
    private static let (isOn, isOff): (Int32, Int32) = (0, 2)

    init(folders: [FilePath] = ["/usr/sbin", "/sbin"], logger: Logger) {
        (self.folders, self.logger) = (folders, logger)
    }

    /// The answer of `Host.fenceNode`: of `status` when the agent has it, of everything else at once, as VDSM does: the
    /// engine asks for the status until it is as wanted.
    func answer(_ order: FenceOrder) async throws(RPCError) -> JSONValue {
        let name = "fence_\(order.agent)"
        guard let program = folders.map({ $0.appending(name) }).first(where: { access($0.string, X_OK) == 0 }) else {
            throw RPCError(.unsupportedFenceAgent, "\(name) is not installed on this host (package fence-agents)")
        }
        guard running.add(1, ordering: .relaxed).newValue <= Self.runningMax else {
            running.subtract(1, ordering: .relaxed)
            throw RPCError(.resourceUnavailable, "\(Self.runningMax) fence agents run on this host already")
        }
        let work = Task {
            defer { running.subtract(1, ordering: .relaxed) }
            return await run(program, order)
        }
        guard order.action == .status else { return .object(["operationStatus": .string("initiated")]) }
        let power =
            switch await work.value {
            case Self.isOn: "on"
            case Self.isOff: "off"
            default: "unknown"
            }
        return .object(["power": .string(power)])
    }

    /// The exit code; `nil` when the agent did not end by itself in time.
    private func run(_ program: FilePath, _ order: FenceOrder) async -> Int32? {
        do {
            let done = try await withThrowingTaskGroup(of: (code: Int32?, words: String).self) { group in
                group.addTask {
                    let result = try await Subprocess.run(
                        .path(program),
                        input: .string(order.input),
                        output: .string(limit: Self.outputBytesMax),
                        error: .string(limit: Self.outputBytesMax)
                    )
                    var code: Int32?
                    if case .exited(let status) = result.terminationStatus { code = status }
                    return (code, result.standardError.isEmpty ? result.standardOutput : result.standardError)
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(Self.seconds))
                    return (nil, "no answer within \(Self.seconds) s")
                }
                defer { group.cancelAll() }
                return try await group.next() ?? (nil, "")
            }
            let words = done.words.split(separator: "\n").last.map { terminalEscaped($0.prefix(200)) } ?? ""
            logger.notice("\(order.title): \(done.code.map { "code \($0)" } ?? "not ended") \(words)")
            return done.code
        } catch {
            logger.error("\(order.title): \(terminalEscaped("\(error)"))")
            return nil
        }
    }
}
