import EngineClient
package import Logging

/// Whether the engine of another segment answers this boot server. Changes nothing there and here.
package struct SegmentCheck: Sendable {
    private let wish: SegmentEnrolment.Wish
    private let stateDirectory: String
    private let logger: Logger

    package init(_ wish: SegmentEnrolment.Wish, stateDirectory: String, logger: Logger) {
        (self.wish, self.stateDirectory, self.logger) = (wish, stateDirectory, logger)
    }

    package func findings() async -> [StartCheck.Finding] {
        let enrolment: SegmentEnrolment
        do { enrolment = try SegmentEnrolment(wish, stateDirectory: stateDirectory, logger: logger) } catch {
            return [.init(what: "\(error)", remedy: "give another --state-directory")]
        }
        guard let membership = enrolment.membership() else { return [await stranger()] }
        do {
            let remote = try RemoteBootDirectory(wish.endpoint, membership: membership)
            defer { remote.close() }
            _ = try await remote.certificate()
            let end = SegmentClock.text(membership.end * 1000)
            return [.init(what: "\(wish.endpoint) answers this boot server; its certificate is good until \(end)")]
        } catch RemoteBootDirectory.Failure.refused(let status, let detail) where status == 401 || status == 403 {
            return [
                .init(
                    what: "\(wish.endpoint) does not know this boot server: \(detail)",
                    remedy: "start muster-boot, and approve it anew with the code that it shows"
                )
            ]
        } catch {
            return [
                .init(what: "\(wish.endpoint) does not answer: \(error)", remedy: "check the network and --engine-url")
            ]
        }
    }

    /// Before it was approved: whether anybody answers there, and who.
    private func stranger() async -> StartCheck.Finding {
        do {
            var limits = TransportLimits()
            (limits.connectSeconds, limits.readSeconds) = (5, 5)
            let transport = try HTTPTransport(wish.endpoint, trust: .any, limits: limits)
            defer { transport.close() }
            let answer = try await transport.send(.get("/ovirt-engine/services/pki-resource"))
            let shown = answer.peer.fingerprints.last.map { "SHA256:\($0.hex)" } ?? "none"
            if let wanted = wish.fingerprint, !answer.peer.fingerprints.contains(wanted) {
                return .init(
                    what: "\(wish.endpoint) shows \(shown), not the CA of --ca-fingerprint",
                    remedy: "compare --ca-fingerprint with what `muster-engine init` said"
                )
            }
            return .init(
                what: "\(wish.endpoint) answers, with the CA \(shown); this boot server is not approved there yet"
            )
        } catch {
            return .init(
                what: "\(wish.endpoint) does not answer: \(error)",
                remedy: "check the network and --engine-url"
            )
        }
    }
}
