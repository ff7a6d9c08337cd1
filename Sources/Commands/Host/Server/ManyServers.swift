import EngineClient
import HostModel

/// Converts the servers of a file, a few at once, and ends with one table.
struct ManyServers: Sendable {
    private let session: EngineSession
    private let command: HostAdd
    private let entries: [(entry: HostsFile.Entry, signIn: Result<ServerSignIn, UserError>)]

    /// How one of them ended.
    struct Ending: Sendable, Encodable {
        enum Result: String, Sendable, Encodable {
            case up
            /// Begun, and not waited for.
            case converting
            case failed
            /// Not begun, because too many had failed.
            case skipped
        }

        var name: String
        var address: String
        var result: Result
        var seconds = 0
        var reason: String?
        var remedy: String?
    }

    /// All passwords are read, or asked for, before the first server is touched.
    init(_ session: EngineSession, _ entries: [HostsFile.Entry], _ command: HostAdd) {
        (self.session, self.command) = (session, command)
        self.entries = entries.map { entry in
            do {
                return (entry, .success(try ServerSignIn(command.server.with(entry), address: entry.address)))
            } catch let error as UserError {
                return (entry, .failure(error))
            } catch {
                return (entry, .failure(UserError(.badData, "\(entry.name): \(error)", remedy: "correct its entry")))
            }
        }
    }

    func run() async throws {
        let endings = await endings()
        command.output.show(endings, as: Self.table(endings))
        let failed = endings.filter { $0.result == .failed || $0.result == .skipped }
        guard let first = failed.first(where: { $0.result == .failed }) else { return }
        throw UserError(
            .failed,
            "\(failed.count) of \(endings.count) servers are no hosts that are up",
            remedy: first.remedy ?? "muster event list --host \(first.name)"
        )
    }

    private func endings() async -> [Ending] {
        let few = FewAtOnce(parallel: command.parallel, stopAfter: command.stopAfter)
        return await few.run(
            entries,
            isFailure: { $0.result == .failed },
            skipped: { one in
                Ending(
                    name: one.entry.name.rawValue,
                    address: one.entry.address,
                    result: .skipped,
                    reason: "not begun: \(command.stopAfter ?? 0) had failed"
                )
            },
            { await self.convert($0.entry, $0.signIn) }
        )
    }

    private func convert(_ entry: HostsFile.Entry, _ signIn: Result<ServerSignIn, UserError>) async -> Ending {
        let begin = ContinuousClock.now
        var ending = Ending(name: entry.name.rawValue, address: entry.address, result: .failed)
        do {
            var choices = command.choices
            choices.repository = entry.repository ?? choices.repository
            let added = AddedServer(
                name: entry.name.rawValue,
                signIn: try signIn.get(),
                cluster: entry.cluster ?? command.cluster,
                choices: choices
            )
            let prefix = "\(entry.name): "
            let host = try await added.run(session, command.options, prefix: prefix)
            ending.result = .converting
            if !command.waiting.noWait, let job = try await session.conversion(of: host.id) {
                ending.result = .failed
                _ = try await session.followConversion(
                    job.id,
                    of: host,
                    seconds: command.waiting.timeout,
                    prefix: prefix
                )
                ending.result = .up
            }
        } catch let error as UserError {
            (ending.reason, ending.remedy) = (error.message, error.remedy)
        } catch let error as CallError {
            let error = UserError(error)
            (ending.reason, ending.remedy) = (error.message, error.remedy)
        } catch {
            ending.reason = terminalEscaped("\(error)")
        }
        ending.seconds = Int(begin.duration(to: .now).components.seconds)
        return ending
    }

    private static func table(_ endings: [Ending]) -> some Layout {
        Table(
            header: ["NAME", "ADDRESS", "RESULT", "SECONDS", "WHY"],
            rows: endings.map { ending in
                let tone: Tone = ending.result == .failed ? .bad : .plain
                let why = [ending.reason, ending.remedy.map { "try: \($0)" }].compactMap(\.self).joined(separator: "; ")
                return [
                    Cell(ending.name), Cell(ending.address), Cell(ending.result.rawValue, tone),
                    Cell(ending.result == .skipped ? nil : "\(ending.seconds)"), Cell(why),
                ]
            },
            isLastOpen: true
        )
    }
}
