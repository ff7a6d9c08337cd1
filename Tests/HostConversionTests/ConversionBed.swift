import FoundationEssentials
import HostConversion
import HostModel
import Synchronization
import SystemPackage
import Testing

/// What a test keeps of a conversion, and what it does at an event.
final class EventList: ConversionRecord {
    private let events = Mutex<[ConversionEvent]>([])
    private let action: @Sendable (ConversionEvent) async throws -> Void

    init(_ action: @escaping @Sendable (ConversionEvent) async throws -> Void = { _ in }) { self.action = action }

    var all: [ConversionEvent] { events.withLock { $0 } }

    func kinds(_ step: ConversionStep.ID) -> [ConversionEvent.Kind] { all.filter { $0.step == step }.map(\.kind) }

    func record(_ event: ConversionEvent) async throws(ConversionError) {
        events.withLock { $0.append(event) }
        do { try await action(event) } catch {
            throw ConversionError(.interrupted, "\(error)", remedy: "see the test")
        }
    }
}

/// A CA of the test's, by openssl.
struct TestAuthority: HostCertificateAuthority {
    let scratch: Scratch
    let host = UniqueID.random()
    /// One key has one certificate, however often it asks.
    private let signed = SignedKeys()

    private final class SignedKeys: Sendable {
        let certificates = Mutex<[String: String]>([:])
    }

    init() async throws {
        scratch = try Scratch()
        try await output(
            of: "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj",
                "/CN=test CA", "-keyout", scratch.file("ca.key").string, "-out", scratch.file("ca.pem").string,
            ]
        )
    }

    func certificate(
        forRequest request: String,
        hardware: HardwareID
    ) async throws(ConversionError) -> HostCertificate {
        do {
            let file = try scratch.write(request, to: "\(UniqueID.random()).csr")
            let names = try scratch.write(
                "subjectAltName=URI:muster:host/\(host)\nextendedKeyUsage=serverAuth,clientAuth\n",
                to: "names"
            )
            let key = try await output(of: "openssl", ["req", "-in", file.string, "-noout", "-pubkey", "-verify"])
            let known = signed.certificates.withLock { $0[key] }
            let fresh = try await output(
                of: "openssl",
                [
                    "x509", "-req", "-in", file.string, "-CA", scratch.file("ca.pem").string, "-CAkey",
                    scratch.file("ca.key").string, "-set_serial", "7", "-days", "10", "-extfile", names.string,
                ]
            )
            let certificate = known ?? fresh
            signed.certificates.withLock { $0[key] = certificate }
            let authority = try String(contentsOf: URL(filePath: scratch.file("ca.pem").string), encoding: .utf8)
            let engine = try #require(EngineAddress("127.0.0.1:22"))
            return HostCertificate(certificate: certificate, authority: authority, host: host, engine: engine)
        } catch {
            throw ConversionError(.files, "\(error)", remedy: "see the test")
        }
    }
}

/// The server of the moment: after a power cycle it is another process, on another port.
final class CurrentServer: Sendable {
    private let server: Mutex<TestServer>

    init(_ server: TestServer) { self.server = Mutex(server) }

    var value: TestServer { server.withLock { $0 } }

    func replace(by next: TestServer) { server.withLock { $0 = next } }

    func target() throws(ConversionError) -> SSHTarget { try server.withLock { $0 }.target() }
}

/// A server, a repository, a CA, and the plan for them.
struct ConversionBed {
    var server: TestServer
    let repository: Scratch
    let folder: FilePath
    private let family: ServerFacts.Distribution.Family
    private let packages: [String]
    let authority: TestAuthority
    let agent: FilePath

    /// A Debian 12 server.
    init(size: Int = TestServer.inMemory, failing: Bool = false) async throws {
        let made = try await TestRepository(failing: failing)
        let server = try await TestServer.boot(size: size, serve: made.folder)
        // Its own repositories do not answer: apt would wait for them each time.
        try await server.shell(": > /etc/apt/sources.list")
        try await self.init(server, made.scratch, made.folder, .deb, TestRepository.packages)
    }

