import AgentWire
import Crypto
import Foundation
import HostModel
import NIOCore
import NIOPosix
import SwiftASN1
import Testing
import X509

@testable import Engine

/// Whom the engine talks to, and what it does with peers that are wrong, mute, or no agents at all.
@Suite struct AgentConnectionTests {
    /// A CA, an engine with a leaf of it, and the host that is dialled.
    struct Scene {
        let authority: CertificateAuthority
        let dialer: AgentDialer
        let host = UniqueID.random()
        let key = P256.Signing.PrivateKey()

        init() throws {
            authority = try CertificateAuthority.make(
                organization: "Muster",
                engineAddress: "engine.example.org",
                now: Date()
            )
            var times = MonitoringTimes()
            (times.connect, times.call) = (10_000, 10_000)
            dialer = try AgentDialer(
                authority: authority.certificate,
                identity: try Self.engine(authority),
                times: times
            )
        }

        static func engine(_ authority: CertificateAuthority) throws -> EngineIdentity {
            let key = P256.Signing.PrivateKey()
            let certificate = try authority.issue(
                role: .engine,
                address: "engine.example.org",
                key: key.publicKey,
                now: Date()
            )
            return EngineIdentity(
                certificate: certificate,
                pem: try certificate.serializeAsPEM().pemString,
                keyPEM: key.pemRepresentation,
                key: key
            )
        }

        func certificate(
            _ role: LeafRole,
            by issuer: CertificateAuthority? = nil,
            at now: Date = Date()
        ) throws -> String {
            try (issuer ?? authority).issue(role: role, address: "127.0.0.1", key: key.publicKey, now: now)
                .serializeAsPEM().pemString
        }

        func target(_ agent: TestAgent) -> AgentAddress {
            AgentAddress(
                host: host,
                address: "127.0.0.1",
                port: Int(agent.port),
                publicKey: key.publicKey.derRepresentation
            )
        }

        /// The agent with this certificate, and what dialling it ends with.
        func dial(_ certificate: String) async throws -> AgentFailure? {
            let agent = try await TestAgent(key: key)
            agent.trust(certificate: certificate, authority: try authority.pem())
            let link = AgentLink(dialer, target(agent))
            var failure: AgentFailure?
            do { _ = try await link.call(.ping2) } catch { failure = error }
            #expect(failure == nil || agent.calls().isEmpty, "a refused peer hears nothing")
            await link.close()
            try await agent.stop()
            return failure
        }
    }

    private static func isWrongPeer(_ failure: AgentFailure?) -> Bool {
        if case .wrongPeer = failure { true } else { false }
    }

    @Test func theDialledHostAnswers() async throws {
        let scene = try Scene()
        #expect(try await scene.dial(try scene.certificate(.host(scene.host))) == nil)
    }

    @Test("A11: a good certificate of another host, of the engine or of a boot server is not the host that was dialled")
    func otherRolesAreRefused() async throws {
        let scene = try Scene()
        for role in [LeafRole.host(.random()), .engine, .boot(scene.host)] {
            #expect(Self.isWrongPeer(try await scene.dial(try scene.certificate(role))), "\(role)")
        }
    }

    @Test func anotherAuthorityIsRefused() async throws {
        let scene = try Scene()
        let stranger = try CertificateAuthority.make(
            organization: "Muster",
            engineAddress: "engine.example.org",
            now: Date()
        )
        let certificate = try scene.certificate(.host(scene.host), by: stranger)
        #expect(Self.isWrongPeer(try await scene.dial(certificate)))
    }

    @Test("F27: a certificate out of its time is refused with both clocks in the sentence")
    func anExpiredCertificateIsRefused() async throws {
        let scene = try Scene()
        let longAgo = Date() - 2000 * CertificateAuthority.day
        let certificate = try scene.certificate(.host(scene.host), at: longAgo)
        let failure = try await scene.dial(certificate)
        #expect(Self.isWrongPeer(failure))
        #expect(failure?.sentence.contains("this engine's clock says") == true, "\(failure?.sentence ?? "")")
        let tomorrow = try scene.certificate(.host(scene.host), at: Date() + 3 * CertificateAuthority.day)
        #expect(try await scene.dial(tomorrow)?.sentence.contains("if the clock is wrong, set it") == true)
    }

