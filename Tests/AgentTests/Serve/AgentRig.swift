import Crypto
import HostModel
import Subprocess
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// A host and an engine's machine: two network namespaces with a cable between them, `serve` and `apply` in one, and a
/// client that shares no code with them in the other.
final class AgentRig: Sendable {
    static let hostAddress = "10.88.0.2"
    static let port = 54321

    private let temporary = TemporaryDirectory()
    var directory: NodeDirectory { temporary.directory }
    private let names: (host: String, engine: String)
    private let authority: RigAuthority
    private let host = UniqueID.random()

    /// Makes the rig, runs `body`, and leaves nothing behind.
    static func run(dhcp: Bool = false, _ body: (AgentRig) async throws -> Void) async throws {
        let rig = try AgentRig()
        do {
            try await rig.lay(dhcp: dhcp)
            try await body(rig)
        } catch {
            await rig.remove()
            throw error
        }
        await rig.remove()
    }

    private init() throws {
        let mark = "\(getpid())-\(UInt16.random(in: 0 ... .max))"
        names = ("muster-h-\(mark)", "muster-e-\(mark)")
        authority = try RigAuthority()
        // `serve` is another user.
        try #require(chmod(temporary.path.string, 0o755) == 0)
    }

    private func lay(dhcp: Bool) async throws {
        for name in [names.host, names.engine] { try await ip("netns", "add", name) }
        try await ip(
            "link",
            "add",
            "veth_0",
            "netns",
            names.host,
            "type",
            "veth",
            "peer",
            "name",
            "eng0",
            "netns",
            names.engine
        )
        for (name, link) in [(names.host, "lo"), (names.host, "veth_0"), (names.engine, "lo"), (names.engine, "eng0")] {
            try await ip("-n", name, "link", "set", link, "up")
        }
        try await ip("-n", names.engine, "address", "add", "10.88.0.1/24", "dev", "eng0")
        if !dhcp {
            try await ip("-n", names.host, "address", "add", "\(Self.hostAddress)/24", "dev", "veth_0")
            try await ip("-n", names.host, "route", "add", "default", "via", "10.88.0.1")
        }
        for part in ["state", "run"] { try sub(part).make(permissions: .directory) }
        try directory.write([], to: "resolv.conf")
        try directory.write([], to: "command-line")
        try layInstaller()
        try keepLeaf("muster:engine", "engine")
        try keepLeaf("muster:host/2", "other")
        try directory.write(Array(authority.pem.utf8), to: "ca.pem")
    }

    /// What `register` leaves when the node is approved.
    func approve() throws {
        let leaf = try authority.leaf("muster:host/\(host)")
        try sub("state").write(
            Array(leaf.keyPEM.utf8),
            to: "key.pem",
            permissions: [.ownerReadWrite, .groupRead],
            group: 36
        )
        try sub("state").write(Array(authority.pem.utf8), to: "ca.pem")
        try sub("state").write(Array(leaf.certificatePEM.utf8), to: "certificate.pem")
        try sub("state").write(Array("engine.example\n".utf8), to: "engine")
        try sub("state").write(Array("\(host)\n".utf8), to: "host-id")
        try directory.write(Array(leaf.keyPEM.utf8), to: "own.key")
        try directory.write(Array(leaf.certificatePEM.utf8), to: "own.pem")
    }

    func stateFile(_ name: String) throws -> String {
        String(decoding: try sub("state").read(name) ?? [], as: UTF8.self)
    }

    /// Another certificate for the key of the one that the host has, as PEM and as the parameters of the verb.
    func nextCertificate() throws -> (pem: String, parameters: String) {
        let key = try P256.Signing.PrivateKey(pemRepresentation: stateFile("key.pem"))
        let pem = try authority.leaf("muster:host/\(host)", for: key).certificatePEM
        return (pem, Self.parameters(pem))
    }

