import BootWire
import HostModel
import Logging
import NIOCore
import Synchronization
import Testing

@testable import BootServer

/// The server on loopback, against clients that misbehave. What well-behaved ones do is in `RealClientTests`.
@Suite struct TFTPServerTests {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Made once: in a debug build it takes a second, in which the servers of other tests get no thread.
    private static let big = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }

    /// Runs a server of a directory with `small` (100 bytes) and `big` (3 MiB).
    private func withServer(
        transfersMax: Int = 400,
        ports: TFTPServer.Configuration.Ports = .any,
        machines: MachineLocator = MachineLocator(),
        onEvent: @escaping @Sendable (BootEvent) -> Void = { _ in },
        _ body: @escaping @Sendable (UInt16, [UInt8]) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("small", Array(repeating: 7, count: 100))
        try directory.write("big", Self.big)
        try directory.write("medium", Array(Self.big.prefix(100_000)))
        var configuration = TFTPServer.Configuration(interface: "lo", address: .loopback, port: 0)
        configuration.transfersMax = transfersMax
        (configuration.ports, configuration.transfersPerSourceMax) = (ports, 400)
        let server = try await TFTPServer.open(
            configuration,
            loaders: try LoaderDirectory(path: directory.path),
            machines: machines,
            logger: Self.quiet,
            onEvent: onEvent
        )
        let port = UInt16(try #require(server.port))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(port, Self.big)
            group.cancelAll()
        }
    }

    private static func read(_ name: String, _ options: [TFTPOption] = []) -> ByteBufferView {
        TFTPPacket.readRequest(TFTPRequest(fileName: Array(name.utf8), options: options)).encoded.readableBytesView
    }

    private static func packet(_ received: UDPClient.Received?) throws -> TFTPPacket {
        try TFTPPacket(parsing: try #require(received).bytes)
    }

    private static func acknowledge(_ block: Int) -> ByteBufferView {
        TFTPPacket.acknowledgement(block: UInt16(truncatingIfNeeded: block)).encoded.readableBytesView
    }

    /// Fetches the rest of a file as a client in lockstep or with windows.
    private static func fetch(_ client: UDPClient, blockSize: Int, window: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var block = 0
        while let received = try await client.receive() {
            guard case .data(let number, let payload) = try packet(received) else {
                // The answer to the options, once more.
                if block == 0 { client.send(acknowledge(0), to: received.port) }
                continue
            }
            guard number == UInt16(truncatingIfNeeded: block + 1) else { continue }
            block += 1
            bytes += payload.readableBytesView
            let isLast = payload.readableBytes < blockSize
            if isLast || block.isMultiple(of: window) { client.send(acknowledge(block), to: received.port) }
            if isLast { return bytes }
        }
        return bytes
    }

    @Test("T1: a transfer is answered from a port of its own")
    func usesAPortOfItsOwn() async throws {
        try await withServer { port, _ in
            let client = try UDPClient()
            client.send(Self.read("small"), to: port)
            let received = try await #require(client.receive())
            #expect(received.port != port)
            #expect(try Self.packet(received) == .data(block: 1, ByteBuffer(bytes: Array(repeating: 7, count: 100))))
            client.send(Self.acknowledge(1), to: received.port)
        }
    }

    @Test("a file of three chunks arrives whole, whatever the window", arguments: [1, 7, 64])
    func sendsAllOfIt(window: Int) async throws {
        try await withServer { port, big in
            let client = try UDPClient()
            let options = [TFTPOption(.blockSize, 1468), TFTPOption(.windowSize, window), TFTPOption(.transferSize, 0)]
            client.send(Self.read("big", options), to: port)
            let offer = try await #require(client.receive())
            let answer = [
                TFTPOption(.blockSize, 1468), TFTPOption(.windowSize, window), TFTPOption(.transferSize, big.count),
            ]
            #expect(try Self.packet(offer) == .optionAcknowledgement(answer))
            client.send(Self.acknowledge(0), to: offer.port)
            #expect(try await Self.fetch(client, blockSize: 1468, window: window) == big)
        }
    }

    @Test(
        "T35: a hundred transfers at once from one port, each with what is its own; whatever else comes there is dropped"
    )
    func usesOnePort() async throws {
        try await withServer(ports: .single) { port, big in
            let stranger = try UDPClient()
            let options = [TFTPOption(.blockSize, 1468), TFTPOption(.windowSize, 64)]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let client = try UDPClient()
                        stranger.send(Self.acknowledge(3), to: port)
                        client.send(Self.read("medium", options), to: port)
                        let offer = try await #require(client.receive())
                        #expect(offer.port == port)
                        client.send(Self.acknowledge(0), to: port)
                        // Whoever acknowledges in another's name must not get much for it: four blocks.
                        let bytes = try await Self.fetch(client, blockSize: 1468, window: 4)
                        #expect(bytes == Array(big.prefix(100_000)))
                    }
                }
                try await group.waitForAll()
            }
            stranger.send(Self.read("nothing"), to: port)
            let refusal = try await #require(stranger.receive())
            #expect(refusal.port == port)
        }
    }

    @Test(
        "T21: nobody finishes another's transfer by acknowledging it from elsewhere, whatever the ports",
        arguments: [.any, .range(40_000...40_040), .single] as [TFTPServer.Configuration.Ports]
    )
    func forgedAcknowledgements(ports: TFTPServer.Configuration.Ports) async throws {
        let events = Mutex(0)
        let machines = MachineLocator(neighbours: BootHTTPFixture.neighbours())
        try await withServer(ports: ports, machines: machines, onEvent: { _ in events.withLock { $0 += 1 } }) {
            port,
            _ in
            let (client, stranger) = (try UDPClient(), try UDPClient())
            client.send(Self.read("small"), to: port)
            let first = try await #require(client.receive())
            for _ in 0..<3 { stranger.send(Self.acknowledge(1), to: first.port) }
            // Only who has it is asked for an acknowledgement again.
            #expect(try Self.packet(await client.receive()) == Self.packet(first))
            client.send(Self.acknowledge(1), to: first.port)
            while events.withLock(\.self) == 0 { await Task.yield() }
        }
    }

    @Test("transfers use the ports that a firewall lets through, and a refusal does too")
    func usesPortsOfARange() async throws {
        // Ports that were free a moment ago.
        let probes = try (0..<3).map { _ in try UDPClient() }
        let first = probes[0].port
        let ports = first...(first + 2)
        try await withServer(ports: .range(ports)) { port, _ in
            for name in ["small", "nothing"] {
                let client = try UDPClient()
                client.send(Self.read(name), to: port)
                let received = try await #require(client.receive())
                #expect(ports.contains(received.port) && received.port != first, "the first one is taken")
                client.send(Self.acknowledge(1), to: received.port)
            }
        }
    }

    @Test("T5: the size is asked for, and the port is free for the next request")
    func isProbed() async throws {
        try await withServer { port, _ in
            let client = try UDPClient()
            client.send(Self.read("big", [TFTPOption(.transferSize, 0)]), to: port)
            let offer = try await #require(client.receive())
            let abort = TFTPPacket.error(.optionsRefused, message: Array("User aborted the transfer".utf8))
            client.send(abort.encoded.readableBytesView, to: offer.port)
            // On a busy machine the answer had been sent again before the error came.
            while let late = try await client.receive(milliseconds: 1500) {
                guard case .optionAcknowledgement = try Self.packet(late) else {
                    Issue.record("an error is neither answered nor followed by anything: \(late)")
                    return
                }
            }
            client.send(Self.read("small"), to: port)
            #expect(
                try await Self.packet(client.receive())
                    == .data(block: 1, ByteBuffer(bytes: Array(repeating: 7, count: 100)))
            )
        }
    }

    @Test("T21: a stranger on a transfer's port is told so, and the transfer goes on")
    func answersStrangers() async throws {
        try await withServer { port, big in
            let (client, stranger) = (try UDPClient(), try UDPClient())
            client.send(Self.read("big"), to: port)
            let first = try await #require(client.receive())
            // Two servers that answer errors with errors would not end.
            let noise = TFTPPacket.error(.undefined, message: []).encoded.readableBytesView
            for packet in [noise, Self.acknowledge(1)] { stranger.send(packet, to: first.port) }
            guard case .error(.unknownTransferID, _) = try await Self.packet(stranger.receive()) else {
                Issue.record("the stranger was not told")
                return
            }
            #expect(try await stranger.receive(milliseconds: 100) == nil)
            client.send(Self.acknowledge(1), to: first.port)
            // On a busy machine the first block has come twice.
            let second = TFTPPacket.data(block: 2, ByteBuffer(bytes: big[512..<1024]))
            let received = try await client.receive { try Self.packet($0) != Self.packet(first) }
            #expect(try Self.packet(received) == second)
        }
    }

    @Test(
        "T20, T34: requests that nobody acknowledges, however many and however long they ask to be waited for, stop nobody"
    )
    func survivesSilentClients() async throws {
        try await withServer(transfersMax: 4) { port, _ in
            let silent = try (0..<20).map { _ in try UDPClient() }
            for client in silent {
                client.send(Self.read("big", [TFTPOption(.timeout, 255)]), to: port)
                _ = try await client.receive()
            }
            // One client that changes its request before it acknowledges has one transfer.
            for number in 1...200 {
                silent[0].send(Self.read("big", [TFTPOption(.blockSize, UInt64(number + 8))]), to: port)
            }
            let good = try UDPClient()
            var received: UDPClient.Received?
            for _ in 0..<10 where received == nil {
                good.send(Self.read("small"), to: port)
                received = try await good.receive(milliseconds: 1000)
            }
            #expect(
                try Self.packet(received) == .data(block: 1, ByteBuffer(bytes: Array(repeating: 7, count: 100)))
            )
        }
    }

    @Test("there is room for a transfer of each machine of a rack, and an end to it")
    func holdsARack() {
        let rooms = [1, 1000, 1024, 1 << 20].map(TFTPServer.Configuration.transfers)
        #expect(rooms == [400, 1250, 1280, 4096])
        #expect(TFTPServer.Configuration(interface: nil, address: .any).transfersMax == 1280)
    }

    @Test("T22: firmware that uses its port again gets its next file")
    func replacesATransfer() async throws {
        try await withServer { port, _ in
            let client = try UDPClient()
            client.send(Self.read("big"), to: port)
            let first = try await #require(client.receive())
            client.send(Self.acknowledge(1), to: first.port)
            _ = try await client.receive()
            client.send(Self.read("small"), to: port)
            let second = try await client.receive { $0.port != first.port }
            #expect(try Self.packet(second) == .data(block: 1, ByteBuffer(bytes: Array(repeating: 7, count: 100))))
        }
    }

    @Test(
        "T24, T25: refusals come from a port of their own",
        arguments: [
            ("missing", TFTPErrorCode.fileNotFound), ("../etc/passwd", .accessViolation), ("", .accessViolation),
            ("a\nb", .accessViolation), (".", .accessViolation),
        ]
    )
    func refuses(name: String, code: TFTPErrorCode) async throws {
        try await withServer { port, _ in
            let client = try UDPClient()
            client.send(Self.read(name), to: port)
            let received = try await #require(client.receive())
            #expect(received.port != port)
            guard case .error(code, _) = try Self.packet(received) else {
                Issue.record("\(try Self.packet(received))")
                return
            }
        }
    }

    @Test("T39: a server that stops says so to who is in the middle of a file", arguments: [false, true])
    func saysThatItStops(usesOnePort: Bool) async throws {
        let client = try UDPClient()
        try await withServer(ports: usesOnePort ? .single : .any) { port, _ in
            client.send(Self.read("big"), to: port)
            let first = try await #require(client.receive())
            client.send(Self.acknowledge(1), to: first.port)
            _ = try await client.receive()
        }
        let last = try await client.receive {
            if case .error = try Self.packet($0) { true } else { false }
        }
        #expect(try Self.packet(last) == .error(.undefined, message: Array("the server stops".utf8)))
    }

    @Test("T29: nothing is written")
    func refusesToWrite() async throws {
        try await withServer { port, _ in
            let client = try UDPClient()
            let write = TFTPPacket.writeRequest(TFTPRequest(fileName: Array("new".utf8)))
            client.send(write.encoded.readableBytesView, to: port)
            guard case .error(.accessViolation, _) = try await Self.packet(client.receive()) else {
                Issue.record("a write was not refused")
                return
            }
        }
    }

    @Test("T31: a text by netascii")
    func sendsText() async throws {
        try await withServer { port, _ in
            let client = try UDPClient()
            let request = TFTPRequest(
                fileName: Array("small".utf8),
                mode: .netascii,
                options: [TFTPOption(.transferSize, 0)]
            )
            client.send(TFTPPacket.readRequest(request).encoded.readableBytesView, to: port)
            #expect(
                try await Self.packet(client.receive())
                    == .data(block: 1, ByteBuffer(bytes: Array(repeating: 7, count: 100)))
            )
        }
    }

    @Test("T30: whatever comes, the next good request is answered")
    func survivesNoise() async throws {
        try await withServer { port, _ in
            let (client, noise) = (try UDPClient(), try UDPClient())
            let good = Array(Self.read("small", [TFTPOption(.blockSize, 1468)]))
            for length in 0...good.count { noise.send(good.prefix(length), to: port) }
            for index in good.indices {
                for mask: UInt8 in [1, 0x80, 0xFF] {
                    var bytes = good
                    bytes[index] ^= mask
                    noise.send(bytes, to: port)
                }
            }
            for opcode: UInt8 in 0...9 { noise.send([0, opcode, 0, 0, 0, 0], to: port) }
            noise.send(Array(repeating: 0xFF, count: 60_000), to: port)
            client.send(Self.read("small"), to: port)
            #expect(
                try await Self.packet(client.receive())
                    == .data(block: 1, ByteBuffer(bytes: Array(repeating: 7, count: 100)))
            )
        }
    }
}

extension TFTPServer.Configuration {
    fileprivate init(interface: String, address: HostModel.IPv4Address, port: UInt16) {
        self.init(interface: interface, address: address)
        self.port = port
    }
}
