import Glibc
import Testing

@testable import Agent

/// The next certificate of a host: from the engine's socket into the state directory, and into the next handshake.
@Suite(.enabled(if: getuid() == 0, "needs root"))
struct CertificateRenewalTests {
    @Test("the next certificate for the same key is kept and shown; everybody else's is refused, and the old one stays")
    func renews() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { serve in
                    let before = try rig.stateFile("certificate.pem")
                    for (name, pem, words) in try rig.strangeCertificates() {
                        let answer = try await rig.client("engine", "Host.renewCertificate", pem).joined()
                        #expect(answer.contains("91") && answer.contains(words), "\(name): \(answer)")
                        #expect(try rig.stateFile("certificate.pem") == before, "\(name)")
                    }
                    let next = try rig.nextCertificate()
                    let answer = try await rig.client("engine", "Host.renewCertificate", next.parameters).joined()
                    #expect(answer.contains("true"), "\(answer)")
                    #expect(try rig.stateFile("certificate.pem") == next.pem)
                    try await serve.await("the certificate changed")
                    try await serve.await("listening on")
                    let ping = try await rig.client("engine", "Host.ping2", "{}").joined()
                    #expect(ping.contains("true"), "\(ping)")
                }
            }
        }
    }

    @Test("only the engine orders it: the host's own certificate from the network does not get in")
    func others() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                try await rig.serving { _ in
                    let before = try rig.stateFile("certificate.pem")
                    let next = try rig.nextCertificate()
                    _ = try? await rig.client("other", "Host.renewCertificate", next.parameters)
                    #expect(try rig.stateFile("certificate.pem") == before)
                }
            }
        }
    }
}