    /// Certificates that the host must not take: a name, the parameters, and words of the refusal.
    func strangeCertificates() throws -> [(String, String, String)] {
        let key = try P256.Signing.PrivateKey(pemRepresentation: stateFile("key.pem"))
        let role = "muster:host/\(host)"
        return try [
            ("another key", authority.leaf(role), "another key"),
            ("another host", authority.leaf("muster:host/\(UniqueID.random())", for: key), "made out to"),
            ("the engine", authority.leaf("muster:engine", for: key), "made out to"),
            ("another authority", RigAuthority().leaf(role, for: key), "not signed by the authority"),
            ("one that is over", authority.leaf(role, for: key, endsIn: -3600), "no longer valid"),
        ].map { ($0, Self.parameters($1.certificatePEM), $2) }
            + [("no certificate", Self.parameters("-----BEGIN NOTHING-----"), "no X.509 certificate")]
    }

    private static func parameters(_ pem: String) -> String {
        "{\"certificate\": \"\(pem.replacing("\n", with: "\\n"))\"}"
    }

    /// Where the stand-in for the installer lies, and what it answers.
    var installer: NodeDirectory { sub("installer") }

    private func layInstaller() throws {
        try installer.make(permissions: .directory)
        let script = try readFile(FilePath(Self.script("stand-in-installer.sh"))) ?? []
        let reboot = Array("#!/bin/sh\necho reboot >> \"$(dirname \"$0\")/asked\"\necho reboots >&2\n".utf8)
        for (name, text) in [("installer", script), ("reboot", reboot)] {
            try installer.write(text, to: name, permissions: [.ownerReadWriteExecute])
        }
    }

