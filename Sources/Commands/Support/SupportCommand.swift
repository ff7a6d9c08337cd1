import Archive
import ArgumentParser
import EngineClient
import Foundation
import HostModel
import SystemPackage

struct SupportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "support",
        abstract: "What helps others to help.",
        subcommands: [SupportBundle.self]
    )
}

/// `muster support bundle`: everything that somebody needs who is asked for help, in one file, without a secret.
struct SupportBundle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Collect what is needed to find a fault, in one tar file without secrets.",
        discussion: """
            The file holds the engine's version, settings, schema and newest log lines, its metrics, hosts with their states,
            jobs, events (those of boot servers too), clusters, networks and images; with --host what that host reports and the
            ends of its logs; with --journal systemd's journal of the engine's unit, when this runs on the engine's machine.

            No password, key, token or hash of one is asked for, and whatever looks like one is taken out once more before it
            is written: private keys, Authorization headers, hashes, values of fields and settings with such names. manifest.json
            in the file says what was taken from where, and how often something was removed. Host names, addresses and what
            people wrote into comments and reasons stay: look through the file before it leaves the house.

            A source that does not answer is noted and left out; then the exit code is 75, and the file is there all the same.

              muster support bundle --list
              muster support bundle --host node-5a31 --output /tmp/case-1234.tar
              tar -xOf /tmp/case-1234.tar muster-support/manifest.json
            """
    )

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file; none of this name may exist. (default: muster-support-TIME.tar)",
            valueName: "file"
        ),
        completion: .file()
    )
    var output: String?

    @Flag(help: "Only say what would be collected; nothing is asked of hosts, and nothing is written.")
    var list = false

    @Option(
        help: ArgumentHelp("What this host reports, and its logs; may be given several times.", valueName: "host"),
        completion: .hosts
    )
    var host: [String] = []

    @Option(help: ArgumentHelp("The newest events, 1 to 10000.", valueName: "count"))
    var events = 2000

    @Option(help: ArgumentHelp("The journal of this unit on this machine: muster-engine.", valueName: "unit"))
    var journal: String?

    @Option(help: ArgumentHelp("The largest file, 1 to 1024.", valueName: "mebibytes"))
    var maxSize = 64

    @OptionGroup var options: EngineOptions

    /// What everything in the file lies in.
    static let folder = "muster-support"
    static let hostsMax = 20

    func validate() throws {
        guard (1...10_000).contains(events) else { throw ValidationError("--events takes 1 to 10000") }
        guard (1...1024).contains(maxSize) else { throw ValidationError("--max-size takes 1 to 1024") }
        guard host.count <= Self.hostsMax else { throw ValidationError("--host may be given \(Self.hostsMax) times") }
        guard journal?.hasPrefix("-") != true else { throw ValidationError("--journal takes the name of a unit") }
    }

    func run() async throws {
        var limits = TransportLimits()
        limits.answerBytesMax = maxSize << 20
        try await options.withSession(limits: limits) { session in
            let sources = try await sources(session)
            guard !list else { return Self.show(sources) }
            try await collect(sources, session)
        }
    }

    private func sources(_ session: EngineSession) async throws -> [SupportSource] {
        var sources = SupportSource.ofEngine(events: events)
        if let journal { sources.append(.journal(of: journal)) }
        for name in host { sources += SupportSource.ofHost(try await session.findHost(name)) }
        return sources
    }

    private static func show(_ sources: [SupportSource]) {
        let width = sources.map(\.path.count).max() ?? 0
        for source in sources {
            let gap = String(repeating: " ", count: width - source.path.count)
            Terminal.show("\(source.path)\(gap)  \(terminalEscaped(source.what))\n")
        }
    }

    private func collect(_ sources: [SupportSource], _ session: EngineSession) async throws {
        let path = FilePath(output ?? "muster-support-\(Int64(Date.now.timeIntervalSince1970)).tar")
        var missing = 0
        do {
            var file = try SupportBundleFile.create(at: path, folder: Self.folder, bytesMax: maxSize << 20)
            for (index, source) in sources.enumerated() {
                let entry: SupportBundleFile.Entry
                do {
                    entry = try file.add(source.path, source.form, try await source.read(session))
                } catch let error as ArchiveError {
                    throw error
                } catch {
                    missing += 1
                    entry = file.skip(source.path, Self.reason(error))
                }
                Self.tell(entry, index + 1, of: sources.count)
            }
            try file.finish()
        } catch let error as ArchiveError {
            throw UserError(
                .unavailable,
                terminalEscaped("\(error)"),
                remedy: "look at the space left there, or give --output"
            )
        } catch let error as Errno {
            throw UserError(
                .badData,
                "\(terminalEscaped(path.string)) could not be made: \(error)",
                remedy: "give --output a name that is free, in a folder of your own"
            )
        }
        Terminal.show("\(terminalEscaped(path.string))\n")
        guard missing == 0 else {
            throw UserError(
                .tryAgain,
                "\(missing) of \(sources.count) sources gave nothing; the file has the others",
                remedy: "manifest.json in it says why each is missing"
            )
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as CallError: UserError(error).message
        case let error as UserError: error.message
        default: "\(error)"
        }
    }

    private static func tell(_ entry: SupportBundleFile.Entry, _ number: Int, of count: Int) {
        let removed = entry.removed > 0 ? ", \(entry.removed) \(entry.removed == 1 ? "secret" : "secrets") removed" : ""
        let what = entry.note.map { ": \(terminalEscaped($0))" } ?? "\(removed)"
        Terminal.complain("[\(number)/\(count)] \(entry.path), \(entry.bytes) bytes\(what)\n")
    }
}
