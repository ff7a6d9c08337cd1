import AgentWire
import HostModel
import Logging
import NIOCore
import Synchronization
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// Keeps what was logged.
private final class LogLines: LogHandler, Sendable {
    private let lines = Mutex("")
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var text: String { lines.withLock { $0 } }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { lines.withLock { $0 += "\(event.message)\n" } }
}

/// What stands in the way of the committed networks when the machine starts.
@Suite(.serialized) struct RestoredNetworksTests {
    /// `ovirtmgmt` as the engine committed it, and a bridge without ports for which a DHCP client is started.
    private static func commit(in directory: FilePath, withDHCP: Bool = false) throws {
        let call = try SetupNetworksParameters(
            params: try JSONText.decode(JSONValue.self, from: ByteBuffer(string: AgentProcessTests.management))
        )
        var networks = try call.networks.compactMapValues { $0 }.reduce(into: [String: WantedNetwork]()) {
            $0[$1.key] = try WantedNetwork(name: $1.key, attributes: $1.value)
        }
        if withDHCP {
            networks["lab"] = WantedNetwork(name: "lab", southbound: nil, addressing: .dhcp)
        }
        try NetworkConfiguration.persistent(in: directory).save(OwnedNetworks(networks: networks))
    }

    private static func boot(_ rig: AgentRig) throws {
        try rig.sub("run").make()
        try rig.sub("run").write(
            value: BootNetworkReport(.done, detail: nil, links: []),
            to: BootNetworkReport.fileName
        )
    }

    /// Held until it is closed.
    private static func lock(_ run: NodeDirectory) throws -> SystemPackage.FileDescriptor {
        let lock = try SystemPackage.FileDescriptor.open(
            run.file("network.lock"),
            .readWrite,
            options: .create,
            permissions: [.ownerReadWrite]
        )
        try #require(flock(lock.rawValue, LOCK_EX) == 0)
        return lock
    }

    private static func running(_ rig: AgentRig) throws -> [String] {
        try NetworkConfiguration.running(in: rig.directory.file("vdsm")).owned().networks.keys.sorted()
    }

    @Test("apply is killed in the middle of restoring: its next start does it again")
    func killed() async throws {
        try await AgentRig.run { rig in
            try Self.commit(in: rig.directory.file("vdsm"), withDHCP: true)
            try Self.boot(rig)
            // A DHCP client that never leaves its caller: the middle lasts until the kill.
            let stuck = "#!/bin/sh\necho stuck >&2\nexec sleep 1000\n"
            try rig.directory.write(Array(stuck.utf8), to: "stuck", permissions: [.ownerReadWriteExecute])
            try await rig.applying(busybox: rig.directory.file("stuck")) { apply in
                try await apply.await("start the DHCP client on lab")
                apply.kill()
            }
            #expect(try Self.running(rig) == [])
            #expect(try rig.sub("run").read("networks-restored") == nil)
            try await rig.applying { apply in
                try await apply.await("the committed networks stand again")
                try await rig.awaitNetwork(AgentProcessTests.isBridged)
            }
            #expect(try Self.running(rig) == ["lab", "ovirtmgmt"])
            #expect(try rig.sub("run").read("networks-restored") != nil)
        }
    }

    @Test("another program that changes the network is waited for")
    func locked() async throws {
        try await AgentRig.run { rig in
            try Self.commit(in: rig.directory.file("vdsm"))
            try Self.boot(rig)
            let lock = try Self.lock(rig.sub("run"))
            try await rig.applying { apply in
                try await apply.await("another program changes the network; the committed networks wait for it")
                #expect(try Self.running(rig) == [])
                try lock.close()
                try await rig.awaitNetwork(AgentProcessTests.isBridged)
            }
            #expect(try Self.running(rig) == ["ovirtmgmt"])
        }
    }

    @Test("when it is never done, that is an error in the log, and the next start of apply tries again")
    func lockedForGood() async throws {
        let temporary = TemporaryDirectory()
        let run = try temporary.directory("run")
        try Self.commit(in: temporary.path.appending("vdsm"))
        try run.write(value: BootNetworkReport(.done, detail: nil, links: []), to: BootNetworkReport.fileName)
        let lock = try Self.lock(run)
        var settings = ApplySettings(run: run, networkConfiguration: temporary.path.appending("vdsm"))
        settings.networkLockSeconds = 0
        let lines = LogLines()
        await NetworkKeeper(settings, logger: Logger(label: "test") { _ in lines }).restore()
        #expect(lines.text.contains("the committed networks were not restored: another program has held the lock"))
        #expect(try run.read("networks-restored") == nil)
        try lock.close()
    }

