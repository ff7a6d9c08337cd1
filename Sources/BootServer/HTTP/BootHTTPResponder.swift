import HostModel
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import Recipes

/// Answers requests: asks the directory, writes scripts, opens files, and tells the events. Knows no connection.
package struct BootHTTPResponder: Sendable {
    let recipes: BootRecipes
    let kickstarts: KickstartRecipes?
    let directory: any BootDirectory
    let events: BootEventQueue
    let leases: LeaseStore?
    let images: ServedDirectory
    let loaders: ServedDirectory
    let agent: ServedAgent?
    let limits: BootHTTPLimits
    let logger: Logger
    private let reports: ReportAllowance
    let downloads: Admission<IPv4Address>

    /// `leases` say which machine an address is, for the loaders, whose requests name no machine.
    package init(
        recipes: BootRecipes,
        kickstarts: KickstartRecipes? = nil,
        directory: any BootDirectory,
        events: BootEventQueue,
        leases: LeaseStore? = nil,
        imageDirectory: String,
        loaderDirectory: String,
        agentFile: String? = nil,
        limits: BootHTTPLimits = BootHTTPLimits(),
        logger: Logger
    ) {
        (self.recipes, self.directory, self.events, self.leases) = (recipes, directory, events, leases)
        (self.limits, self.kickstarts) = (limits, kickstarts)
        agent = agentFile.flatMap { ServedAgent(path: $0) }
        images = ServedDirectory(path: imageDirectory, followsLinks: false)
        loaders = ServedDirectory(path: loaderDirectory, followsLinks: true)
        (self.logger, reports) = (logger, ReportAllowance(limits: limits))
        downloads = Admission(totalMax: limits.downloadsMax)
    }

    /// The answer to a request whose head is complete. Never throws: what fails becomes a status.
    func respond(to head: HTTPRequestHead, from address: IPv4Address?) async -> BootHTTPResponse {
        guard head.method == .GET || head.method == .HEAD else {
            return .text(.methodNotAllowed, "only GET and HEAD are served\n", headers: ["Allow": "GET, HEAD"])
        }
        guard head.version.minor == 0 || head.headers["Host"].count == 1 else {
            return .text(.badRequest, "a request of HTTP/1.1 has one Host header\n")
        }
        guard let target = RequestTarget(head.uri) else {
            return .text(.badRequest, "the path of the request is malformed\n")
        }
        do throws(BootRoute.Refusal) {
            return await respond(to: try BootRoute(target, from: address), head, address)
        } catch {
            switch error {
            case .notFound: return .text(.notFound, "there is no such file\n")
            case .malformed(let reason): return .text(.badRequest, reason + "\n")
            }
        }
    }

    private func respond(
        to route: BootRoute,
        _ head: HTTPRequestHead,
        _ address: IPv4Address?
    ) async -> BootHTTPResponse {
        switch route {
        case .firstStage: return .text(.ok, recipes.firstStage)
        case .script(let request): return await script(request, tells: head.method == .GET)
        case .loader(let name): return await loader(name, head, address)
        case .agent: return await serveAgent(head, address)
        case .kickstart(let token): return await kickstart(token, head, address)
        case .installReport(let report): return await take(report, head)
        case .image(let image, let machine): return await self.image(image, machine, head, address)
        case .report(let mac, let step, let detail):
            // Answered with a body: iPXE of 2019 waits for one after a 204.
            guard head.method == .GET, reports.take(mac) else { return .text(.ok, "not taken\n") }
            let code = detail.raw.isEmpty ? "" : " (iPXE error \(detail.escapedForTerminal))"
            let sentence = "the machine reports that the step \(step) failed\(code)"
            events.offer(BootEvent(mac: mac, stage: .failed, detail: sentence, address: address))
            return .text(.ok, "taken\n")
        }
    }

    // MARK: Scripts

    private func script(_ request: BootRequest, tells: Bool) async -> BootHTTPResponse {
        let answer: BootAnswer
        do {
            answer = try await directory.answer(request)
        } catch {
            logger.warning("nobody could say what \(request.mac) boots: \(error)")
            return wait(request, reason: "the engine does not answer")
        }
        do {
            // Each script for an installer holds a token of its own: asking for the head makes none.
            if answer.profile.mode == .kickstart, tells { return await installerScript(answer, request) }
            let script = try recipes.script(for: answer, to: request)
            if tells { tell(script.kind, answer, request) }
            return .text(.ok, script.text)
        } catch {
            let detail = "\(error); \(error.remedy)"
            if tells {
                events.offer(BootEvent(mac: request.mac, stage: .failed, detail: detail, address: request.address))
            }
            return wait(request, reason: error.description)
        }
    }

    func wait(_ request: BootRequest, reason: String) -> BootHTTPResponse {
        do {
            return .text(.ok, try recipes.wait(request, reason: reason).text)
        } catch {
            logger.error("the script to wait could not be written: \(error)")
            return .text(.internalServerError, "no script could be written\n")
        }
    }

    func tell(_ kind: BootScript.Kind, _ answer: BootAnswer, _ request: BootRequest) {
        let profile = terminalEscaped(answer.profile.name)
        let reason = terminalEscaped(answer.reason)
        let (stage, detail): (BootEvent.Stage, String) =
            switch kind {
            case .run: (.script, "got the script of the profile \(profile): \(reason)")
            case .kickstart: (.script, "got the installer's script of the profile \(profile): \(reason)")
            case .local: (.localDisk, "was sent to its own disk by the profile \(profile): \(reason)")
            case .deny: (.denied, "was denied by the profile \(profile): \(reason)")
            case .wait: (.script, "was told to wait, no image is published for the profile \(profile): \(reason)")
            }
        events.offer(BootEvent(mac: request.mac, stage: stage, detail: detail, address: request.address))
    }

    // MARK: Files

    /// UEFI HTTP boot asks for the head first; only a whole loader is a step.
    private func loader(_ name: String, _ head: HTTPRequestHead, _ address: IPv4Address?) async -> BootHTTPResponse {
        var response = await file(loaders, [name], head)
        guard head.method == .GET, response.status == .ok, let address, let mac = await leases?.machine(at: address)
        else { return response }
        response.onEnd = { [events] isComplete in
            guard isComplete else { return }
            events.offer(BootEvent(mac: mac, stage: .loader, detail: "loaded \(name) by HTTP", address: address))
        }
        return response
    }

    private func image(
        _ image: BootRoute.ImageFile,
        _ machine: BootRequest?,
        _ head: HTTPRequestHead,
        _ address: IPv4Address?
    ) async -> BootHTTPResponse {
        if let machine, let refusal = await refusal(machine) { return refusal }
        let peer = address ?? .any
        guard head.method == .HEAD || downloads.enter(peer) else {
            let headers: HTTPHeaders = ["Retry-After": String(limits.retrySeconds)]
            return .text(.serviceUnavailable, "too many machines load images now\n", headers: headers)
        }
        var response = await file(images, [image.name, image.version, image.file], head)
        guard head.method == .GET else { return response }
        let told = ImageTransfer(image: image, machine: machine, response: response, started: .now())
        response.onEnd = { [downloads, events] isComplete in
            downloads.leave(peer)
            if let event = told.event(isComplete: isComplete) { events.offer(event) }
        }
        return response
    }

    /// What a machine gets instead of an image: 403 when it is denied, 503 when nobody can say.
    private func refusal(_ machine: BootRequest) async -> BootHTTPResponse? {
        do {
            let answer = try await directory.answer(machine)
            guard answer.profile.mode == .deny else { return nil }
            let detail = "was refused an image: \(terminalEscaped(answer.reason))"
            events.offer(BootEvent(mac: machine.mac, stage: .denied, detail: detail, address: machine.address))
            return .text(.forbidden, "this machine may not boot from here\n")
        } catch {
            logger.warning("nobody could say whether \(machine.mac) may load an image: \(error)")
            let headers: HTTPHeaders = ["Retry-After": String(limits.retrySeconds)]
            return .text(.serviceUnavailable, "the engine does not answer\n", headers: headers)
        }
    }

    func file(
        _ directory: ServedDirectory,
        _ components: [String],
        _ head: HTTPRequestHead
    ) async -> BootHTTPResponse {
        do {
            let file = try await NIOThreadPool.singleton.runIfActive { try directory.open(components) }
            return .file(file, type: Self.contentType(components.last ?? ""), request: head.headers)
        } catch ServedDirectory.Failure.notFound {
            return .text(.notFound, "there is no such file\n")
        } catch {
            logger.error("\(components.joined(separator: "/")) could not be opened in \(directory.path): \(error)")
            return .text(.internalServerError, "the file could not be opened\n")
        }
    }

    /// UEFI HTTP boot goes by the type first (EDK2 HttpBootSupport.c).
    private static func contentType(_ name: String) -> String {
        name.hasSuffix(".efi") ? "application/efi" : "application/octet-stream"
    }
}
