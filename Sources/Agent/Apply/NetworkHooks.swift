import AgentWire
import BlockDevices
import Glibc
import HostModel
import Logging
import NIOCore
import Subprocess
import SystemPackage

/// VDSM's hooks around a change of networks (ovirt.md 6.2): programs of the administrator in `before_network_setup`,
/// `after_network_setup` and `after_network_setup_fail`, each given the call as a JSON file that `_hook_json` names. Those
/// that run before may edit it.
struct NetworkHooks: Sendable {
    enum Event: String, Sendable {
        case before = "before_network_setup"
        case after = "after_network_setup"
        case failed = "after_network_setup_fail"
    }

    /// Below it lies a directory for each event.
    let root: FilePath
    /// Where the file with the call is put.
    let run: NodeDirectory
    let logger: Logger

    /// The most programs of one event, what one may take, and what it may say.
    private static let programsMax = 64
    private static let seconds = 60
    private static let outputBytesMax = 64 << 10
    private static let fileBytesMax = 16 << 20
    private static let fileName = "hook-call.json"
    /// VDSM's: this program failed, and no further one is to run.
    private static let stops: Int32 = 2

    func hasAny(_ event: Event) -> Bool { !programs(of: event).isEmpty }

    /// Runs the programs in the order of their names, and gives the call as they left it. Throws code 1500 when one failed
    /// before the change; later it is too late for that.
    func run(_ event: Event, with call: SetupNetworksParameters) async throws(RPCError) -> SetupNetworksParameters {
        let programs = self.programs(of: event)
        guard !programs.isEmpty else { return call }
        do {
            let text = JSONValue.object(["request": call.params]).pretty() + "\n"
            try run.write(Array(text.utf8), to: Self.fileName, permissions: [.ownerReadWrite])
            defer { try? run.remove(Self.fileName) }
            var failure: String?
            for program in programs {
                guard let reason = await perform(program) else { continue }
                failure = failure ?? "\(program): \(reason.text)"
                if reason.isLast { break }
            }
            if let failure {
                logger.error("a hook failed: \(terminalEscaped(failure))")
                if event == .before { throw RPCError(.hookError, "Hook error: \(failure)") }
            }
            guard event == .before else { return call }
            return try edited(call)
        } catch let error as RPCError {
            throw error
        } catch {
            throw RPCError(.hookError, "Hook error: \(error)")
        }
    }

    private func edited(_ call: SetupNetworksParameters) throws -> SetupNetworksParameters {
        let bytes = try readFile(run.file(Self.fileName), limit: Self.fileBytesMax) ?? []
        let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(bytes: bytes))
        guard let request = value["request"] else { throw RPCError(.hookError, "A hook removed the request") }
        return try SetupNetworksParameters(params: request)
    }

    /// What may be run: files that only root can have written, in a directory that only root can write.
    private func programs(of event: Event) -> [FilePath] {
        let directory = root.appending(event.rawValue)
        let names = NodeDirectory(directory).names().filter { !$0.hasPrefix(".") }.sorted()
        guard !names.isEmpty else { return [] }
        let paths = names.prefix(Self.programsMax).map { directory.appending($0) }
        return paths.filter { path in
            guard access(path.string, X_OK) == 0 else { return false }
            let isSafe = [root, directory, path].allSatisfy(Self.isOurs)
            if !isSafe { logger.error("\(terminalEscaped(path.string)) is not run: others than root may write it") }
            return isSafe
        }
    }

    private static func isOurs(_ path: FilePath) -> Bool {
        guard let status = FileStatus(path, followsLinks: true) else { return false }
        return (status.user == 0 || status.user == geteuid()) && status.permissions & 0o022 == 0
    }

    private func perform(_ program: FilePath) async -> (text: String, isLast: Bool)? {
        await withTaskGroup(of: (text: String, isLast: Bool)?.self) { group in
            group.addTask { await execute(program) }
            group.addTask {
                // Cut short while the program runs only when `apply` is told to stop: nobody knows what it would have said.
                do { try await Task.sleep(for: .seconds(Self.seconds)) } catch { return ("it was cut off", true) }
                return ("it did not end within \(Self.seconds) seconds", false)
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private func execute(_ program: FilePath) async -> (text: String, isLast: Bool)? {
        do {
            let result = try await Subprocess.run(
                .path(program),
                environment: .inherit.updating(["_hook_json": run.file(Self.fileName).string]),
                input: .none,
                output: .discarded,
                error: .string(limit: Self.outputBytesMax)
            )
            guard !result.terminationStatus.isSuccess else { return nil }
            let words = result.standardError.split(whereSeparator: \.isNewline).last.map(String.init)
            return (words ?? "\(result.terminationStatus)", result.terminationStatus == .exited(Self.stops))
        } catch {
            return ("\(error)", false)
        }
    }
}
