import FoundationEssentials
import HostModel
import NIOCore
import NIOPosix
import Testing

@testable import Engine

/// A peer that hangs up as soon as it was reached: the dialler learns of it, whenever it happens.
@Suite(.timeLimit(.minutes(1))) struct HangUpTests {
    @Test("a connection that ends before TLS has begun is a failure, not a wait without end")
    func closedAtOnce() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.close() }
            .bind(host: "127.0.0.1", port: 0).get()
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let dialer = try AgentDialer(
            authority: engine.authority.certificate,
            identity: engine.identity,
            times: MonitoringTimes()
        )
        let address = AgentAddress(
            host: .random(),
            address: "127.0.0.1",
            port: try #require(listener.localAddress?.port),
            publicKey: .init()
        )
        for _ in 0..<200 {
            await #expect(throws: AgentFailure.self) { _ = try await dialer.connect(to: address) { _ in } }
        }
        try await listener.close()
    }
}
