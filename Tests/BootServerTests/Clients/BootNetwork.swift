import Foundation
import Glibc
import HostModel
import Subprocess
import Synchronization
import Testing

@testable import BootServer

/// Two network namespaces, joined by a cable: in one runs `muster-boot`, in the other the clients.
///
/// The server is 10.77.0.1 on `br0`, the client's end is `eth0`.
struct BootNetwork: Sendable {
    let server: String
    let client: String

    /// Makes the namespaces, runs `body`, and takes them away again.
    static func with(_ body: (BootNetwork) async throws -> Void) async throws {
        let mark = "\(getpid())-\(UniqueID.random().rawValue.prefix(4))"
        let network = BootNetwork(server: "mus-\(mark)", client: "muc-\(mark)")
        do {
            try await network.build()
            try await body(network)
        } catch {
            await network.remove()
            throw error
        }
        await network.remove()
    }

    private func build() async throws {
        for namespace in [server, client] {
            try await Self.ip("netns", "add", namespace)
            try await Self.ip("-n", namespace, "link", "set", "lo", "up")
        }
        try await Self.ip("-n", server, "link", "add", "br0", "type", "bridge")
        try await Self.ip("-n", server, "address", "add", "10.77.0.1/24", "dev", "br0")
        try await Self.ip("-n", server, "link", "add", "v0", "type", "veth", "peer", "name", "eth0", "netns", client)
        try await Self.ip("-n", server, "link", "set", "v0", "master", "br0", "up")
        try await Self.ip("-n", server, "link", "set", "br0", "up")
        try await Self.ip("-n", client, "link", "set", "eth0", "up")
    }

    private func remove() async {
        for namespace in [server, client] { try? await Self.ip("netns", "delete", namespace) }
    }

    static func ip(_ words: String...) async throws { try await ip(words) }

    static func ip(_ words: [String]) async throws {
        let result = try await run(
            .name("ip"),
            arguments: Arguments(words),
            output: .discarded,
            error: .string(limit: 4096)
        )
        try #require(result.terminationStatus.isSuccess, "ip \(words): \(result.standardError)")
    }

    /// Runs a client's program; gives whether it succeeded and what it said.
    func runClient(_ words: String...) async throws -> (isSuccess: Bool, output: String) {
        try await runClient(words)
    }

    func runClient(_ words: [String]) async throws -> (isSuccess: Bool, output: String) {
        try await Self.command(words, in: client)
    }

    /// The same beside the server.
    func runServer(_ words: String...) async throws -> (isSuccess: Bool, output: String) {
        try await runServer(words)
    }

    func runServer(_ words: [String]) async throws -> (isSuccess: Bool, output: String) {
        try await Self.command(words, in: server)
    }

    private static func command(
        _ words: [String],
        in namespace: String
    ) async throws -> (isSuccess: Bool, output: String) {
        let result = try await run(
            .name("ip"),
            arguments: Arguments(["netns", "exec", namespace] + words),
            output: .string(limit: 1 << 16),
            error: .combinedWithOutput
        )
        return (result.terminationStatus.isSuccess, result.standardOutput)
    }

