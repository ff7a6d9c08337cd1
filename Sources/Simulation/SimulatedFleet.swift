import Crypto
import EngineClient
import FoundationEssentials
package import HostModel
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// Thousands of hosts in one process, with their agents' behaviour on the wire: they claim, wait for approval, serve, and
/// go wrong on command.
package final class SimulatedFleet: Sendable {
    /// Where the fleet stands.
    package struct Report: Hashable, Sendable, Codable {
        package var hosts = 0
        /// Claims that wait for a person.
        package var pending = 0
        /// Hosts with a certificate.
        package var approved = 0
        /// Hosts whose `setupNetworks` was called.
        package var managed = 0
        /// Hosts that the engine is connected to.
        package var connected = 0
        package var calls = 0
        package var faults = 0
    }

    private let plan: FleetPlan
    private let engine: EngineAddress
    private let hosts: [SimulatedHost]
    private let pending = Mutex<Set<Int>>([])

    package init(_ plan: FleetPlan, engine: EngineAddress) throws {
        let faults = FaultOrder.assign(plan.faults, to: plan.count)
        (self.plan, self.engine) = (plan, engine)
        hosts = try (0..<plan.count).map { try SimulatedHost($0, of: plan, fault: faults[$0]) }
    }

    /// Listens, enrols every host, and goes on until the task is cancelled. `whenPending` gets each host's name and the
    /// code of its screen, as soon as a person could approve it.
    package func run(whenPending: @escaping @Sendable (String, ApprovalCode) async -> Void) async throws {
        let face = AgentFace(plan: plan, hosts: hosts, replies: try HostReplies(), stranger: try Self.stranger())
        let listener = try await face.listen()
        try await withTaskCancellationHandler {
            try await enrolAll(whenPending)
            try await listener.closeFuture.get()
        } onCancel: {
            listener.close(promise: nil)
        }
    }

    /// At most `parallel` hosts are on their way to a claim; at most `waiting` wait for approval.
    private func enrolAll(_ whenPending: @escaping @Sendable (String, ApprovalCode) async -> Void) async throws {
        let (turnstile, waiting) = (Turnstile(places: plan.parallel), Turnstile(places: plan.waiting))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for host in hosts {
                await waiting.enter()
                await turnstile.enter()
                try Task.checkCancellation()
                group.addTask { [self] in
                    let enrolment = FleetEnrolment(host: host, engine: engine, port: plan.port)
                    let claim = try await enrolment.claim()
                    pending.withLock { _ = $0.insert(host.number) }
                    await turnstile.leave()
                    await whenPending(host.name, claim.code)
                    try await enrolment.fetchCertificate(of: claim)
                    pending.withLock { _ = $0.remove(host.number) }
                    await waiting.leave()
                }
            }
            try await group.waitForAll()
        }
    }

    /// Gives faults anew, and heals every other host; an empty list heals all.
    package func apply(_ orders: [FaultOrder]) {
        let faults = FaultOrder.assign(orders, to: plan.count)
        for host in hosts { host.state.withLock { $0.fault = faults[host.number] } }
    }

    package func report() -> Report {
        var report = Report(hosts: hosts.count, pending: pending.withLock(\.count))
        for host in hosts {
            host.state.withLock { state in
                report.approved += state.tls == nil ? 0 : 1
                report.managed += state.isManaged ? 1 : 0
                report.connected += state.connections > 0 ? 1 : 0
                report.calls += state.calls
                report.faults += state.fault == nil ? 0 : 1
            }
        }
        return report
    }

    /// A server with a certificate that nobody issued.
    private static func stranger() throws -> NIOSSLContext {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("nobody") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: .init(key.publicKey),
            notValidBefore: .init(timeIntervalSince1970: 1_600_000_000),
            notValidAfter: .init(timeIntervalSince1970: 4_000_000_000),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: .init(key)
        )
        let pem = try certificate.serializeAsPEM().pemString
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem))],
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
            )
        )
    }
}
