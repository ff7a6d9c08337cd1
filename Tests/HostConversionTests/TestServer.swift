import FoundationEssentials
import Glibc
import HostConversion
import HostModel
import Subprocess
import Synchronization
import SystemPackage
import Testing

/// A Debian 12 server with systemd as its process 1 and sshd, in namespaces of its own (packaging/convert/server). Takes root.
final class TestServer: Sendable {
    static let password = "not in argv: 'a' \"b\" $c"

    let port: UInt16
    let pid: Int32
    let scratch: Scratch
    private let orders: FileDescriptor
    private let answers: FileDescriptor
    private let process: Int32
    private let isStopped = Atomic(false)

    /// The tree of the servers, made once and kept under .build/convert.
    static func tree(_ suite: String = "bookworm") async throws -> String {
        let script = Project.root.appending("packaging/convert/root").string
        return try await output(of: script, [suite]).split(separator: "\n").last.map(String.init) ?? ""
    }

    /// A disk in memory, with room enough.
    static let inMemory = 1 << 30
    /// A folder of this machine, which is still there after a power cycle.
    static let onDisk = 0

    /// Boots one. `size`: its disk is in memory and holds no more than so many bytes. `serve`: a folder that it finds on
    /// http://127.0.0.1:8080/.
    static func boot(_ suite: String = "bookworm", size: Int = TestServer.inMemory, serve: FilePath? = nil) async throws
        -> TestServer
    {
        let server = try TestServer(tree: try await tree(suite), size: size, serve: serve, scratch: try Scratch())
        try await server.awaitSystem()
        try await server.shell("chpasswd", input: "root:\(password)\n")
        try await server.shell(
            """
            sed -i 's/^#*PermitRootLogin.*/PermitRootLogin yes/' /etc/ssh/sshd_config
            systemctl reload ssh; mkdir -p -m 700 /root/.ssh
            """
        )
        return server
    }

    /// Power off without a warning, and on again: what was on its disk is still there.
    func powerCycled(serve: FilePath? = nil) async throws -> TestServer {
        let scratch = scratch
        try stop()
        let next = try TestServer(tree: try await Self.tree(), size: 0, serve: serve, scratch: scratch)
        try await next.awaitSystem()
        return next
    }

    private func awaitSystem() async throws {
        try await shell(
            "timeout 60 sh -c 'until systemctl is-system-running --wait 2>&1 | grep -qE \"running|degraded\"; do sleep 0.1; done'"
        )
    }

    private init(tree: String, size: Int, serve: FilePath?, scratch: Scratch) throws {
        self.scratch = scratch
        let (input, output) = (try FileDescriptor.pipe(), try FileDescriptor.pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.readEnd.rawValue, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd.rawValue, 1)
        for end in [input.readEnd, input.writeEnd, output.readEnd, output.writeEnd] {
            _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC)
        }
        let script = Project.root.appending("packaging/convert/server").string
        let words =
            [script, tree, scratch.file("work").string, "--size", "\(size)"]
            + (serve.map { ["--serve", $0.string] } ?? [])
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in argv { free(word) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, script, &actions, nil, &argv, environ)
        try input.readEnd.close()
        try output.writeEnd.close()
        try #require(code == 0, "\(script): \(String(cString: strerror(code)))")
        (process, orders, answers) = (child, input.writeEnd, output.readEnd)
        port = UInt16(try Self.line(answers).split(separator: " ").last.map(String.init) ?? "") ?? 0
        pid = Int32(try Self.line(answers).split(separator: " ").last.map(String.init) ?? "") ?? 0
        try #require(port > 0 && pid > 0)
    }

    deinit { try? stop() }

    private func stop() throws {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        try orders.close()
        var status: Int32 = 0
        waitpid(process, &status, 0)
        try answers.close()
    }

    private static func line(_ descriptor: FileDescriptor) throws -> String {
        var bytes: [UInt8] = []
        var byte: [UInt8] = [0]
        while try byte.withUnsafeMutableBytes({ try descriptor.read(into: $0) }) == 1, byte[0] != 10 {
            bytes += byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `drop`, `refuse` or `accept`: what becomes of the connections.
    func order(_ word: String) throws {
        try orders.writeAll("\(word)\n".utf8)
        #expect(try Self.line(answers) == "ok")
    }

    /// Runs a script as root in there, not by SSH; never on the machine of the tests, which has no such file.
    @discardableResult
    func shell(_ script: String, input: String = "") async throws -> String {
        let guarded = "[ -e /.muster-test-server ] || exit 99\n" + script
        return try await output(of: "nsenter", ["-t", "\(pid)", "-a", "--", "/bin/sh", "-c", guarded], input: input)
    }

    /// The same, with a file as its standard input.
    func shell(_ script: String, file: FilePath) async throws {
        let copy = "/run/muster-test-input"
        try await output(of: "cp", [file.string, "/proc/\(pid)/root\(copy)"])
        try await shell("{ \(script); } < \(copy); rm \(copy)")
    }

    /// Waits until a step has begun its work on the server.
    func awaitBegun(_ step: ConversionStep.ID) async throws { try await awaitJournal("begun \(step.rawValue)") }

    func awaitJournal(_ line: String) async throws {
        let journal = "/var/lib/muster-conversion/journal"
        try await shell(
            "timeout 60 sh -c 'until grep -qx \"\(line)\" \(journal) 2> /dev/null; do sleep 0.01; done'"
        )
    }

    func target(
        user: String = "root",
        _ authentication: SSHTarget.Authentication = .password(TestServer.password),
        sudoPassword: String? = nil,
        fingerprint: HostKeyFingerprint? = nil
    ) throws(ConversionError) -> SSHTarget {
        try SSHTarget(
            address: "127.0.0.1",
            port: port,
            user: user,
            authentication: authentication,
            sudoPassword: sudoPassword,
            fingerprint: fingerprint
        )
    }

    /// Makes a key pair and lets root sign in by it.
    func key(passphrase: String = "") async throws -> FilePath {
        let file = scratch.file("id with blanks %h")
        try await output(of: "ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", file.string])
        let half = try String(contentsOf: URL(filePath: file.string + ".pub"), encoding: .utf8)
        try await shell("cat >> /root/.ssh/authorized_keys", input: half)
        return file
    }
}