    /// Runs `muster-boot` in `directory` while `body` lasts, then ends it with the signal that `body` gives.
    func withServer(
        in directory: TemporaryDirectory,
        profile mode: BootProfile.Mode = .run,
        dhcp: Bool = true,
        options: [String] = [],
        log: BootLog = BootLog(),
        _ body: (BootNetwork) async throws -> CInt
    ) async throws {
        let answer = #"{"profile":{"name":"t","mode":"\#(mode.rawValue)","kernelArguments":[]},"reason":"a test"}"#
        let words =
            [
                "netns", "exec", server, try Self.program("muster-boot"), "--interface", "br0", "--address",
                "10.77.0.1/24",
                "--image-directory", directory.path,
                "--state-directory", "\(directory.path)/state", "--loader-directory", directory.path,
                "--profile-file", try directory.write("profile.json", Array(answer.utf8)),
                "--pxe-directory", Self.checkout + "/pxe",
            ] + (dhcp ? ["--pool", "10.77.0.10-10.77.0.20"] : ["--dhcp", "off"]) + options
        _ = try await run(
            .name("ip"),
            arguments: Arguments(words),
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let pid = execution.processIdentifier.value
            let output = execution.standardOutput
            async let reading: Void = {
                for try await line in output.strings() { log.append(line) }
                log.end()
            }()
            let isServing = await log.waits(for: "TFTP serves")
            let answersDHCP = dhcp ? await log.waits(for: "DHCP serves") : true
            guard isServing, answersDHCP else { throw ServerEnded(log: log.text) }
            do {
                kill(pid, try await body(self))
            } catch {
                kill(pid, SIGKILL)
                throw error
            }
            try await reading
        }
    }

    /// The processes of a program in the server's namespace.
    func processes(of program: String) async throws -> [pid_t] {
        let result = try await run(
            .name("ip"),
            arguments: ["netns", "pids", server],
            output: .string(limit: 1 << 16),
            error: .discarded
        )
        return result.standardOutput.split(separator: "\n").compactMap { pid_t($0) }.filter { pid in
            let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
            return name?.trimmingCharacters(in: .newlines) == program
        }
    }

    /// Runs an engine with its boot services while `body` lasts; `body` is given its data directory.
    func withEngine(
        in directory: TemporaryDirectory,
        log: BootLog,
        _ body: (_ data: String) async throws -> Void
    ) async throws {
        let data = "\(directory.path)/data"
        let engine = try Self.program("muster-engine")
        let made = try await runServer([engine, "init", "--data-directory", data, "--address", "10.77.0.1"])
        try #require(made.isSuccess, "\(made.output)")
        let words = [
            engine, "serve", "--data-directory", data, "--runtime-directory", "\(directory.path)/run", "--https-port",
            "8443",
            "--boot-interface", "br0", "--boot-address", "10.77.0.1/24", "--boot-pool", "10.77.0.10-10.77.0.20",
            "--boot-pxe-directory", Self.checkout + "/pxe",
        ]
        _ = try await run(
            .name("ip"),
            arguments: Arguments(["netns", "exec", server] + words),
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let output = execution.standardOutput
            async let reading: Void = {
                for try await line in output.strings() { log.append(line) }
                log.end()
            }()
            defer { kill(execution.processIdentifier.value, SIGTERM) }
            guard await log.waits(for: "TFTP serves") else { throw ServerEnded(log: log.text) }
            try await body(data)
            kill(execution.processIdentifier.value, SIGTERM)
            try await reading
        }
    }

    /// One more machine on the server's segment, for as long as `body` lasts: a namespace with its end `eth0`, without an
    /// address.
    func withMachine(_ body: (String) async throws -> Void) async throws {
        let machine = client.replacing("muc-", with: "muh-")
        try await Self.ip("netns", "add", machine)
        do {
            try await Self.ip(
                "-n",
                server,
                "link",
                "add",
                "v2",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                machine
            )
            try await Self.ip("-n", server, "link", "set", "v2", "master", "br0", "up")
            try await Self.ip("-n", machine, "link", "set", "eth0", "up")
            try await body(machine)
        } catch {
            try? await Self.ip("netns", "delete", machine)
            throw error
        }
        try await Self.ip("netns", "delete", machine)
    }

