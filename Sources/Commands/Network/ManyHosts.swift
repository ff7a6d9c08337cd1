import ArgumentParser
import EngineClient
import HostModel
import Synchronization

/// Which hosts a change is for, and how many of them at once.
struct ManyHostsOptions: ParsableArguments {
    @Argument(help: "Names or ids of the hosts.", completion: .hosts)
    var hosts: [String] = []

    @Option(help: "Every host of this cluster, by name or id.")
    var cluster: String?

    @Option(help: ArgumentHelp("Every host that is found, as by name=kvm-* and status=up.", valueName: "search"))
    var search: String?

    @Option(help: ArgumentHelp("With many hosts: how many at once.", valueName: "n"))
    var parallel = 4

    @Flag(help: "Ask the hosts what they would do, and change nothing.")
    var dryRun = false

    func validate() throws {
        guard parallel > 0 else { throw ValidationError("--parallel takes a number from 1 on.") }
        guard !hosts.isEmpty || cluster != nil || search != nil else {
            throw ValidationError("Name hosts, or give --cluster or --search.")
        }
        guard hosts.isEmpty || (cluster == nil && search == nil) else {
            throw ValidationError("Either hosts by name, or --cluster and --search.")
        }
    }

    /// One host, named, to be changed: told in one sentence.
    var single: String? { hosts.count == 1 && !dryRun ? hosts.first : nil }

    /// Each once. All names are looked up before anything is changed.
    func found(_ session: EngineSession) async throws -> [HostResource] {
        var found = try await session.hosts(search: search)
        if !hosts.isEmpty {
            let all = found
            found = try hosts.map { name throws(UserError) in try UserError.host(name, among: all) }
        }
        if let cluster {
            found = found.filter { $0.cluster?.name == cluster || $0.cluster?.id == cluster.lowercased() }
        }
        var seen: Set<String> = []
        found = found.filter { seen.insert($0.id).inserted }
        guard !found.isEmpty else {
            throw UserError(.badData, "no host is in this cluster or found by this search", remedy: "muster host list")
        }
        return found
    }
}

/// Makes a change on hosts, a few at once; after the first failure no more are begun. Ends with one table.
struct ManyHosts: Sendable {
    /// How it ended on one host.
    struct Ending: Sendable, Encodable {
        enum Result: String, Sendable, Encodable {
            case changed
            /// With `--dry-run`: `plan` says what would change, if anything.
            case planned
            case failed
            /// Not begun, because another failed.
            case skipped
        }

        var name: String
        var result: Result
        var seconds = 0
        var plan: [String]?
        var reason: String?
        var remedy: String?
    }

    let session: EngineSession
    let options: ManyHostsOptions

    /// `change` gives the plan of a dry run. Throws `failed` after the table when a host is not as asked.
    func run(
        _ output: OutputOptions,
        _ change: @escaping @Sendable (HostResource) async throws -> [String]?
    ) async throws {
        let hosts = try await options.found(session)
        let done = Mutex(0)
        let endings = await FewAtOnce(parallel: options.parallel, stopAfter: 1).run(
            hosts,
            isFailure: { $0.result == .failed },
            skipped: { Ending(name: $0.name, result: .skipped, reason: "not begun: another failed") },
            { host in
                let ending = await Self.ending(on: host, change)
                let number = done.withLock { done in
                    done += 1
                    return done
                }
                let words = "\(number)/\(hosts.count) \(host.name): \(ending.result.rawValue)"
                let why = ending.reason.map { ": \($0)" } ?? ""
                Terminal.complain("\(terminalEscaped(words + why))\n")
                return ending
            }
        )
        output.show(endings, as: Self.table(endings))
        let missing = endings.filter { $0.result == .failed || $0.result == .skipped }
        guard let first = missing.first(where: { $0.result == .failed }) else { return }
        throw UserError(
            .failed,
            "\(missing.count) of \(endings.count) hosts are not as asked",
            remedy: first.remedy ?? "muster event list --host \(terminalEscaped(first.name))"
        )
    }

    private static func ending(
        on host: HostResource,
        _ change: @Sendable (HostResource) async throws -> [String]?
    ) async -> Ending {
        let begin = ContinuousClock.now
        var ending = Ending(name: host.name, result: .failed)
        do {
            ending.plan = try await change(host)
            ending.result = ending.plan == nil ? .changed : .planned
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
            header: ["NAME", "RESULT", "SECONDS", "WHAT"],
            rows: endings.map { ending in
                let tone: Tone = ending.result == .failed ? .bad : .plain
                let why = [ending.reason, ending.remedy.map { "try: \($0)" }].compactMap(\.self)
                let plan = ending.plan.map { $0.isEmpty ? ["nothing to change"] : $0 } ?? []
                let what = (why + plan).joined(separator: "; ")
                return [
                    Cell(ending.name), Cell(ending.result.rawValue, tone),
                    Cell(ending.result == .skipped ? nil : "\(ending.seconds)"), Cell(what.isEmpty ? nil : what),
                ]
            },
            isLastOpen: true
        )
    }
}
