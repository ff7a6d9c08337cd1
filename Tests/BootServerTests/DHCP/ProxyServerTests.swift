import BootWire
import HostModel
import NIOCore
import Synchronization
import Testing

@testable import BootServer

/// The proxy on loopback: which port answers, and to whom.
@Suite struct ProxyServerTests {
    private struct Directory: BootDirectory {
        var host: MACAddress?
        var reserved: [AddressReservation] = []

        func answer(_ request: BootRequest) async throws -> BootAnswer {
            let name = request.mac == host ? HostName("node-1") : nil
            return BootAnswer(profile: BootProfile(name: "test", mode: .run), reason: "a test", host: name)
        }

        func record(_ events: [BootEvent]) async throws {}

        func reservations() async throws -> [AddressReservation] { reserved }
    }

    private struct Running: Sendable {
        var client: UDPClient
        var discovery: UInt16
        var bootServer: UInt16
    }

    private func withProxy(
        _ directory: Directory = Directory(),
        limits: DHCPLimits = DHCPLimits(),
        onEvent: @escaping @Sendable (BootEvent) -> Void = { _ in },
        _ body: @escaping @Sendable (Running) async throws -> Void
    ) async throws {
        let client = try UDPClient()
        var configuration = ProxyServer.Configuration(interface: "lo")
        (configuration.address, configuration.discoveryPort, configuration.bootServerPort) = (.loopback, 0, 0)
        (configuration.clientPort, configuration.limits) = (client.port, limits)
        let server = try await ProxyServer.open(
            configuration,
            responder: ProxyResponder(server: .loopback, files: BootFiles(baseURL: "http://127.0.0.1")),
            directory: directory,
            logger: TFTPServerTests.quiet,
            onEvent: onEvent
        )
        let running = Running(
            client: client,
            discovery: UInt16(try #require(server.ports.discovery)),
            bootServer: UInt16(try #require(server.ports.bootServer))
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(running)
            group.cancelAll()
        }
    }

    private static func request(_ transaction: UInt32, of number: UInt8 = 1) throws -> DHCPPacket {
        DHCPPacket(
            operation: .request,
            transactionID: transaction,
            mac: try LeaseRecordTests.mac(number),
            options: [
                .messageType(.request), .vendorClass(Array("PXEClient:Arch:00007:UNDI:003000".utf8)),
                .clientArchitecture([.efi64]),
            ]
        )
    }

    @Test("D13: the answer comes from the port that was asked, to the port that asked")
    func answersTheSender() async throws {
        let events = Mutex<[BootEvent]>([])
        try await withProxy(onEvent: { event in events.withLock { $0.append(event) } }) { running in
            let asker = try UDPClient()
            asker.send(try Self.request(7).encoded().bytes.readableBytesView, to: running.bootServer)
            let received = try await #require(asker.receive())
            let reply = try DHCPPacket(parsing: received.bytes)
            #expect(received.port == running.bootServer)
            #expect(reply.messageType == .acknowledge && reply.bootFile == Array("snponly.efi".utf8))
        }
        #expect(events.withLock { $0.map(\.stage) } == [.discover])
    }

    @Test("D12: a request on DHCP's own port is left to the server that it is for")
    func leavesRequestsAlone() async throws {
        try await withProxy { running in
            running.client.send(try Self.request(7).encoded().bytes.readableBytesView, to: running.discovery)
            running.client.send(try Self.request(8).encoded().bytes.readableBytesView, to: running.bootServer)
            let received = try await #require(running.client.receive())
            #expect(try DHCPPacket(parsing: received.bytes).transactionID == 8, "the first has no answer")
        }
    }

    @Test("D16: a relay that nobody knows is an event of the machine behind it, a few times and no more")
    func tellsOfUnknownRelays() async throws {
        let events = Mutex<[BootEvent]>([])
        try await withProxy(onEvent: { event in events.withLock { $0.append(event) } }) { running in
            var relayed = try Self.request(7)
            relayed.relayAddress = IPv4Address(rawValue: 0xCB00_7101)
            for _ in 0..<20 { running.client.send(relayed.encoded().bytes.readableBytesView, to: running.bootServer) }
            while events.withLock(\.isEmpty) { await Task.yield() }
        }
        let told = events.withLock { $0.filter { $0.stage == .failed } }
        #expect((1...10).contains(told.count))
        #expect(told.allSatisfy { $0.detail.contains("its relay 203.0.113.1; name it with --boot-relay") })
    }

    @Test("D37: a host with an address kept for it is known before it asks")
    func knowsHostsOfReservations() async throws {
        let hosts = KnownHosts()
        let mac = try LeaseRecordTests.mac(1)
        let kept = AddressReservation(mac: mac, address: .loopback)
        let following = Task { await hosts.follow(Directory(reserved: [kept]), TFTPServerTests.quiet) }
        while !hosts.contain(mac) { await Task.yield() }
        following.cancel()
        await following.value
    }

    @Test("D37: strangers have their share; a host that the engine knows is answered all the same")
    func boundsStrangers() async throws {
        var limits = DHCPLimits()
        (limits.newcomersBurst, limits.newcomersPerSecond) = (3, 1)
        try await withProxy(Directory(host: try LeaseRecordTests.mac(1)), limits: limits) { running in
            let host = try Self.request(1).encoded().bytes.readableBytesView
            running.client.send(host, to: running.bootServer)
            _ = try await #require(running.client.receive())
            let noise = try UDPClient()
            for number: UInt8 in 10...209 {
                noise.send(try Self.request(9, of: number).encoded().bytes.readableBytesView, to: running.bootServer)
            }
            // What is dropped comes again, as from firmware.
            for _ in 0..<10 {
                running.client.send(host, to: running.bootServer)
                if try await running.client.receive(milliseconds: 1000) != nil { return }
            }
            Issue.record("the host is not answered any more")
        }
    }
}
