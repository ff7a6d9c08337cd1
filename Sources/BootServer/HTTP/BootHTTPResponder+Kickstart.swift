import HostModel
import Logging
import NIOCore
import NIOHTTP1
import Recipes

/// The agent's file: its directory and its name in it.
struct ServedAgent: Sendable {
    let directory: ServedDirectory
    let name: String

    /// `nil` for a path without a directory and a name.
    init?(path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let name = parts.last else { return nil }
        let above = parts.dropLast().joined(separator: "/")
        let isRelative = !path.hasPrefix("/")
        directory = ServedDirectory(path: isRelative ? (above.isEmpty ? "." : above) : "/" + above, followsLinks: true)
        self.name = String(name)
    }
}

// Kickstarts: a script with a token, the fetch that spends it, and the report of how the installation ended.

extension BootHTTPResponder {
    /// The script that starts the installer, or the one that says why the machine cannot be installed.
    func installerScript(_ answer: BootAnswer, _ request: BootRequest) async -> BootHTTPResponse {
        guard kickstarts != nil else { return cannotInstall(request, "this boot server has no kickstart templates") }
        let ticket: KickstartTicket
        do {
            ticket = try await directory.issueKickstart(request)
        } catch RemoteBootDirectory.Failure.refused(_, let detail) {
            return cannotInstall(request, detail)
        } catch {
            logger.warning("nobody could say how \(request.mac) is installed: \(error)")
            return wait(request, reason: "the engine does not answer")
        }
        do {
            let script = try recipes.script(for: answer, ticket: ticket, to: request)
            await tell(script.kind, answer, request)
            return .text(.ok, script.text)
        } catch {
            return cannotInstall(request, "\(error); \(error.remedy)")
        }
    }

    private func cannotInstall(_ request: BootRequest, _ reason: String) -> BootHTTPResponse {
        events.offer(BootEvent(mac: request.mac, stage: .failed, detail: reason, address: request.address))
        return wait(request, reason: reason)
    }

    /// The token is spent before the first byte of the kickstart is on its way, so that nobody reads it twice by breaking
    /// a connection. A machine whose fetch broke boots again and gets another link.
    func kickstart(_ token: Nonce, _ head: HTTPRequestHead, _ address: IPv4Address?) async -> BootHTTPResponse {
        guard head.method == .GET else { return Self.getOnly }
        guard let kickstarts else { return .text(.notFound, "there is no such file\n") }
        do {
            let answer = try await directory.fetchKickstart(KickstartFetch(token: token, address: address))
            guard let kickstart = answer.kickstart else { return Self.refusal(answer.refusal ?? .unknown) }
            var response = BootHTTPResponse.text(.ok, try kickstarts.text(for: kickstart))
            response.onEnd = { [logger] isComplete in
                guard !isComplete else { return }
                logger.warning("the kickstart of \(kickstart.host) was spent, but its transfer broke: boot it again")
            }
            return response
        } catch let error as RecipeError {
            logger.error("a kickstart could not be written: \(error); \(error.remedy)")
            return .text(.internalServerError, "\(error); \(error.remedy)\n")
        } catch {
            return unanswered(error)
        }
    }

    func take(_ report: InstallReport, _ head: HTTPRequestHead) async -> BootHTTPResponse {
        guard head.method == .GET else { return Self.getOnly }
        do {
            guard let refusal = try await directory.report(report).refusal else { return .text(.ok, "taken\n") }
            return Self.refusal(refusal)
        } catch {
            return unanswered(error)
        }
    }

    func serveAgent(_ head: HTTPRequestHead, _ address: IPv4Address?) async -> BootHTTPResponse {
        guard let agent else { return .text(.notFound, "this boot server has no agent\n") }
        let peer = key(address)
        guard head.method == .HEAD || downloads.enter(peer) else {
            let headers: HTTPHeaders = ["Retry-After": String(limits.retrySeconds)]
            return .text(.serviceUnavailable, "too many machines load files now\n", headers: headers)
        }
        var response = await file(agent.directory, [agent.name], head)
        if head.method == .GET { response.onEnd = { [downloads] _ in downloads.leave(peer) } }
        return response
    }

    private func unanswered(_ error: any Error) -> BootHTTPResponse {
        logger.warning("nobody could say what a kickstart's token stands for: \(error)")
        let headers: HTTPHeaders = ["Retry-After": String(limits.retrySeconds)]
        return .text(.serviceUnavailable, "the engine does not answer\n", headers: headers)
    }

    private static func refusal(_ refusal: TokenRefusal) -> BootHTTPResponse {
        switch refusal {
        case .unknown: .text(.forbidden, "nobody gave this link out\n")
        case .spent: .text(.gone, "this link was good once and is spent; boot the machine again for another\n")
        case .expired: .text(.gone, "this link is too old; boot the machine again for another\n")
        case .withdrawn: .text(.gone, "what this link stood for is gone; look at the machine's boot profile\n")
        }
    }

    private static let getOnly = BootHTTPResponse.text(
        .methodNotAllowed,
        "only GET is served here\n",
        headers: ["Allow": "GET"]
    )
}
