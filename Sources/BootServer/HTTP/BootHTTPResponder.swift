import HostModel
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
package import Recipes

/// Answers requests: asks the directory, writes scripts, opens files, and tells the events. Knows no connection.
package struct BootHTTPResponder: Sendable {
    var recipes: BootRecipes
    let kickstarts: KickstartRecipes?
    let directory: any BootDirectory
    let events: BootEventQueue
    let machines: MachineLocator
    let images: ServedDirectory
    let loaders: ServedDirectory
    let agent: ServedAgent?
    /// Of a boot server on another segment; `nil`: the image directory is the engine's own.
    let store: ImageStore?
    let limits: BootHTTPLimits
    let logger: Logger
    private let reports: Allowance<MACAddress>
    private let reporters: Allowance<String>
    private let asks: Allowance<String>
    let downloads: Admission<String>
    /// The client's address as text, of either family.
    private var peer = ""
    private var hosts: VerifiedMachines { VerifiedMachines(directory: directory, machines: machines) }

    /// `machines` say which machine an address is: for the loaders, whose requests name none, and for what somebody may
    /// have asked in another's name.
    package init(
        recipes: BootRecipes,
        kickstarts: KickstartRecipes? = nil,
        directory: any BootDirectory,
        events: BootEventQueue,
        machines: MachineLocator,
        imageDirectory: String,
        store: ImageStore? = nil,
        loaderDirectory: String,
        agentFile: String? = nil,
        limits: BootHTTPLimits = BootHTTPLimits(),
        logger: Logger
    ) {
        (self.recipes, self.directory, self.events, self.machines) = (recipes, directory, events, machines)
        (self.limits, self.kickstarts, self.store) = (limits, kickstarts, store)
        agent = agentFile.flatMap { ServedAgent(path: $0) }
        images = ServedDirectory(path: imageDirectory, followsLinks: false)
        loaders = ServedDirectory(path: loaderDirectory, followsLinks: true)
        self.logger = logger
        let interval = TimeAmount.seconds(Int64(limits.reportSeconds))
        reports = Allowance(burst: limits.reportsPerMachine, interval: interval, keysMax: limits.reportingMachinesMax)
        reporters = Allowance(burst: limits.reportsPerMachine, interval: interval, keysMax: limits.reportingMachinesMax)
        asks = Allowance(
            burst: limits.asksPerPeer,
            interval: .milliseconds(Int64(limits.askMilliseconds)),
            keysMax: limits.askingPeersMax
        )
        downloads = Admission(totalMax: limits.downloadsMax, perKeyMax: limits.downloadsPerPeerMax)
    }

    /// The same for one connection: whom the limits of each address count.
    func serving(_ peer: String) -> BootHTTPResponder {
        var responder = self
        responder.peer = peer
        return responder
    }

    /// The same, with the same limits, for who comes by HTTPS: whoever speaks it once is told to load so.
    func secure(port: UInt16) -> BootHTTPResponder {
        var responder = self
        var server = ServerLocation(address: recipes.server.address, port: port)
        server.isSecure = true
        responder.recipes = recipes.secure(at: server)
        return responder
    }

    func key(_ address: IPv4Address?) -> String { address.map { "\($0)" } ?? peer }

    /// The answer to a request whose head is complete. Never throws: what fails becomes a status.
    func respond(to head: HTTPRequestHead, from address: IPv4Address?) async -> BootHTTPResponse {
        let response = await answer(to: head, from: address)
        events.figures.count { counters in
            counters.http_requests += 1
            if response.status.code >= 400 { counters.http_refused += 1 }
        }
        return response
    }

    private func answer(to head: HTTPRequestHead, from address: IPv4Address?) async -> BootHTTPResponse {
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
        case .script(let request):
            guard asks.take(key(address)) else { return busy("this address asks too often") }
            return await script(request, tells: head.method == .GET)
        case .loader(let name): return await loader(name, head, address)
        case .agent: return await serveAgent(head, address)
        case .kickstart(let token): return await kickstart(token, head, address)
        case .installReport(let report): return await take(report, head)
        case .image(let image, let claim): return await self.image(image, claim, head, address)
        case .report(let mac, let step, let detail):
            // Answered with a body: iPXE of 2019 waits for one after a 204.
            guard head.method == .GET, reporters.take(key(address)), reports.take(mac) else {
                return .text(.ok, "not taken\n")
            }
            if step == BootEvent.Stage.installed.rawValue { return await installed(mac, detail, address) }
            let sentence = "the machine reports that the step \(step) failed\(Self.reason(detail))"
            events.offer(BootEvent(mac: mac, stage: .failed, detail: sentence, address: address))
            return .text(.ok, "taken\n")
        }
    }

    /// The machine says that it is installed. It is the outcome of the profile that it boots now, if that one installs.
    private func installed(
        _ mac: MACAddress,
        _ detail: HostileText,
        _ address: IPv4Address?
    ) async -> BootHTTPResponse {
        let request = BootRequest(mac: mac, firmware: .bios, address: address)
        let profile: BootProfile
        do { profile = try await directory.answer(request).profile } catch {
            logger.warning("nobody could say what \(mac) boots: \(error)")
            return busy("the engine does not answer")
        }
        let words = detail.escapedForTerminal
        let sentence = "the machine reports that it is installed\(words.isEmpty ? "" : ": \(words)")"
        let outcome = profile.mode == .install ? profile.name : nil
        events.offer(await event(of: request, .installed, sentence, outcome: outcome))
        return .text(.ok, "taken\n")
    }

    /// iPXE tells the digits of an error, the live root a sentence.
    private static func reason(_ detail: HostileText) -> String {
        let text = detail.escapedForTerminal
        if text.isEmpty { return "" }
        return text.allSatisfy(\.isHexDigit) ? " (iPXE error \(text))" : ": \(text)"
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
        // What it reports cannot be known to be its own, so that it would be installed again and again.
        if answer.profile.mode == .install, recipes.server.address.v4 == nil {
            return wait(request, reason: "a machine is installed over IPv4 only")
        }
        do {
            // Each script for an installer holds a token of its own: asking for the head makes none.
            if answer.profile.mode == .kickstart, tells { return await installerScript(answer, request) }
            let awaitsToken = tells && answer.awaitsToken == true && answer.takesToken
            let token = awaitsToken ? await arrivalToken(request) : nil
            let script = try recipes.script(for: answer, to: request, token: token)
            if tells { await tell(script.kind, answer, request) }
            return .text(.ok, script.text)
        } catch {
            let detail = "\(error); \(error.remedy)"
            if tells {
                events.offer(BootEvent(mac: request.mac, stage: .failed, detail: detail, address: request.address))
            }
            return wait(request, reason: error.description)
        }
    }

    /// Only for who is known to be the machine, by its lease or as a neighbour; without it the node shows a code and waits for
    /// a person.
    private func arrivalToken(_ request: BootRequest) async -> Nonce? {
        guard let address = request.address, await machines.knows(request.mac, at: address) else {
            let detail = "was announced, and gets no token: \(Self.asked.dropFirst(2))"
            events.offer(BootEvent(mac: request.mac, stage: .script, detail: detail, address: request.address))
            return nil
        }
        do { return try await directory.issueArrival(request).token } catch {
            logger.warning("\(request.mac) was announced and gets no token: \(error)")
            return nil
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

    func tell(_ kind: BootScript.Kind, _ answer: BootAnswer, _ request: BootRequest) async {
        let profile = terminalEscaped(answer.profile.name)
        let reason = terminalEscaped(answer.reason)
        let (stage, detail): (BootEvent.Stage, String) =
            switch kind {
            case .run: (.script, "got the script of the profile \(profile): \(reason)")
            case .verified: (.script, "got the script of the profile \(profile), to load a signed program: \(reason)")
            case .install: (.script, "got the script to be installed on its disk by the profile \(profile): \(reason)")
            case .kickstart: (.script, "got the installer's script of the profile \(profile): \(reason)")
            case .local: (.localDisk, "was sent to its own disk by the profile \(profile): \(reason)")
            case .deny: (.denied, "was denied by the profile \(profile): \(reason)")
            case .wait: (.script, "was told to wait, no image is published for the profile \(profile): \(reason)")
            }
        // The node image is only got with its last file, an installation with its kickstart.
        let isOutcome = kind == .local || kind == .deny
        events.offer(await event(of: request, stage, detail, outcome: isOutcome ? answer.profile.name : nil))
    }

    /// A step of the machine that a request names. It is the outcome of a profile only where the request comes from that
    /// machine, as far as anybody can say.
    private func event(
        of request: BootRequest,
        _ stage: BootEvent.Stage,
        _ detail: String,
        outcome: String?
    ) async -> BootEvent {
        let isItself = await isFromItself(request)
        return BootEvent(
            mac: request.mac,
            stage: stage,
            detail: isItself ? detail : detail + Self.asked,
            address: request.address,
            hardwareID: request.hardwareID,
            outcome: isItself ? outcome : nil
        )
    }

    /// Behind the sentence of a step that may be somebody else's.
    static let asked = ", asked for from an address that is not known to be the machine's"

    private func isFromItself(_ request: BootRequest) async -> Bool {
        guard let address = request.address else { return false }
        return await machines.vouches(for: request.mac, at: address)
    }

    private func busy(_ reason: String) -> BootHTTPResponse {
        .text(.serviceUnavailable, reason + "\n", headers: ["Retry-After": String(limits.retrySeconds)])
    }

    // MARK: Files

    /// UEFI HTTP boot asks for the head first; only a whole loader is a step.
    private func loader(_ name: String, _ head: HTTPRequestHead, _ address: IPv4Address?) async -> BootHTTPResponse {
        var response = await file(loaders, [name], head)
        guard head.method == .GET, response.status == .ok, let place = IPAddress(key(address)),
            let mac = await machines.machine(at: place)
        else { return response }
        let progress = begin(name, response, to: address, mac)
        response.progress = progress
        response.onEnd = { [events] isComplete in
            events.figures.end(progress)
            guard isComplete else { return }
            events.offer(BootEvent(mac: mac, stage: .loader, detail: "loaded \(name) by HTTP", address: address))
        }
        return response
    }

    private func image(
        _ image: BootRoute.ImageFile,
        _ claim: BootRoute.Claim?,
        _ head: HTTPRequestHead,
        _ address: IPv4Address?
    ) async -> BootHTTPResponse {
        let peer = key(address)
        // Nobody holds a place among the downloads while a file is still on its way from the engine.
        if let refusal = await notReady(image) { return refusal }
        // Before the engine is asked: where many wait for their turn, it is not asked about each of them again and again.
        guard head.method == .HEAD || downloads.enter(peer) else { return busy("too many images are loaded now") }
        var claim = claim
        // Firmware that boots by HTTP says nothing of itself; a script does.
        if claim == nil, image.isProgram { claim = await hosts.claim(of: address, on: image) }
        if let refusal = await refusal(of: image, to: claim, peer) {
            if head.method == .GET { downloads.leave(peer) }
            return refusal
        }
        var response = await file(images, [image.name, image.version, image.file], head)
        guard head.method == .GET else { return response }
        var told = ImageTransfer(image: image, claim: claim, response: response, started: .now())
        if let claim { told.isFromItself = await isFromItself(claim.machine) }
        let name = "\(image.name)/\(image.version)/\(image.file)"
        let progress = begin(name, response, to: address, claim?.machine.mac)
        response.progress = progress
        response.onEnd = { [downloads, events, told] isComplete in
            downloads.leave(peer)
            events.figures.end(progress)
            if let event = told.event(isComplete: isComplete) { events.offer(event) }
        }
        return response
    }

    private func refusal(
        of image: BootRoute.ImageFile,
        to claim: BootRoute.Claim?,
        _ peer: String
    ) async -> BootHTTPResponse? {
        guard let claim else { return nil }
        guard asks.take(peer) else { return busy("this address asks too often") }
        // The profile of the next boot is spent when the initramfs is there: what that fetches belongs to the boot that was
        // allowed, whatever the next one gets.
        return image.isOfLiveRoot ? nil : await refusal(claim.machine)
    }

    /// What a machine is told while a file is still on its way from the engine: iPXE and the node come again by themselves.
    private func notReady(_ image: BootRoute.ImageFile) async -> BootHTTPResponse? {
        switch await store?.prepare(image) {
        case .ready, nil: return nil
        case .missing: return .text(.notFound, "there is no such file\n")
        case .later(let seconds):
            let headers: HTTPHeaders = ["Retry-After": String(seconds)]
            return .text(.serviceUnavailable, "the file is on its way from the engine\n", headers: headers)
        }
    }

    /// A file that is shown on its way.
    private func begin(
        _ name: String,
        _ response: BootHTTPResponse,
        to address: IPv4Address?,
        _ mac: MACAddress?
    ) -> BootFigures.Transfer {
        events.figures.begin(name, way: "http", size: response.length, to: IPAddress(key(address)), mac)
    }

    /// What a machine gets instead of an image: 403 when it is denied, 503 when nobody can say.
    private func refusal(_ machine: BootRequest) async -> BootHTTPResponse? {
        do {
            let answer = try await directory.answer(machine)
            guard answer.profile.mode == .deny else { return nil }
            let detail = "was refused an image: \(terminalEscaped(answer.reason))"
            events.offer(await event(of: machine, .denied, detail, outcome: answer.profile.name))
            return .text(.forbidden, "this machine may not boot from here\n")
        } catch {
            logger.warning("nobody could say whether \(machine.mac) may load an image: \(error)")
            return busy("the engine does not answer")
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
