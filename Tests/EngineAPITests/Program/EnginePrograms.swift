import Foundation
import Glibc
import HostModel
import Subprocess
import SystemPackage
import Testing

/// A place where `muster-engine` runs as a program: a data directory and a network namespace of its own.
final class EnginePrograms: Sendable {
    let directory: String
    private let namespace: String

    var data: String { "\(directory)/data" }
    static let port = 8443

    /// Makes the place, runs `body`, and leaves nothing behind.
    static func run(_ body: (EnginePrograms) async throws -> Void) async throws {
        let place = try EnginePrograms()
        _ = try await place.command(["ip", "netns", "add", place.namespace])
        do {
            _ = try await place.command(["ip", "-n", place.namespace, "link", "set", "lo", "up"])
            try await body(place)
        } catch {
            await place.remove()
            throw error
        }
        await place.remove()
    }

    private init() throws {
        let mark = "\(getpid())-\(UInt16.random(in: 0 ... .max))"
        (directory, namespace) = ("/tmp/muster-program-\(mark)", "muster-p-\(mark)")
        try #require(mkdir(directory, 0o755) == 0 && chmod(directory, 0o755) == 0)
    }

    private func remove() async {
        let pids = (try? await command(["ip", "netns", "pids", namespace]))?.output ?? ""
        for pid in pids.split(separator: "\n").compactMap({ pid_t($0) }) { kill(pid, SIGKILL) }
        _ = try? await command(["ip", "netns", "delete", namespace])
        try? FileManager.default.removeItem(atPath: directory)
    }

    struct Outcome: Sendable {
        var exit: Int32?
        var output: String
        var errors: String
    }

    /// The words that run a program in the namespace.
    func within(_ words: [String]) -> [String] { ["ip", "netns", "exec", namespace] + words }

    func inside(_ words: [String]) async throws -> Outcome { try await command(within(words)) }

    private func command(_ words: [String]) async throws -> Outcome {
        let result = try await Subprocess.run(
            .name(words[0]),
            arguments: Arguments(Array(words.dropFirst())),
            output: .string(limit: 32 << 20),
            error: .string(limit: 1 << 20)
        )
        var exit: Int32?
        if case .exited(let status) = result.terminationStatus { exit = status }
        return Outcome(exit: exit, output: result.standardOutput, errors: result.standardError)
    }

    func engine(_ words: String...) async throws -> Outcome {
        try await command(["ip", "netns", "exec", namespace, Self.program] + words)
    }

    func initialize(_ further: String...) async throws -> Outcome {
        let words = ["init", "--data-directory", data, "--address", "127.0.0.1"] + further
        return try await command(["env", Self.program] + words)
    }

    private var serve: [String] {
        [
            "ip", "netns", "exec", namespace, Self.program, "serve", "--data-directory", data, "--runtime-directory",
            "\(directory)/run", "--listen", "127.0.0.1", "--https-port", "\(Self.port)", "--boot", "none",
        ]
    }

    /// The engine itself, without the supervisor that would start it again.
    func engineAlone(_ further: [String] = []) -> [String] { serve + ["--unprivileged"] + further }

    func serveAgain() async throws -> Outcome { try await command(serve) }

    /// `muster-engine serve` until `body` ends. `next` gives the next line that it writes, errors included.
    func serving(
        _ body: (_ pid: pid_t, _ next: (_ mark: String) async throws -> Void) async throws -> Void
    ) async throws {
        try await running(serve) { pid, next in try await body(pid) { _ = try await next($0) } }
    }

    /// A program until `body` ends. `next` gives the next line with this mark, and forgets those before it.
    func running(
        _ words: [String],
        ending signal: Int32 = SIGTERM,
        _ body: (_ pid: pid_t, _ next: @escaping (_ mark: String) async throws -> String) async throws -> Void
    ) async throws {
        _ = try await Subprocess.run(
            .name(words[0]),
            arguments: Arguments(Array(words.dropFirst())),
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let (lines, feed) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1000))
            let (pid, output) = (execution.processIdentifier.value, execution.standardOutput)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await line in output.strings() { feed.yield(line) }
                    feed.finish()
                }
                defer { kill(pid, signal) }
                try await body(pid) { mark in
                    var seen: [String] = []
                    for await line in lines {
                        if line.contains(mark) { return line }
                        seen.append(line)
                    }
                    try #require(Bool(false), "\(mark) never came: \(seen)")
                    return ""
                }
            }
        }
    }

    func curl(_ path: String, _ further: String...) async throws -> (status: Int?, body: String) {
        try await curl(path, further)
    }

    /// curl in the namespace; the status, then the body.
    func curl(_ path: String, _ further: [String]) async throws -> (status: Int?, body: String) {
        let url = "https://127.0.0.1:\(Self.port)\(path)"
        let words = ["curl", "--silent", "--insecure", "--max-time", "30", "--write-out", "\n%{http_code}", url]
        let outcome = try await command(["ip", "netns", "exec", namespace] + words + further)
        let parts = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (parts.last.flatMap { Int($0) }, parts.dropLast().joined(separator: "\n"))
    }

    /// The children of a process, and the uid that each has.
    static func children(of pid: pid_t) -> [(pid: pid_t, user: uid_t)] {
        // A child belongs to the thread that started it.
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        let text = threads.compactMap { FileManager.default.contents(atPath: "/proc/\(pid)/task/\($0)/children") }
        return text.flatMap { String(decoding: $0, as: UTF8.self).split(separator: " ") }.compactMap { word in
            var status = stat()
            guard let child = pid_t(word), stat("/proc/\(child)", &status) == 0 else { return nil }
            return (child, status.st_uid)
        }
    }

    static let program = built("muster-engine")

    static func built(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
    }
}
