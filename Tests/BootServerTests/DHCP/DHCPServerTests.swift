import BootWire
import HostModel
import NIOCore
import Synchronization
import Testing

@testable import BootServer

/// The server on loopback. Real clients are in `RealClientTests`.
@Suite struct DHCPServerTests {
    /// Answers as it is told; `slow` never does.
    private struct Directory: BootDirectory {
        var mode = BootProfile.Mode.run
        var isSlow = false
        var onAnswer: @Sendable () -> Void = {}

        func answer(_ request: BootRequest) async throws -> BootAnswer {
            onAnswer()
            if isSlow { try await Task.sleep(for: .seconds(3600)) }
            return BootAnswer(profile: BootProfile(name: "test", mode: mode), reason: "a test")
        }

        func record(_ events: [BootEvent]) async throws {}

        func reservations() async throws -> [AddressReservation] { [] }
    }

    private struct Running: Sendable {
        var port: UInt16
        var client: UDPClient
    }

    private static let server = HostModel.IPv4Address.loopback

    private func withServer(
        _ directory: Directory = Directory(),
        limits: DHCPLimits = DHCPLimits(),
        leases preset: [DHCPPacket] = [],
        poolSize: UInt32 = 9,
        _ body: @escaping @Sendable (Running) async throws -> Void
    ) async throws {
        let state = try TemporaryDirectory()
        let client = try UDPClient()
        let network = try #require(IPv4Network("127.0.0.1/8"))
        let settings = try DHCPSettings(
            server: Self.server,
            network: network,
            pool: HostModel.IPv4Address(
                rawValue: 0x7F4D_0001
            )...HostModel.IPv4Address(rawValue: 0x7F4D_0000 + poolSize),
            bootFiles: BootFiles(baseURL: "http://127.0.0.1")
        )
        var configuration = DHCPServer.Configuration(interface: "lo", networks: DHCPNetworks(settings))
        (configuration.address, configuration.port, configuration.clientPort) = (Self.server, 0, client.port)
        (configuration.limits, configuration.relayPort) = (limits, client.port)
        let leases = try await LeaseStore.open(directory: state.path, settings: settings)
        for packet in preset {
            let responder = DHCPResponder(settings: settings)
            _ = try await leases.respond(to: packet, with: responder, verdict: .allowed)
        }
        let server = try await DHCPServer.open(
            configuration,
            leases: leases,
            directory: directory,
            logger: TFTPServerTests.quiet,
            onEvent: { _ in }
        )
        let running = Running(port: UInt16(try #require(server.port)), client: client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(running)
            group.cancelAll()
        }
        await leases.close()
    }

    /// A client that has an address and asks again: it is answered there, by unicast.
    private static func renewal(_ options: [DHCPOption] = [], of number: UInt8 = 1) throws -> DHCPPacket {
        var packet = DHCPPacket(
            operation: .request,
            transactionID: 7,
            mac: try LeaseRecordTests.mac(number),
            options: [.messageType(.inform)] + options
        )
        packet.clientAddress = server
        return packet
    }

    private static let pxe: [DHCPOption] = [.vendorClass(Array("PXEClient".utf8)), .clientArchitecture([.efi64])]

    private static func ask(_ running: Running, _ packet: DHCPPacket) async throws -> DHCPPacket {
        running.client.send(packet.encoded().bytes.readableBytesView, to: running.port)
        return try DHCPPacket(parsing: try await #require(running.client.receive()).bytes)
    }

    @Test func answers() async throws {
        try await withServer { running in
            let reply = try await Self.ask(running, try Self.renewal(Self.pxe))
            #expect(reply.messageType == .acknowledge && reply.transactionID == 7)
            #expect(reply.bootFile == Array("snponly.efi".utf8))
        }
    }

    @Test("a denied machine boots nothing")
    func denies() async throws {
        try await withServer(Directory(mode: .deny)) { running in
            let reply = try await Self.ask(running, try Self.renewal(Self.pxe))
            #expect(reply.messageType == .acknowledge)
            #expect(reply.bootFile.isEmpty && reply.vendorClass == nil)
        }
    }

    @Test("a machine is answered without a directory that does not answer")
    func doesNotWait() async throws {
        try await withServer(Directory(isSlow: true)) { running in
            let reply = try await Self.ask(running, try Self.renewal(Self.pxe))
            #expect(reply.bootFile == Array("snponly.efi".utf8))
        }
    }

    @Test("D37: machines that nobody knows are answered up to their share; one with a lease is answered all the same")
    func boundsNewcomers() async throws {
        var limits = DHCPLimits()
        (limits.newcomersBurst, limits.newcomersPerSecond) = (5, 1)
        let asked = Mutex(0)
        let directory = Directory(onAnswer: { asked.withLock { $0 += 1 } })
        var lease = try Self.renewal([])
        lease.options = [
            .messageType(.request), .serverIdentifier(Self.server),
            .requestedAddress(HostModel.IPv4Address(rawValue: 0x7F4D_0001)),
        ]
        lease.clientAddress = .any
        try await withServer(directory, limits: limits, leases: [lease]) { running in
            for number: UInt8 in 10...209 {
                let packet = try Self.renewal(Self.pxe, of: number)
                running.client.send(packet.encoded().bytes.readableBytesView, to: running.port)
            }
            var known = try Self.renewal(Self.pxe)
            known.transactionID = 4711
            var isAnswered = false
            for _ in 0..<10 where !isAnswered {
                running.client.send(known.encoded().bytes.readableBytesView, to: running.port)
                while !isAnswered, let received = try await running.client.receive(milliseconds: 1000) {
                    isAnswered = try DHCPPacket(parsing: received.bytes).transactionID == 4711
                }
            }
            #expect(isAnswered)
            #expect(asked.withLock { $0 } < 60, "the engine is not asked about each")
        }
    }

    @Test("D39: a thousand machines that discover within seconds are offered a thousand addresses, at their first try")
    func offersToAStorm() async throws {
        try await withServer(poolSize: 1200) { running in
            var offered: Set<HostModel.IPv4Address> = []
            // A hundred at once: the test's own buffer holds no more.
            for batch in 0..<10 {
                for number in 0..<100 {
                    let index = batch * 100 + number
                    let octets: [UInt8] = [0x52, 0x54, 1, 0, UInt8(index >> 8), UInt8(index & 0xFF)]
                    var packet = DHCPPacket(
                        operation: .request,
                        transactionID: UInt32(index),
                        mac: try #require(MACAddress(octets: octets)),
                        options: [.messageType(.discover)] + Self.pxe
                    )
                    packet.relayAddress = Self.server
                    running.client.send(packet.encoded().bytes.readableBytesView, to: running.port)
                }
                for _ in 0..<100 {
                    let received = try await #require(running.client.receive(milliseconds: 5000))
                    offered.insert(try DHCPPacket(parsing: received.bytes).yourAddress)
                }
            }
            #expect(offered.count == 1000)
        }
    }

    @Test("D33: whatever comes, the next good message is answered")
    func survivesNoise() async throws {
        try await withServer { running in
            let noise = try UDPClient()
            let good = Array(try Self.renewal(Self.pxe).encoded().bytes.readableBytesView)
            for length in stride(from: 0, through: good.count, by: 3) {
                noise.send(good.prefix(length), to: running.port)
            }
            for index in good.indices {
                var bytes = good
                bytes[index] ^= 0xFF
                noise.send(bytes, to: running.port)
            }
            noise.send(Array(repeating: 0xFF, count: 60_000), to: running.port)
            var marked = try Self.renewal()
            marked.transactionID = 0xC0FF_EE00
            for _ in 0..<20 {
                running.client.send(marked.encoded().bytes.readableBytesView, to: running.port)
                while let received = try await running.client.receive(milliseconds: 500) {
                    if try DHCPPacket(parsing: received.bytes).transactionID == marked.transactionID { return }
                }
            }
            Issue.record("the server does not answer any more")
        }
    }
}

@Suite struct DatagramSocketTests {
    @Test("a port that another server has is refused, with what to do")
    func refusesATakenPort() throws {
        let client = try UDPClient()
        #expect {
            _ = try DatagramSocket.bound(to: .loopback, port: client.port, isServer: true)
        } throws: { error in
            "\(error)".contains("UDP port \(client.port) of 127.0.0.1") && "\(error)".contains("Stop the other server")
        }
    }

    @Test func refusesAnInterfaceThatIsNotThere() {
        #expect {
            _ = try DatagramSocket.bound(to: .loopback, port: 0, interface: "no-such-0", isServer: true)
        } throws: { error in "\(error)".contains("use the interface no-such-0") }
    }
}
