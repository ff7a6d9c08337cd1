import Agent
import Crypto
import EngineClient
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
        limits.keepSeconds = 1
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
        let token = Nonce.random()
        let arguments = "management_server=127.0.0.1:\(engine.port) ip=::::node-7:eth0:dhcp muster.token=\(token)"
        try await registration(arguments, clock: clock.clock).run()

        let claim = try #require(engine.received.first)
        #expect(engine.received.count == 1)
        #expect(claim.request.address == .loopback && claim.request.port == 54321)
        #expect(claim.request.name?.rawValue == "node-7")
        #expect(claim.request.bootToken == token)
        #expect(clock.seconds.withLock { $0 } == TestAuthority.now)
        #expect(claim.address == IPv4Address("127.0.0.1"), "each poll says where the node is now")
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

    @Test(
        "killed while it waits, it goes on with the same claim and the same code, and fetches what was approved meanwhile"
    )
    func killedWhilePending() async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        let behaviour = StandInEngine.Behaviour(isAttended: false)
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run, behaviour: behaviour)
        let arguments = "management_server=127.0.0.1:\(engine.port)"
        let clock = TestClock(TestAuthority.now)
        func code() -> String? { run.value(RegisterReport.self, in: RegisterReport.fileName)?.code }
        var codes: [String] = []
        for _ in 0..<2 {
            // What a kill leaves behind is what cancellation leaves behind: nothing is tidied up.
            try run.remove(RegisterReport.fileName)
            let registration = try registration(arguments, clock: clock.clock)
            let killed = Task { try await registration.run() }
            while code() == nil { try await Task.sleep(for: .milliseconds(20)) }
            killed.cancel()
            await #expect(throws: CancellationError.self) { try await killed.value }
            codes.append(try #require(code()))
        }
        #expect(Set(codes).count == 1 && engine.received.count == 1)
        for name in ["claim.json", "key.pem"] {
            var status = stat()
            #expect(stat(run.file(name).string, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
        engine.attend()
        try await registration(arguments, clock: clock.clock).run()
        #expect(engine.received.count == 1)
        #expect(Credentials(from: state)?.host == engine.received.first?.host)
        for name in ["claim.json", "key.pem"] { #expect(try run.read(name) == nil, "\(name)") }
        try await engine.stop()
    }

    @Test(
        "case 58: approved with a full state partition: the screen says so, and the certificate is kept once there is room",
        .enabled(if: getuid() == 0, "needs root")
    )
    func fullState() async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        try #require(mount("none", state.path.string, "tmpfs", 0, "size=4k") == 0)
        defer { umount2(state.path.string, CInt(MNT_DETACH)) }
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run)
        let registration = try registration(
            "management_server=127.0.0.1:\(engine.port)",
            clock: TestClock(TestAuthority.now).clock
        )
        let running = Task { try await registration.run() }
        func report() -> RegisterReport? { run.value(RegisterReport.self, in: RegisterReport.fileName) }
        while report()?.error == nil { try await Task.sleep(for: .milliseconds(20)) }
        let said = try #require(report())
        #expect(said.error?.hasPrefix("the node is approved and cannot keep its certificate: could not") == true)
        #expect(said.error?.hasSuffix("No space left on device") == true && said.state == .contacting)
        #expect(Credentials(from: state) == nil)
        try #require(mount("none", state.path.string, "tmpfs", UInt(MS_REMOUNT), "size=1m") == 0)
        try await running.value
        #expect(Credentials(from: state)?.host == engine.received.first?.host)
        #expect(report()?.state == .approved && engine.received.count == 1)
        try await engine.stop()
    }

    @Test("a claim of another engine is not gone on with")
    func claimOfAnotherEngine() async throws {
        let run = try temporary.directory("run")
        let first = try await StandInEngine(
            authority: try TestAuthority(),
            run: run,
            behaviour: StandInEngine.Behaviour(isAttended: false)
        )
        let clock = TestClock(TestAuthority.now)
        let waiting = try registration("management_server=127.0.0.1:\(first.port)", clock: clock.clock)
        let killed = Task { try await waiting.run() }
        while first.received.first?.code == nil { try await Task.sleep(for: .milliseconds(20)) }
        killed.cancel()
        _ = await killed.result
        let second = try await StandInEngine(authority: try TestAuthority(), run: run)
        try await registration("management_server=127.0.0.1:\(second.port)", clock: clock.clock).run()
        #expect(second.received.count == 1)
        try await first.stop()
        try await second.stop()
    }

    /// What a former tenant of the machine leaves on a partition that is labelled MUSTER-STATE.
    private func leaveCredentials(of authority: TestAuthority, engine: String) throws -> NodeIdentity {
        let state = try temporary.directory("state")
        let identity = NodeIdentity(key: P256.Signing.PrivateKey())
        let host = UniqueID.random()
        let certificate = try authority.issue(for: identity.key.publicKey, names: ["muster:host/\(host)"])
        try identity.store(in: state, group: getgid())
        try Credentials(
            authority: try Authority(pem: authority.pem),
            certificate: certificate,
            host: host,
            engine: EngineAddress(engine)
        ).store(in: state)
        return identity
    }

    @Test(
        "credentials of another engine than the one that the node is told do not count, and their key is in no claim",
        arguments: [true, false]
    )
    func otherEngine(isFingerprintSet: Bool) async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run)
        let fingerprint = try #require(engine.authority.fingerprint)
        let told = "127.0.0.1:\(engine.port)"
        let left = try leaveCredentials(of: try TestAuthority(), engine: isFingerprintSet ? told : "old.example")
        let arguments =
            "management_server=\(told)" + (isFingerprintSet ? " management_server_fingerprint=\(fingerprint)" : "")
        try await registration(arguments, clock: TestClock(TestAuthority.now).clock).run()
        #expect(Credentials(from: state)?.authority.fingerprint == fingerprint)
        #expect(Credentials(from: state)?.engine == EngineAddress(told))
        let claimed = try #require(engine.received.first).key.rawRepresentation
        #expect(Array(claimed) != Array(left.key.publicKey.rawRepresentation))
        #expect(
            NodeIdentity.stored(in: state).map { Array($0.key.publicKey.rawRepresentation) } == Array(claimed),
            "the approved key takes the place of the one that was left"
        )
        try await engine.stop()
    }

    @Test(
        "a reboot keeps the certificate and asks nobody, whatever the clock says and however the engine is called now",
        arguments: [(Int64(0), false), (TestAuthority.now, false), (TestAuthority.now, true)]
    )
    func reboot(clock seconds: Int64, isRenamed: Bool) async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run)
        let fingerprint = try #require(engine.authority.fingerprint)
        let told = "127.0.0.1:\(engine.port)"
        let left = try leaveCredentials(of: engine.authority, engine: isRenamed ? "former.example" : told)
        let arguments = "management_server=\(told) management_server_fingerprint=\(fingerprint)"
        try await registration(arguments, clock: TestClock(seconds).clock).run()
        #expect(engine.received.allSatisfy { $0.code == nil }, "nobody is asked")
        #expect(run.value(RegisterReport.self, in: RegisterReport.fileName)?.state == .approved)
        #expect(NodeIdentity.stored(in: state)?.publicKey == left.publicKey)
        for claim in engine.received {
            #expect(Array(claim.key.derRepresentation) != left.publicKey, "a key from a disk is in no claim")
        }
        try await engine.stop()
    }

    @Test("a certificate that turns up while a claim waits ends the claim: a state partition that came late")
    func lateState() async throws {
        let run = try temporary.directory("run")
        let behaviour = StandInEngine.Behaviour(isAttended: false)
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run, behaviour: behaviour)
        let told = "127.0.0.1:\(engine.port)"
        let registration = try registration("management_server=\(told)", clock: TestClock(TestAuthority.now).clock)
        let running = Task { try await registration.run() }
        while engine.received.first?.code == nil { try await Task.sleep(for: .milliseconds(20)) }
        _ = try leaveCredentials(of: engine.authority, engine: told)
        try await running.value
        #expect(run.value(RegisterReport.self, in: RegisterReport.fileName)?.state == .approved)
        try await engine.stop()
    }

    @Test("a key file that holds no key counts as none: the node asks for approval with a key of its own")
    func damagedKey() async throws {
        let (state, run) = (try temporary.directory("state"), try temporary.directory("run"))
        let engine = try await StandInEngine(authority: try TestAuthority(), run: run)
        let told = "127.0.0.1:\(engine.port)"
        _ = try leaveCredentials(of: engine.authority, engine: told)
        try state.write(Array("junk".utf8), to: NodeIdentity.fileName)
        try await registration("management_server=\(told)", clock: TestClock(TestAuthority.now).clock).run()
        #expect(engine.received.count == 1)
        #expect(NodeIdentity.stored(in: state) != nil)
        try await engine.stop()
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