    /// A keeper of its own directory, and what it logs.
    private static func keeper(
        in temporary: TemporaryDirectory
    ) throws -> (keeper: NetworkKeeper, settings: ApplySettings, lines: LogLines) {
        let run = try temporary.directory("run")
        var settings = ApplySettings(run: run, networkConfiguration: temporary.path.appending("vdsm"))
        (settings.networkLockSeconds, settings.waitsForBootNetwork) = (0, false)
        let lines = LogLines()
        return (NetworkKeeper(settings, logger: Logger(label: "test") { _ in lines }), settings, lines)
    }

    private static let plain = OwnedNetworks(networks: ["lab": WantedNetwork(name: "lab", southbound: nil)])

    @Test("what another program has put in force is not forgotten with the former boot (R9)")
    func forgetsUnderTheLock() async throws {
        let temporary = TemporaryDirectory()
        let (keeper, settings, _) = try Self.keeper(in: temporary)
        let running = NetworkConfiguration.running(in: settings.networkConfiguration)
        try running.save(Self.plain)
        let lock = try Self.lock(settings.run)
        await keeper.restore()
        #expect(try running.owned() == Self.plain)
        try lock.close()
        // Whoever has the lock first forgets, before its own change.
        let other = NetworkKeeper(settings, logger: Logger(label: "test") { _ in LogLines() })
        try await other.recover()
        #expect(try running.owned() == OwnedNetworks())
        try running.save(Self.plain)
        try await NetworkKeeper(settings, logger: Logger(label: "test") { _ in LogLines() }).recover()
        await keeper.restore()
        #expect(try running.owned() == Self.plain, "once a boot")
    }

    @Test("between the start and the end of restoring nothing is committed: nothing runs yet")
    func commitsNothingEarly() async throws {
        let temporary = TemporaryDirectory()
        let (keeper, settings, _) = try Self.keeper(in: temporary)
        let persistent = NetworkConfiguration.persistent(in: settings.networkConfiguration)
        try persistent.save(Self.plain)
        try NetworkConfiguration.running(in: settings.networkConfiguration).save(Self.plain)
        try await keeper.recover()
        await keeper.expectRestoration()
        let error = await #expect(throws: RPCError.self) { try await keeper.commit() }
        #expect(error?.code == .recovering)
        #expect(try persistent.owned() == Self.plain)
    }

    @Test("files that can not be read are named in the log, also when there are no others (R7)")
    func unreadable() async throws {
        let temporary = TemporaryDirectory()
        let (keeper, settings, lines) = try Self.keeper(in: temporary)
        let persistent = NetworkConfiguration.persistent(in: settings.networkConfiguration)
        try persistent.save(Self.plain)
        try NodeDirectory(persistent.root.appending("nets")).write(Array("{".utf8), to: "lab")
        let lost = await keeper.restore()
        #expect(lost.count == 1 && lost.first?.hasPrefix("lab is left out: ") == true, "\(lost)")
        #expect(lines.text.contains("lab is left out: "))
    }

    @Test("a server, which has no boot network, waits for none (R14)", .timeLimit(.minutes(1)))
    func restoresAtOnce() async throws {
        let temporary = TemporaryDirectory()
        let run = try temporary.directory("run")
        try Self.commit(in: temporary.path.appending("vdsm"))
        var settings = ApplySettings(run: run, networkConfiguration: temporary.path.appending("vdsm"))
        settings.networkLockSeconds = 0
        let lock = try Self.lock(run)
        let change = LocalNetworkChange(settings, logger: Logger(label: "test") { _ in LogLines() })
        let failures = try await change.restore(isForced: false)
        #expect(failures == ["another program has held the lock of the network for 0 s"])
        try lock.close()
    }

    @Test("while another program changes the network nothing is committed: it may yet be taken back")
    func commitWaits() async throws {
        let temporary = TemporaryDirectory()
        let run = try temporary.directory("run")
        let settings = ApplySettings(run: run, networkConfiguration: temporary.path.appending("vdsm"))
        let keeper = NetworkKeeper(settings, logger: Logger(label: "test") { _ in LogLines() })
        let lock = try Self.lock(run)
        let error = await #expect(throws: RPCError.self) { try await keeper.commit() }
        #expect(error?.code == .resourceUnavailable, "\(String(describing: error))")
        try lock.close()
        try await keeper.commit()
    }
}