    @Test("A11: the right name with another key than the approved one is refused") func anotherKeyIsRefused()
        async throws
    {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        agent.trust(certificate: try scene.certificate(.host(scene.host)), authority: try scene.authority.pem())
        var target = scene.target(agent)
        target.publicKey = P256.Signing.PrivateKey().publicKey.derRepresentation
        let link = AgentLink(scene.dialer, target)
        let failure = await #expect(throws: AgentFailure.self) { try await link.call(.ping2) }
        #expect(Self.isWrongPeer(failure))
        try await agent.stop()
    }

    @Test func nobodyThereIsUnreachable() async throws {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        let target = scene.target(agent)
        try await agent.stop()
        let failure = await #expect(throws: AgentFailure.self) {
            try await AgentLink(scene.dialer, target).call(.ping2)
        }
        guard case .unreachable = failure else {
            Issue.record("\(failure.debugDescription)")
            return
        }
    }

    @Test(arguments: ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}"])
    func whatIsNoAgentIsUnreachable(_ greeting: String) async throws {
        let scene = try Scene()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(greeting: greeting))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let target = AgentAddress(
            host: scene.host,
            address: "127.0.0.1",
            port: listener.localAddress?.port ?? 0,
            publicKey: scene.key.publicKey.derRepresentation
        )
        let failure = await #expect(throws: AgentFailure.self) {
            try await AgentLink(scene.dialer, target).call(.ping2)
        }
        guard case .unreachable = failure else {
            Issue.record("\(failure.debugDescription)")
            return
        }
        try await listener.close()
    }

    @Test func aMuteAgentIsNotWaitedForForever() async throws {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        agent.trust(certificate: try scene.certificate(.host(scene.host)), authority: try scene.authority.pem())
        agent.change { $0.mute = [HostVerb.getStats.rawValue] }
        let link = AgentLink(scene.dialer, scene.target(agent))
        let failure = await #expect(throws: AgentFailure.self) { try await link.call(.getStats, timeout: 50) }
        guard case .timedOut = failure else {
            Issue.record("\(failure.debugDescription)")
            return
        }
        _ = try await link.call(.ping2)
        await link.close()
        try await agent.stop()
    }

    @Test func aSecondWelcomeEndsTheConnection() async throws {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        agent.trust(certificate: try scene.certificate(.host(scene.host)), authority: try scene.authority.pem())
        agent.change { $0.saysConnectedTwice = true }
        let link = AgentLink(scene.dialer, scene.target(agent))
        await #expect(throws: AgentFailure.self) { try await link.call(.ping2) }
        try await agent.waitUntilDisconnected()
        await link.close()
        try await agent.stop()
    }

    @Test func aCancelledCallEndsAtOnce() async throws {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        agent.trust(certificate: try scene.certificate(.host(scene.host)), authority: try scene.authority.pem())
        agent.change { $0.mute = [HostVerb.setupNetworks.rawValue] }
        let link = AgentLink(scene.dialer, scene.target(agent))
        _ = try await link.call(.ping2)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await link.call(.setupNetworks, timeout: 3_600_000) }
            group.cancelAll()
        }
        try await agent.stop()
    }

    @Test func theAgentsNewsAreHeard() async throws {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        agent.trust(certificate: try scene.certificate(.host(scene.host)), authority: try scene.authority.pem())
        let link = AgentLink(scene.dialer, scene.target(agent))
        _ = try await link.call(.ping2)
        #expect(!link.takeNetworkNews())
        agent.change { $0.news = RPCNotification(method: "|net|host_conn|no_id", params: .object([:])) }
        // The agent sends what it has to tell before it answers.
        _ = try await link.call(.ping2)
        #expect(link.takeNetworkNews())
        #expect(!link.takeNetworkNews(), "told once")
        await link.close()
        try await agent.stop()
    }

    @Test func callsMayOverlap() async throws {
        let scene = try Scene()
        let agent = try await TestAgent(key: scene.key)
        agent.trust(certificate: try scene.certificate(.host(scene.host)), authority: try scene.authority.pem())
        let link = AgentLink(scene.dialer, scene.target(agent))
        _ = try await link.call(.ping2)
        let answers = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 { group.addTask { (try? await link.call(.getStats)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answers == 40)
        await link.close()
        try await agent.stop()
    }
}

/// Says something to whoever connects, and hangs up. Not before the channel is active: what is written earlier waits for ever.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let greeting: String

    init(greeting: String) { self.greeting = greeting }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: greeting)), promise: nil)
        context.close(promise: nil)
    }
}
