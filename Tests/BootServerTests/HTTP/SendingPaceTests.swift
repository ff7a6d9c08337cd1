import HostModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import BootServer

/// What one connection gets a second, by a clock of the test's.
@Suite struct SendingPaceTests {
    private static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(10_000 + milliseconds) * 1_000_000)
    }

    @Test("a chunk each tenth of a second")
    func steady() {
        var pace = SendingPace(bytesPerSecond: 1 << 20)
        #expect(pace.chunkBytes == (1 << 20) / 10)
        var (sent, now) = (0, Int64(0))
        while now < 10_000 {
            if let wait = pace.wait(at: Self.at(now)) {
                now += max(1, wait.nanoseconds / 1_000_000)
            } else {
                pace.count(pace.chunkBytes, at: Self.at(now))
                sent += pace.chunkBytes
            }
        }
        let wanted = 10 << 20
        #expect(abs(sent - wanted) <= 2 * pace.chunkBytes, "\(sent)")
    }

    @Test("what was late by less than an interval is caught up, a longer silence is not saved up for")
    func late() {
        var pace = SendingPace(bytesPerSecond: 1000)
        pace.count(100, at: Self.at(0))
        pace.count(100, at: Self.at(50))
        #expect(pace.wait(at: Self.at(50)) == .milliseconds(50))
        pace.count(100, at: Self.at(5000))
        #expect(pace.wait(at: Self.at(5000)) == nil)
        pace.count(100, at: Self.at(5000))
        #expect(pace.wait(at: Self.at(5000)) == .milliseconds(100))
    }

    @Test("a connection sends its file in pieces, each when its time has come", arguments: [false, true])
    func connection(isEncrypted: Bool) async throws {
        var limits = BootHTTPLimits()
        limits.bytesPerSecondMax = 500_000
        try await BootHTTPFixture.with(limits: limits) { fixture in
            let loop = NIOAsyncTestingEventLoop()
            let channel = NIOAsyncTestingChannel(loop: loop)
            let responder = fixture.responder
            try await loop.executeInContext {
                try channel.pipeline.syncOperations.addHandler(
                    BootHTTPConnection(responder: responder, address: .loopback, isEncrypted: isEncrypted)
                )
            }
            try await channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1))
            let head = HTTPRequestHead(
                version: .http1_1,
                method: .GET,
                uri: "/images/node/1/vmlinuz",
                headers: ["Host": "t"]
            )
            try await channel.writeInbound(HTTPServerRequestPart.head(head))
            try await channel.writeInbound(HTTPServerRequestPart.end(nil))
            _ = try await channel.waitForOutboundWrite(as: HTTPServerResponsePart.self)
            let chunk = 50_000
            var left = BootHTTPFixture.kernel.count
            while left > 0 {
                let part = try await channel.waitForOutboundWrite(as: HTTPServerResponsePart.self)
                guard case .body(let body) = part else { throw ChannelError.eof }
                #expect(body.readableBytes == min(chunk, left))
                left -= body.readableBytes
                // Nothing more comes until the clock says so.
                if left > 0 { #expect(try await channel.readOutbound(as: HTTPServerResponsePart.self) == nil) }
                await loop.advanceTime(by: .milliseconds(100))
            }
            _ = try? await channel.finish(acceptAlreadyClosed: true)
        }
    }
}
