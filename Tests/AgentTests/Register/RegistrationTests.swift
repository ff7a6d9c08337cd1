import Agent
import Crypto
import Glibc
import HostModel
import Logging
import Synchronization
import SystemPackage
import Testing

/// `muster-agent register` against an engine over real TLS.
@Suite struct RegistrationTests {
    private let temporary = TemporaryDirectory()

    private final class TestClock: Sendable {
        let seconds: Mutex<Int64>
        init(_ seconds: Int64) { self.seconds = Mutex(seconds) }
        var clock: SystemClock {
            SystemClock(
                now: { self.seconds.withLock { $0 } },
                set: { new in
                    self.seconds.withLock { $0 = new }
                    return nil
                }
            )
        }
    }

    private var limits: EnrolmentLimits {
        var limits = EnrolmentLimits()
        (limits.jitterMilliseconds, limits.expiredWaitSeconds, limits.backOffSecondsMin) = (0, 0, 0)
        return limits
    }

    private func registration(_ arguments: String, clock: SystemClock) throws -> Registration {
        try temporary.directory.write(Array(arguments.utf8), to: "cmdline")
        let settings = Registration.Settings(
            state: try temporary.directory("state"),
            run: try temporary.directory("run"),
            commandLine: temporary.path.appending("cmdline")
        )
        return Registration(
            settings,
            clock: clock,
            limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test(
        "a node with a clock of 1970 or 2099 becomes a host, and a second run keeps that",
        arguments: [0, 4_070_908_800]
    )
    func fullRound(time: Int64) async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run)
        let clock = TestClock(time)
        let arguments = "management_server=127.0.0.1:\(engine.port) ip=::::node-7:eth0:dhcp"
        try await registration(arguments, clock: clock.clock).run()

        let claim = try #require(engine.received.first)
        #expect(engine.received.count == 1)
        #expect(claim.request.address == .loopback && claim.request.port == 54321)
        #expect(claim.request.name?.rawValue == "node-7")
        #expect(clock.seconds.withLock { $0 } == TestAuthority.now)
        let credentials = try #require(Credentials(from: state))
        #expect(credentials.host == claim.host)
        #expect(credentials.authority.fingerprint == engine.authority.fingerprint)
        let report = try #require(run.value(RegisterReport.self, in: RegisterReport.fileName))
        #expect(report.state == .approved && report.code == nil && report.name?.rawValue == "node-5a31")
        var status = stat()
        #expect(stat(state.file("key.pem").string, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(getuid() != 0 || (status.st_uid == 0 && status.st_gid == 36))

        try await registration(arguments, clock: clock.clock).run()
        #expect(engine.received.count == 1, "registered is registered")
        try await engine.stop()
    }

    @Test("an outage and two expired claims later the node is a host all the same")
    func patience() async throws {
        let run = try temporary.directory("run")
        let behaviour = StandInEngine.Behaviour(outages: 2, expirations: 2)
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run, behaviour: behaviour)
        let clock = TestClock(TestAuthority.now)
        try await registration("management_server=127.0.0.1:\(engine.port)", clock: clock.clock).run()
        let claims = engine.received
        #expect(claims.count == 3 && Set(claims.map(\.request.nonceHash)).count == 3)
        #expect(Set(claims.map { Array($0.key.rawRepresentation) }).count == 1, "one key for all claims")
        #expect(Set(claims.map(\.request.hardwareID)).count == 1)
        try await engine.stop()
    }

    @Test("a certificate of another engine than the one whose fingerprint is set does not count")
    func otherEngine() async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        let identity = try NodeIdentity.load(from: state, group: getgid())
        let old = try TestAuthority()
        let host = UniqueID.random()
        let certificate = try old.issue(for: identity.key.publicKey, names: ["muster:host/\(host)"])
        try Credentials(authority: try Authority(pem: old.pem), certificate: certificate, host: host).store(in: state)

        let engine = try await StandInEngine(authority: try TestAuthority(), run: run)
        let fingerprint = try #require(engine.authority.fingerprint)
        let arguments =
            "management_server=127.0.0.1:\(engine.port) management_server_fingerprint=\(fingerprint)"
        try await registration(arguments, clock: TestClock(TestAuthority.now).clock).run()
        #expect(Credentials(from: state)?.authority.fingerprint == fingerprint)
        #expect(
            engine.received.first.map { Array($0.key.rawRepresentation) }
                == Array(identity.key.publicKey.rawRepresentation)
        )
        try await engine.stop()
    }

    @Test("a key file that holds no key is an error, not a reason for another key")
    func damagedKey() throws {
        let state = try temporary.directory("state")
        try state.write(Array("junk".utf8), to: NodeIdentity.fileName)
        #expect(throws: UnreadableKey.self) { try NodeIdentity.load(from: state, group: getgid()) }
        #expect(try state.read(NodeIdentity.fileName) == Array("junk".utf8))
    }

    @Test(
        "credentials with a part missing or cut are none",
        arguments: [Credentials.authorityFile, Credentials.certificateFile, Credentials.hostFile]
    )
    func partialCredentials(name: String) throws {
        let state = try temporary.directory("state")
        let authority = try TestAuthority()
        let key = P256.Signing.PrivateKey()
        let host = UniqueID.random()
        let certificate = try authority.issue(for: key.publicKey, names: ["muster:host/\(host)"])
        let credentials = Credentials(
            authority: try Authority(pem: authority.pem),
            certificate: certificate,
            host: host
        )
        try credentials.store(in: state)
        #expect(Credentials(from: state) == credentials)
        let whole = try #require(try state.read(name))
        for length in stride(from: 0, to: whole.count - 2, by: 7) {
            try state.write(whole.prefix(length), to: name)
            let read = Credentials(from: state)
            #expect(read == nil || read?.refusal(for: key.publicKey, now: TestAuthority.now) != nil)
        }
        try state.remove(name)
        #expect(Credentials(from: state) == nil)
    }
}
