import EngineClient
package import Logging

/// Whether the engine of another segment answers this boot server. Changes nothing there and here: it makes no directory and no
/// key, makes no claim, and has no certificate renewed.
package struct SegmentCheck: Sendable {
    private let wish: SegmentEnrolment.Wish
    private let stateDirectory: String
    private let clock: SegmentClock
    private let logger: Logger

    package init(_ wish: SegmentEnrolment.Wish, stateDirectory: String, clock: SegmentClock = .system, logger: Logger) {
        (self.wish, self.stateDirectory, self.clock, self.logger) = (wish, stateDirectory, clock, logger)
    }

    package func findings() async -> [StartCheck.Finding] {
        let folder = MembershipFolder(reading: stateDirectory)
        let kept: SegmentMembership?
        do throws(StartFailure) { kept = try folder.membership(of: wish.fingerprint) } catch {
            return [.init(what: error.cause, remedy: error.remedy)]
        }
        guard let known = kept else { return [await stranger()] }
        if let doubt = folder.doubt(now: clock.now() / 1000) {
            return [.init(what: doubt.what, remedy: doubt.remedy), await contact(known)]
        }
        return [await contact(known)]
    }

    /// Asks for the addresses, which every boot server may, and which changes nothing.
    private func contact(_ membership: SegmentMembership) async -> StartCheck.Finding {
        do {
            let remote = try RemoteBootDirectory(wish.endpoint, membership: membership)
            defer { remote.close() }
            logger.debug("\(wish.endpoint) is asked as the boot server \(membership.id)")
            _ = try await remote.freshReservations()
            let end = SegmentClock.text(membership.end * 1000)
            return .init(what: "\(wish.endpoint) answers this boot server; its certificate is good until \(end)")
        } catch RemoteBootDirectory.Failure.refused(let status, let detail) where status == 401 || status == 403 {
            return .init(
                what: "\(wish.endpoint) does not know this boot server: \(detail)",
                remedy: "start muster-boot, and approve it anew with the code that it shows"
            )
        } catch {
            return .init(
                what: "\(wish.endpoint) does not answer: \(error)",
                remedy: "check the network and --engine-url"
            )
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
