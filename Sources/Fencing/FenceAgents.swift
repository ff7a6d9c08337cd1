package import AgentWire
import Glibc
import HostModel
package import Logging
import Subprocess
package import SystemPackage

/// Runs the fence agents that are installed on this host (fence_ipmilan and the like). They need no privilege but the
/// network's. Both the agent on a host that is a proxy and the engine itself run them by this.
package final class FenceAgents: Sendable {
    /// How long something is waited for; throws when it is cancelled.
    package typealias Wait = @Sendable () async throws -> Void

    private enum Ending: Sendable {
        case exited(Int32, String)
        /// Ended by a signal, by us, or never begun.
        case broken(String)
    }

    private let folders: [FilePath]
    let patience: Wait
    private let limit: Wait
    private let logger: Logger
    /// A BMC that hangs holds one for `limitSeconds`.
    let slots: Slots
    private let atOnce: Int

    /// What one host runs for others at once.
    package static let runningMax = 8
    private static let patienceSeconds = 60
    /// Long: an agent that is ended between off and on leaves the machine off.
    private static let limitSeconds = 600
    /// What an agent has to log out of a BMC when it is told to end.
    static let farewell = Duration.seconds(10)
    private static let lineBytesMax = 8 << 10
    static let shownMax = 200
    /// The exit codes of `action=status` (FenceAgentAPI.md).
    private static let (isOn, isOff): (Int32, Int32) = (0, 2)

    /// `atOnce`: agents that run at one time; more are refused. `patience`: how long the answer waits for the agent; 60 s.
    /// `limit`: when an agent that switches is ended; 600 s.
    package init(
        atOnce: Int = FenceAgents.runningMax,
        folders: [FilePath] = ["/usr/sbin", "/sbin", "/usr/bin"],
        patience: @escaping Wait = { try await Task.sleep(for: .seconds(FenceAgents.patienceSeconds)) },
        limit: @escaping Wait = { try await Task.sleep(for: .seconds(FenceAgents.limitSeconds)) },
        logger: Logger
    ) {
        (self.folders, self.patience, self.limit, self.logger) = (folders, patience, limit, logger)
        (self.atOnce, slots) = (atOnce, Slots(atOnce))
    }

    /// The answer of `Host.fenceNode`. What the agent fails with is code 1 with its last words, as it is with VDSM. An agent
    /// that still works when the patience ends is answered for with `initiated`, and works on: the engine asks for the status
    /// until it is as wanted.
    package func answer(_ order: FenceOrder) async throws(RPCError) -> JSONValue {
        let command = FenceCommand(order)
        let program = try program(of: command)
        guard slots.take() else { throw tooMany }
        let (endings, continuation) = AsyncStream.makeStream(of: Ending.self)
        Task {
            let ending = await run(program, command, order)
            slots.give()
            continuation.yield(ending)
            continuation.finish()
        }
        let ending = await first(of: endings, isPatient: order.action == .status)
        return try Self.answer(order, ending)
    }

    func program(of command: FenceCommand) throws(RPCError) -> FilePath {
        let places = folders.map { $0.appending(command.program) }
        guard let program = places.first(where: { access($0.string, X_OK) == 0 }) else {
            throw RPCError(
                .unsupportedFenceAgent,
                "\(command.program) is not installed on this host (package \(command.package))"
            )
        }
        return program
    }

    var tooMany: RPCError {
        RPCError(.resourceUnavailable, "\(atOnce) fence agents run on this host already")
    }

    private static func answer(_ order: FenceOrder, _ ending: Ending?) throws(RPCError) -> JSONValue {
        let failure: String
        switch (order.action, ending) {
        case (.status, .exited(isOn, _)): return .object(["power": .string("on")])
        case (.status, .exited(isOff, _)): return .object(["power": .string("off")])
        case (_, nil), (_, .exited(0, _)): return .object(["operationStatus": .string("initiated")])
        case (_, .exited(let code, let words)): failure = words.isEmpty ? "it ended with code \(code)" : words
        case (_, .broken(let words)): failure = words
        }
        throw RPCError(.fenceAgentFailed, "\(order.title) failed: \(failure)")
    }

    /// `nil` when the patience, where it has an end, ends before.
    private func first(of endings: AsyncStream<Ending>, isPatient: Bool) async -> Ending? {
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask { await endings.first { _ in true } }
            if !isPatient {
                group.addTask { [patience] in
                    try? await patience()
                    return nil
                }
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func run(_ program: FilePath, _ command: FenceCommand, _ order: FenceOrder) async -> Ending {
        // Who only asks may be ended early, and be asked again.
        let limit = order.action == .status ? patience : limit
        let ending = await withTaskGroup(of: Ending.self) { group in
            group.addTask {
                do { return try await Self.execute(program, command) } catch {
                    return .broken("\(error)")
                }
            }
            group.addTask {
                try? await limit()
                return .broken("it did not end in time, and was ended")
            }
            // Ends the agent, and waits for it.
            defer { group.cancelAll() }
            return await group.next() ?? .broken("")
        }
        let shown = { (words: String) in terminalEscaped(order.redacted(words).prefix(Self.shownMax)) }
        switch ending {
        case .exited(let code, let words):
            logger.notice("\(order.title): code \(code) \(shown(words))")
            return .exited(code, shown(words))
        case .broken(let words):
            logger.error("\(order.title): \(shown(words))")
            return .broken(shown(words))
        }
    }

    /// Reads all that the agent says, so that it never waits for a reader, and keeps its last line.
    private static func execute(_ program: FilePath, _ command: FenceCommand) async throws -> Ending {
        var options = PlatformOptions()
        // A group of its own: ipmitool and ssh, which agents run, end with them.
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: farewell)
        ]
        let result = try await Subprocess.run(
            .path(program),
            arguments: Arguments(command.arguments),
            platformOptions: options,
            input: .string(command.input),
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            var (lines, last) = (BoundedLines(limit: lineBytesMax), "")
            for try await chunk in execution.standardOutput {
                let said = chunk.withUnsafeBytes { lines.take($0) }
                last = said.last { !isBlank($0) } ?? last
            }
            return lines.finish().flatMap { isBlank($0) ? nil : $0 } ?? last
        }
        // Half of a password may stand where a line was cut.
        let isWhole = result.closureResult.utf8.count < lineBytesMax
        let words = isWhole ? result.closureResult : "it said more than can be shown"
        if case .exited(let code) = result.terminationStatus { return .exited(command.code(Int32(code), words), words) }
        return .broken("it was ended by a signal. \(words)")
    }

    private static func isBlank(_ line: String) -> Bool { line.utf8.allSatisfy { $0 <= 32 } }
}