    /// What the stand-in was asked, a line each.
    func askedOfInstaller() -> [String] {
        let bytes = (try? installer.read("asked")) ?? nil
        return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What the kernel's arguments say, from now on.
    func tell(_ arguments: String) throws { try directory.write(Array(arguments.utf8), to: "command-line") }

    /// A certificate of another authority with the engine's role.
    func keepImpostor() throws {
        let leaf = try RigAuthority().leaf("muster:engine")
        try directory.write(Array(leaf.keyPEM.utf8), to: "impostor.key")
        try directory.write(Array(leaf.certificatePEM.utf8), to: "impostor.pem")
    }

    private func keepLeaf(_ uri: String, _ name: String) throws {
        let leaf = try authority.leaf(uri)
        try directory.write(Array(leaf.keyPEM.utf8), to: "\(name).key")
        try directory.write(Array(leaf.certificatePEM.utf8), to: "\(name).pem")
    }

    func sub(_ name: String) -> NodeDirectory { NodeDirectory(directory.file(name)) }

    private func remove() async {
        // DHCP clients run on by themselves.
        let pids = (try? await ip("netns", "pids", names.host)) ?? ""
        for pid in pids.split(separator: "\n").compactMap({ pid_t($0) }) { kill(pid, SIGKILL) }
        for name in [names.host, names.engine] { _ = try? await ip("netns", "delete", name) }
    }

    // Programs

    /// `muster-agent serve` until `body` ends. `isReady`: wait until it listens.
    func serving<Result: Sendable>(isReady: Bool = true, _ body: (Daemon) async throws -> Result) async throws -> Result
    {
        let words =
            agent("serve") + ["--port", "\(Self.port)", "--command-line", directory.file("command-line").string]
        return try await Daemon.run(inHost(words), until: isReady ? "listening on" : "waiting for key", body)
    }

    /// `muster-agent apply` until `body` ends.
    func applying<Result: Sendable>(
        busybox: FilePath = "/bin/busybox",
        _ body: (Daemon) async throws -> Result
    ) async throws -> Result {
        let words =
            agent("apply") + [
                "--network-configuration", directory.file("vdsm").string, "--resolv-conf",
                directory.file("resolv.conf").string, "--udhcpc-script", directory.file("lease").string,
                "--command-line", directory.file("command-line").string, "--busybox", busybox.string,
                "--installer", installer.file("installer").string,
                // Never the machine that tests.
                "--reboot-program", installer.file("reboot").string,
            ]
        return try await Daemon.run(inHost(words), until: "listening on", body)
    }

    private func agent(_ command: String) -> [String] {
        [Self.program, command, "--state", sub("state").path.string, "--run", sub("run").path.string]
    }

    private func inHost(_ words: [String]) -> [String] { ["ip", "netns", "exec", names.host] + words }

    /// Calls of the client, and what it printed, a line each. `from`: whose certificate; `inHost`: from the host itself.
    func client(_ name: String = "engine", to address: String = hostAddress, isLocal: Bool = false, _ calls: String...)
        async throws -> [String]
    {
        let words =
            [
                "netns", "exec", isLocal ? names.host : names.engine, "python3", Self.script("stomp-client.py"),
                address, "\(Self.port)",
                directory.file("ca.pem").string, directory.file("\(name).pem").string,
                directory.file("\(name).key").string,
            ] + calls
        let result = try await Subprocess.run(
            .name("ip"),
            arguments: Arguments(words),
            output: .string(limit: 1 << 20),
            error: .combinedWithOutput
        )
        return result.standardOutput.split(separator: "\n").map(String.init)
    }

    /// Keeps `count` connections open that say nothing, from as many addresses as given, while `body` runs.
    func flooding<Result: Sendable>(
        _ count: Int,
        from sources: [String],
        _ body: (Daemon) async throws -> Result
    ) async throws -> Result {
        for source in sources where source != "10.88.0.1" {
            try await ip("-n", names.engine, "address", "add", "\(source)/24", "dev", "eng0")
        }
        let words =
            [
                "ip", "netns", "exec", names.engine, "python3", "-u", Self.script("flood-client.py"), Self.hostAddress,
                "\(Self.port)", "\(count)",
            ] + sources
        return try await Daemon.run(words, until: "flooding", body)
    }

    /// `body` beside a client that has called once, is connected, and says when it no longer is.
    func connected<Result: Sendable>(_ body: (Daemon) async throws -> Result) async throws -> Result {
        let words =
            ["ip", "netns", "exec", names.engine, "python3", "-u", Self.script("stomp-client.py"), Self.hostAddress]
            + ["\(Self.port)"] + ["ca.pem", "engine.pem", "engine.key"].map { directory.file($0).string }
            + ["Host.ping2", "until-closed"]
        return try await Daemon.run(words, until: "true", body)
    }

    /// The host's links with their addresses, and its routes, as iproute2 says.
    func network() async throws -> String {
        let addresses = try await ip("-n", names.host, "-4", "-brief", "address", "show")
        let links = try await ip("-n", names.host, "-brief", "link", "show", "type", "bridge_slave")
        return addresses + links + (try await ip("-n", names.host, "route", "show", "default"))
    }

    /// Waits until the host's network is `expected`; the test fails when it does not become so.
    func awaitNetwork(seconds: Int = 30, _ expected: (String) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let now = try await network()
            if expected(now) { return }
            try #require(ContinuousClock.now < deadline, "the network stayed: \(now)")
            // The kernel's state is the event that is waited for.
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// `body` beside a client that listens to the agent's events, and calls once more after the first.
    func listening<Result: Sendable>(_ body: (Daemon) async throws -> Result) async throws -> Result {
        let words =
            ["ip", "netns", "exec", names.engine, "python3", "-u", Self.script("stomp-client.py"), Self.hostAddress]
            + ["\(Self.port)"] + ["ca.pem", "engine.pem", "engine.key"].map { directory.file($0).string }
            + ["events", "Host.ping2", "event", "Host.getStats", "count-events"]
        return try await Daemon.run(words, until: "true", body)
    }

    /// The other end of the cable says by LLDP who it is, as a switch does every 30 s.
    func speakLLDP(_ system: String) async throws {
        let script = """
            from socket import AF_PACKET, SOCK_RAW, socket; from sys import argv
            tlv = lambda kind, value: bytes([kind << 1 | len(value) >> 8, len(value) & 255]) + value
            line = socket(AF_PACKET, SOCK_RAW)
            line.bind(("eng0", 0))
            unit = tlv(1, b"\\x07chassis") + tlv(2, b"\\x05Ethernet1") + tlv(3, b"\\x00\\x78") + tlv(5, argv[1].encode())
            line.send(bytes.fromhex("0180c200000e020000000001" + "88cc") + unit + b"\\x00\\x00")
            """
        let words = ["netns", "exec", names.engine, "python3", "-c", script, system]
        try await ip(words)
    }

    /// Changes the host's network forty times; one link more is there in the end.
    func flap() async throws {
        for number in 0..<20 {
            try await ip("-n", names.host, "link", "add", "flap\(number)", "type", "bridge")
            if number < 19 { try await ip("-n", names.host, "link", "del", "flap\(number)") }
        }
    }

    /// What `apply` says to a process of this user.
    func askApply(asUser user: UInt32) async throws -> String {
        // The test's own directories may be closed to other users.
        try sub("run").write(try readFile(FilePath(Self.script("apply-client.py"))) ?? [], to: "apply-client.py")
        let words = [
            "netns", "exec", names.host, "setpriv", "--reuid=\(user)", "--regid=36", "--clear-groups",
            "/usr/bin/python3", sub("run").file("apply-client.py").string,
            sub("run").file(ApplySettings.socketName).string,
        ]
        let result = try await Subprocess.run(
            .name("ip"),
            arguments: Arguments(words),
            output: .string(limit: 1 << 20),
            error: .combinedWithOutput
        )
        return result.standardOutput
    }

    /// Runs `body` beside a DHCP server on the engine's side.
    func withDHCPServer(_ body: (Daemon) async throws -> Void) async throws {
        let words = [
            "ip", "netns", "exec", names.engine, "dnsmasq", "--no-daemon", "--port=0", "--interface=eng0",
            "--bind-interfaces", "--dhcp-range=10.88.0.50,10.88.0.60,255.255.255.0,2m", "--dhcp-option=3,10.88.0.1",
            "--dhcp-leasefile=\(directory.file("leases"))", "--dhcp-authoritative", "--conf-file=/dev/null",
        ]
        try await Daemon.run(words, until: "DHCP, IP range", body)
    }

    /// What the node's init does before it starts `apply` and `serve`.
    func boot() async throws {
        let lease = "#!/bin/sh\nexec \(agent("lease").joined(separator: " ")) --resolv-conf \(resolvConf) \"$@\"\n"
        try directory.write(
            Array(lease.utf8),
            to: "lease",
            permissions: [.ownerReadWriteExecute, .groupRead, .groupExecute, .otherRead, .otherExecute]
        )
        try directory.write([], to: "command-line")
        let words =
            agent("boot-network") + [
                "--command-line", directory.file("command-line").string, "--resolv-conf", resolvConf,
                "--udhcpc-script", directory.file("lease").string,
            ]
        try await ip(["netns", "exec", names.host] + words)
    }

    /// The IPv4 address of a link of the host.
    func address(of link: String) async throws -> String? {
        let text = try await ip(["-n", names.host, "-4", "-brief", "address", "show"])
        let line = text.split(separator: "\n").first { $0.hasPrefix(link) }
        let words = line?.split(separator: " ") ?? []
        return words.count > 2 ? words[2].split(separator: "/").first.map(String.init) : nil
    }

    private var resolvConf: String { directory.file("resolv.conf").string }

    private static func script(_ name: String) -> String { #filePath.replacing("AgentRig.swift", with: name) }

    @discardableResult
    private func ip(_ words: String...) async throws -> String { try await ip(words) }

    @discardableResult
    private func ip(_ words: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .name("ip"),
            arguments: Arguments(words),
            output: .string(limit: 1 << 20),
            error: .combinedWithOutput
        )
        try #require(result.terminationStatus.isSuccess, "ip \(words): \(result.standardOutput)")
        return result.standardOutput
    }

    /// The agent that was built beside this test.
    static let program: String = {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &path, path.count)
        let own = String(decoding: path.prefix(max(0, length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/muster-agent"
    }()
}
