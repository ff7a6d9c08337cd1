import NIOCore
import Testing

@testable import Agent

/// Who may command an agent.
@Suite struct PeerRoleTests {
    @Test(arguments: [
        ("muster:engine", PeerRole.engine), ("muster:host/2", nil), ("muster:boot/1", nil), ("muster:engine/x", nil),
        ("MUSTER:ENGINE", nil), (nil, nil),
    ])
    func byURI(uri: String?, role: PeerRole?) throws {
        let authority = try RigAuthority()
        let own = try authority.leaf("muster:host/1").der()
        let remote = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        #expect(try PeerRole(certificate: authority.leaf(uri).der(), own: own, remote: remote) == role)
    }

    @Test(
        "its own certificate, from this host only",
        arguments: [
            ("127.0.0.1", PeerRole.itself), ("127.8.8.8", .itself), ("::1", .itself), ("::ffff:127.0.0.1", .itself),
            ("10.0.0.1", nil), ("::ffff:10.0.0.1", nil), ("fe80::1", nil),
        ]
    )
    func ownCertificate(address: String, role: PeerRole?) throws {
        let own = try RigAuthority().leaf("muster:host/1").der()
        let remote = try SocketAddress(ipAddress: address, port: 1)
        #expect(PeerRole(certificate: own, own: own, remote: remote) == role)
        #expect(PeerRole(certificate: own, own: [], remote: remote) == nil)
    }

    @Test func notACertificate() { #expect(PeerRole(certificate: [1, 2, 3], own: [1, 2, 3], remote: nil) == nil) }
}

@Suite struct LineBufferTests {
    @Test func collects() throws {
        var line = LineBuffer(limit: 8)
        #expect(try line.take(ByteBuffer(string: "ab")) == nil)
        #expect(try line.take(ByteBuffer(string: "cd\nrest")) == ByteBuffer(string: "abcd"))
    }

    @Test func isBounded() throws {
        var line = LineBuffer(limit: 4)
        #expect(try line.take(ByteBuffer(string: "abcd")) == nil)
        #expect(throws: LineBuffer.TooLong.self) { try line.take(ByteBuffer(string: "e")) }
    }
}
