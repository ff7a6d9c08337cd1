import Glibc
import HostModel
import NIOCore
import NIOPosix
import Testing

@testable import BootServer

/// A plain UDP socket on loopback, which does what no real client does.
final class UDPClient: Sendable {
    private let descriptor: CInt
    let port: UInt16

    /// Threads that may wait: the tests' own are the ones that the servers run on.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 32)
        threads.start()
        return threads
    }()

    /// A datagram, and the port that it came from.
    struct Received: Sendable {
        var bytes: ByteBuffer
        var port: UInt16
    }

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0)
        self.descriptor = descriptor
        try #require(SocketName(.v4(.loopback), port: 0).withName { bind(descriptor, $0, $1) } == 0)
        let bound = try #require(SocketName { getsockname(descriptor, $0, &$1) == 0 })
        port = bound.port
    }

    deinit { close(descriptor) }

    func send(_ bytes: some Sequence<UInt8>, to port: UInt16) {
        let payload = Array(bytes)
        _ = SocketName(.v4(.loopback), port: port).withName {
            sendto(descriptor, payload, payload.count, 0, $0, $1)
        }
    }

    /// The next datagram; `nil` when none comes in so many milliseconds.
    func receive(milliseconds: CInt = 60_000) async throws -> Received? {
        try await Self.threads.runIfActive { self.waitForDatagram(milliseconds) }
    }

    /// The next datagram that is looked for; others are thrown away.
    func receive(where isWanted: (Received) throws -> Bool) async throws -> Received {
        while true {
            let received = try await #require(receive())
            if try isWanted(received) { return received }
        }
    }

    private func waitForDatagram(_ milliseconds: CInt) -> Received? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, milliseconds) == 1 else { return nil }
        var space = [UInt8](repeating: 0, count: 65_536)
        var count = -1
        let source = SocketName {
            count = recvfrom(descriptor, &space, space.count, 0, $0, &$1)
            return count >= 0
        }
        guard let source else { return nil }
        return Received(bytes: ByteBuffer(bytes: space.prefix(count)), port: source.port)
    }
}
