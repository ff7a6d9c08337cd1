import BootWire
import HostModel
import Subprocess
import Synchronization
import Testing

@testable import BootServer

/// What a start waits for, and how it ends when that does not come.
@Suite struct StartWaitTests {
    private static func failure(_ kind: StartFailure.Kind) -> StartFailure {
        StartFailure(kind, cause: "no port", remedy: "Wait")
    }

    @Test("what may come is waited for, with growing pauses, and no longer than said")
    func waits() async throws {
        let slept = Mutex<[Duration]>([])
        let wait = StartWait { pause in slept.withLock { $0.append(pause) } }
        let comesThird = Mutex(0)
        try await wait.opening(TFTPServerTests.quiet) {
            guard
                comesThird.withLock({
                    $0 += 1; return $0
                }) == 3
            else { throw Self.failure(.unavailable) }
        }
        #expect(slept.withLock { $0 } == [.seconds(1), .seconds(2)])
        await #expect(throws: Self.failure(.unavailable)) {
            try await wait.opening(TFTPServerTests.quiet) { throw Self.failure(.unavailable) }
        }
        #expect(slept.withLock { $0.count } == 2 + StartWait.pauses.count)
    }

    @Test(
        "what can never work is not waited for",
        arguments: [StartFailure.Kind.configuration, .notPermitted, .system]
    )
    func doesNotWait(kind: StartFailure.Kind) async throws {
        let wait = StartWait { _ in Issue.record("it waited") }
        await #expect(throws: Self.failure(kind)) {
            try await wait.opening(TFTPServerTests.quiet) { throw Self.failure(kind) }
        }
    }

    @Test("services start once the port and the journal are free, and close what they opened when they give up")
    func startsLate() async throws {
        let directory = try TemporaryDirectory()
        let network = try #require(IPv4Network("127.0.0.1/8"))
        var settings = BootServicesSettings(
            interface: "lo",
            address: network,
            imageDirectory: directory.path,
            loaderDirectory: directory.path,
            pxeDirectory: BootNetwork.checkout + "/pxe",
            stateDirectory: "\(directory.path)/state"
        )
        let pool = IPv4Address(rawValue: 0x7F4D_0001)...IPv4Address(rawValue: 0x7F4D_0009)
        settings.dhcp = .full(pool: pool)
        let ports = try (0..<4).map { _ in try UDPClient().port }
        (settings.dhcpPort, settings.tftpPort, settings.httpPort) = (ports[0], ports[1], ports[2])
        settings.pxePort = ports[3]
        let answer = FixedBootDirectory(BootAnswer(profile: BootProfile(name: "t", mode: .deny), reason: "a test"))
        var taken: UDPClient? = try UDPClient()
        settings.tftpPort = try #require(taken?.port)
        await #expect {
            _ = try await BootServices.open(
                settings,
                directory: answer,
                wait: StartWait(pauses: []),
                logger: TFTPServerTests.quiet
            )
        } throws: { error in (error as? StartFailure)?.kind == .unavailable }
        // The journal is free again after that.
        let other = try await LeaseStore.open(
            directory: settings.stateDirectory,
            settings: try DHCPSettings(server: network.address, network: network, pool: pool)
        )
        let holders = Mutex((port: taken, journal: LeaseStore?.some(other)))
        taken = nil
        // The children of other tests hold what is open here until they have started their program.
        let wait = StartWait(pauses: Array(repeating: .milliseconds(200), count: 100)) { pause in
            let journal = holders.withLock { holders in
                defer { holders = (nil, nil) }
                return holders.journal
            }
            await journal?.close()
            try await Task.sleep(for: pause)
        }
        _ = try await BootServices.open(settings, directory: answer, wait: wait, logger: TFTPServerTests.quiet)
        #expect(holders.withLock { $0.port == nil && $0.journal == nil }, "it waited")
    }

    @Test(
        "the program says by its exit status whether starting it again can help",
        arguments: [
            (["--frob"], 78), (["--interface", "lo"], 78),
            (["--interface", "lo", "--address", "127.0.0.1/8", "--profile-file", "/nowhere"], 78),
            (["--interface", "lo", "--address", "x", "--profile-file", "/nowhere", "--dhcp", "off"], 78),
            (
                [
                    "--interface", "lo", "--address", "127.0.0.1/8", "--profile-file", "/nowhere", "--pool",
                    "10.0.0.1-10.0.0.9",
                ], 78
            ),
            (
                [
                    "--interface", "lo", "--address", "127.0.0.1/8", "--profile-file", "/nowhere", "--dhcp", "proxy",
                    "--pool", "127.77.0.1-127.77.0.9",
                ], 78
            ),
            (
                [
                    "--interface", "lo", "--address", "127.0.0.1/8", "--profile-file", "/nowhere", "--pool",
                    "127.77.0.1-127.77.0.9", "--subnet", "10.78.0.0/24,pool=10.78.0.1-10.78.0.9",
                ], 78
            ), (["--help"], 0),
        ] as [([String], Int32)]
    )
    func exits(arguments: [String], status: Int32) async throws {
        let program = try BootNetwork.program("muster-boot")
        let result = try await run(
            .name("env"),
            arguments: Arguments([program] + arguments),
            output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16)
        )
        #expect(result.terminationStatus == .exited(status), "\(result.standardError)")
        #expect(result.standardError.isEmpty == (status == 0))
    }
}
