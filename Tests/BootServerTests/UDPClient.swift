import Glibc
import NIOCore
import NIOPosix
import Testing

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
        var name = Self.loopback(0)
        try #require(withUnsafeBytes(of: &name) { Self.asName($0) { bind(descriptor, $0, $1) } } == 0)
        var bound = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &bound) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        try #require(result == 0)
        port = UInt16(bigEndian: bound.sin_port)
    }

    deinit { close(descriptor) }

    func send(_ bytes: some Sequence<UInt8>, to port: UInt16) {
        let payload = Array(bytes)
        var name = Self.loopback(port)
        _ = withUnsafeBytes(of: &name) { bytes in
            Self.asName(bytes) { sendto(descriptor, payload, payload.count, 0, $0, $1) }
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
        var source = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &source) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &space, space.count, 0, $0, &length)
            }
        }
        guard count >= 0 else { return nil }
        return Received(bytes: ByteBuffer(bytes: space.prefix(count)), port: UInt16(bigEndian: source.sin_port))
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return name
    }

    private static func asName<Result>(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result
    ) -> Result {
        body(bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
    }
}