    /// Puts a router between the client and the server for as long as `body` lasts: 10.78.0.1/24 on the side of the client,
    /// whose end is `eth1`, and 10.77.0.2 on the server's, and the same of fd00:78::/64 and fd00:77::/64. dnsmasq relays DHCP and
    /// DHCPv6 on it.
    func withRelay(_ body: () async throws -> Void) async throws {
        let relay = client.replacing("muc-", with: "mur-")
        try await Self.ip("netns", "add", relay)
        do {
            for (namespace, name, far, address) in [
                (server, "v1", "up0", "10.77.0.2/24"), (client, "eth1", "down0", "10.78.0.1/24"),
            ] {
                try await Self.ip(
                    "-n",
                    namespace,
                    "link",
                    "add",
                    name,
                    "type",
                    "veth",
                    "peer",
                    "name",
                    far,
                    "netns",
                    relay
                )
                try await Self.ip("-n", namespace, "link", "set", name, "up")
                try await Self.ip("-n", relay, "address", "add", address, "dev", far)
                let address6 = far == "up0" ? "fd00:77::2/64" : "fd00:78::1/64"
                try await Self.ip("-n", relay, "address", "add", address6, "dev", far, "nodad")
                try await Self.ip("-n", relay, "link", "set", far, "up")
            }
            let forwarding = "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
            _ = try await Self.command(["sh", "-c", forwarding], in: relay)
            try await Self.ip("-n", server, "link", "set", "v1", "master", "br0")
            try await Self.ip("-n", server, "route", "add", "10.78.0.0/24", "via", "10.77.0.2")
            let words = [
                "dnsmasq", "--keep-in-foreground", "--user=root", "--conf-file=/dev/null", "--port=0",
                "--dhcp-relay=10.78.0.1,10.77.0.1", "--dhcp-relay=fd00:78::1,fd00:77::1",
            ]
            try await withNeighbour(words, in: relay, body)
        } catch {
            try? await Self.ip("netns", "delete", relay)
            throw error
        }
        try await Self.ip("netns", "delete", relay)
    }

    /// Runs a server of somebody else beside ours, until `body` ends.
    func withNeighbour(
        _ words: [String],
        in namespace: String? = nil,
        _ body: () async throws -> Void
    ) async throws {
        _ = try await run(
            .name("ip"),
            arguments: Arguments(["netns", "exec", namespace ?? server] + words),
            input: .none,
            output: .discarded,
            error: .discarded
        ) { execution in
            do {
                try await body()
            } catch {
                kill(execution.processIdentifier.value, SIGKILL)
                throw error
            }
            kill(execution.processIdentifier.value, SIGTERM)
        }
    }

    /// A card with a name and an address, of no interface.
    static var anyCard: NetworkCard? {
        MACAddress("52:54:00:00:00:01").map { NetworkCard(name: "no-such", index: 0, mac: $0) }
    }

    /// A program built beside this test.
    static func program(_ name: String) throws -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &path, path.count)
        try #require(length > 0)
        let own = String(decoding: path.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/" + name
    }

    static var checkout: String {
        "/" + #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
    }
}

/// `muster-boot` ended before it served.
struct ServerEnded: Error {
    var log: String
}

/// What `muster-boot` said; whole once it has ended.
final class BootLog: Sendable {
    private struct State {
        var text = ""
        var hasEnded = false
        var waiters: [(text: String, waiter: CheckedContinuation<Bool, Never>)] = []
    }

    private let state = Mutex(State())

    func append(_ line: String) {
        let woken = state.withLock { state in
            state.text += line + "\n"
            let woken = state.waiters.filter { state.text.contains($0.text) }
            state.waiters.removeAll { state.text.contains($0.text) }
            return woken
        }
        for waiter in woken { waiter.waiter.resume(returning: true) }
    }

    func end() {
        let woken = state.withLock { state in
            defer { (state.hasEnded, state.waiters) = (true, []) }
            return state.waiters
        }
        for waiter in woken { waiter.waiter.resume(returning: false) }
    }

    /// True once it is said; false when the program ends without it.
    func waits(for text: String) async -> Bool {
        await withCheckedContinuation { waiter in
            let known: Bool? = state.withLock { state in
                if state.text.contains(text) { return true }
                if state.hasEnded { return false }
                state.waiters.append((text, waiter))
                return nil
            }
            if let known { waiter.resume(returning: known) }
        }
    }

    var text: String { state.withLock { $0.text } }
}