    /// A Debian 12 server, and the packages that a node has, from Debian's registry.
    static func realPackages() async throws -> ConversionBed {
        let names = ConversionPlan.packages(of: .deb)
        let script = Project.root.appending("packaging/convert/packages").string
        let folder = try await output(of: script, names).split(separator: "\n").last.map(String.init) ?? ""
        let server = try await TestServer.boot(size: 4 << 30, serve: FilePath(folder))
        try await server.shell(": > /etc/apt/sources.list")
        return try await ConversionBed(server, try Scratch(), FilePath(folder), .deb, names)
    }

    /// One with dnf, rpm and the os-release of CentOS Stream 9; what of it is Debian is in docs/convert.md.
    static func enterpriseLinux() async throws -> ConversionBed {
        let made = try await RPMRepository()
        let server = try await TestServer.boot("el9", serve: made.folder)
        let package = try await output(of: "find", [made.folder.string, "-name", "muster-test-system*.rpm"])
        let name = FilePath(String(package.dropLast())).lastComponent?.string ?? ""
        try await server.shell(
            "cd /tmp && cat > \(name) && rpm --initdb && rpm -i \(name) && rm \(name)",
            file: FilePath(String(package.dropLast()))
        )
        return try await ConversionBed(server, made.scratch, made.folder, .rpm, RPMRepository.packages)
    }

    private init(
        _ server: TestServer,
        _ repository: Scratch,
        _ folder: FilePath,
        _ family: ServerFacts.Distribution.Family,
        _ packages: [String]
    ) async throws {
        (self.server, self.repository, self.folder) = (server, repository, folder)
        (self.family, self.packages) = (family, packages)
        authority = try await TestAuthority()
        agent = Project.root.appending(AgentFile.ofCheckout)
        try #require(FileManager.default.fileExists(atPath: agent.string), "make agent")
    }

    func plan(agent: FilePath? = nil) async throws -> ConversionPlan {
        var request = try await ServerInspectionTests.request()
        request.repository = ConversionRequest.Repository(url: TestRepository.url)
        request.packages = packages
        request.engineKey =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDe7bJ2aPlQY1nG7ZgVq0hW2hA1fUu9mCq0N1JmGQ7l8 muster's $(engine)"
        request.agentDigest = try await String(output(of: "sha256sum", [(agent ?? self.agent).string]).prefix(64))
        return try ConversionPlan(request, family: family)
    }

    func conversion(
        _ record: EventList,
        agent: FilePath? = nil,
        on current: CurrentServer? = nil,
        patience: ConversionPatience = ConversionPatience(pause: .milliseconds(50))
    ) async throws -> Conversion {
        let current = current ?? CurrentServer(server)
        return Conversion(
            try await plan(agent: agent),
            agentFile: agent ?? self.agent,
            authority: authority,
            record: record,
            patience: patience
        ) { () async throws(ConversionError) in try await SSHConnection.open(try current.target()) }
    }

    func undo(on current: CurrentServer? = nil) async throws -> ConversionUndo.Report {
        let current = current ?? CurrentServer(server)
        return try await ConversionUndo.run(
            ConversionPatience(pause: .milliseconds(50)),
            connect: { () async throws(ConversionError) in try await SSHConnection.open(try current.target()) }
        )
    }

    func state(of other: TestServer? = nil) async throws -> String { try await (other ?? server).state() }
}

extension TestServer {
    /// Everything that a conversion touches, looked at by other means than its own.
    func state() async throws -> String {
        try await shell(
            """
            cd /; find etc root usr/bin lib/systemd var/lib/muster* -type f -print0 2> /dev/null | sort -z | xargs -0 sha256sum 2> /dev/null
            find etc root -printf '%p %y %m %U:%G %l\\n' | sort
            dpkg-query -W 2> /dev/null || rpm -qa | sort; systemctl list-unit-files --no-legend --no-pager | grep -v transient; sysctl -n vm.dirty_ratio
            ls /var/lib/muster-agent /var/lib/muster-conversion /usr/bin/muster-agent 2>&1 || true
            """
        )
    }
}
