import BootWire
import HostModel
import Logging
import NIOCore
import Recipes

/// What TFTP serves beside the loaders: signed programs of images, loaders of Debian's packages under their usual names, and
/// the configurations of GRUB and pxelinux, which are made for each machine when it asks.
package struct MachineFiles: Sendable {
    let programs: ImagePrograms
    let packaged = PackagedLoaders()
    let recipes: LoaderRecipes
    let machines: VerifiedMachines
    let logger: Logger
    private let answers: ConfigurationAnswers
    private let asks = Allowance<IPv4Address>(
        burst: asksPerAddress,
        interval: .milliseconds(Int64(askMilliseconds)),
        keysMax: askingAddressesMax
    )

    /// Files that are made for one address, and then one more every `askMilliseconds`. A boot takes one.
    static let asksPerAddress = 40
    static let askMilliseconds = 500
    /// Addresses whose asking is counted; others are refused while the table is full.
    static let askingAddressesMax = 8192

    init(
        imageDirectory: String,
        store: ImageStore? = nil,
        recipes: LoaderRecipes,
        machines: VerifiedMachines,
        answers: ConfigurationAnswers = ConfigurationAnswers(),
        logger: Logger
    ) {
        programs = ImagePrograms(path: imageDirectory, store: store, machines: machines)
        (self.recipes, self.machines, self.answers, self.logger) = (recipes, machines, answers, logger)
    }

    /// A configuration that was asked for, and whose.
    private struct Asked {
        var loader: ConfiguredLoader
        var mac: MACAddress
    }

    /// A file that is made when it is asked for.
    enum Made: Sendable {
        /// `arrived` is called at the end of its transfer, and gives the event that is due then.
        case text([UInt8], arrived: Arrival)
        /// The address asks too often.
        case busy
    }

    /// Whether the client acknowledged all of it.
    typealias Arrival = @Sendable (_ isAcknowledged: Bool) -> BootEvent?

    /// The text of a configuration; `nil` for every other name, and where nobody can say which machine asks.
    func configuration(_ name: TFTPPath, for address: IPv4Address) async -> Made? {
        if Self.isReport(name) { return await report(name, from: address) }
        guard let asked = await asked(name, address) else { return nil }
        let key = ConfigurationAnswers.Key(loader: asked.loader, mac: asked.mac, address: address)
        if let kept = answers.kept(for: key) { return text(kept.text, kept.event, key) }
        guard asks.take(address) else { return .busy }
        let request = BootRequest(
            mac: asked.mac,
            firmware: asked.loader == .grub ? .uefi : .bios,
            address: address
        )
        guard let (text, event) = await make(asked.loader, request) else { return nil }
        answers.keep(text, event, for: key)
        return self.text(text, event, key)
    }

    private func text(_ text: [UInt8], _ event: BootEvent, _ key: ConfigurationAnswers.Key) -> Made {
        .text(text) { [answers] in answers.arrived(event, for: key, isAcknowledged: $0) }
    }

    /// The text with the step that it is; `nil` where not even a reason can be written.
    private func make(_ loader: ConfiguredLoader, _ request: BootRequest) async -> (text: [UInt8], event: BootEvent)? {
        let answer: BootAnswer
        do { answer = try await machines.directory.answer(request) } catch {
            logger.warning("nobody could say what \(request.mac) boots: \(error)")
            let reason = "the engine does not answer"
            let unknown = BootAnswer(profile: BootProfile(name: "none", mode: .run), reason: reason)
            return wait(loader, reason, unknown, request, .script, "was told to wait: \(reason)")
        }
        do throws(RecipeError) {
            let made = try recipes.configuration(loader, for: answer, to: request)
            return (Array(made.text.utf8), await event(made.purpose, loader, answer, request))
        } catch {
            return wait(loader, "\(error)", answer, request, .failed, "\(error); \(error.remedy)")
        }
    }

    private func wait(
        _ loader: ConfiguredLoader,
        _ reason: String,
        _ answer: BootAnswer,
        _ request: BootRequest,
        _ stage: BootEvent.Stage,
        _ detail: String
    ) -> (text: [UInt8], event: BootEvent)? {
        guard let made = try? recipes.wait(loader, reason, answer, request) else { return nil }
        let event = BootEvent(mac: request.mac, stage: stage, detail: detail, address: request.address)
        return (Array(made.text.utf8), event)
    }

    /// The profile by which the machine at this address has this program of an image; `nil` where it is none, or by IPv6.
    func profile(_ name: TFTPPath, for address: IPAddress) async -> String? {
        guard let address = address.v4 else { return nil }
        return await programs.profile(name, address)
    }

    private static func isReport(_ name: TFTPPath) -> Bool {
        let parts = name.components
        return parts.count == 4 && parts[0] == "boot" && parts[1] == "event"
    }

    /// `boot/event/MAC/STEP`: a loader without HTTP reports that a step failed, by asking for this file. Only of the machine
    /// that asks.
    private func report(_ name: TFTPPath, from address: IPv4Address) async -> Made? {
        let (machine, step) = (name.components[2], name.components[3])
        guard let mac = MACAddress(machine), (1...BootRoute.stepMax).contains(step.utf8.count),
            step.utf8.allSatisfy({ (97...122).contains($0) }), await machines.machines.vouches(for: mac, at: address)
        else { return nil }
        guard asks.take(address) else { return .busy }
        let detail = "the machine reports that the step \(step) failed"
        let event = BootEvent(mac: mac, stage: .failed, detail: detail, address: address)
        return .text(Array("taken\n".utf8)) { _ in event }
    }

    private func event(
        _ purpose: ConfiguredLoader.Purpose,
        _ loader: ConfiguredLoader,
        _ answer: BootAnswer,
        _ request: BootRequest
    ) async -> BootEvent {
        let isItself = await vouches(for: request)
        let isOutcome = purpose == .local || purpose == .deny
        let profile = terminalEscaped(answer.profile.name)
        let stages: [ConfiguredLoader.Purpose: BootEvent.Stage] = [.local: .localDisk, .deny: .denied]
        return BootEvent(
            mac: request.mac,
            stage: stages[purpose] ?? .script,
            detail:
                "got the configuration of \(loader.rawValue) (\(purpose.rawValue)) by the profile \(profile): "
                + terminalEscaped(answer.reason) + (isItself ? "" : BootHTTPResponder.asked),
            address: request.address,
            outcome: isOutcome && isItself ? answer.profile.name : nil
        )
    }

    /// Names as the loaders ask for them: `grub.cfg-01-MAC` and `grub.cfg-MAC` below any folder, Debian's signed GRUB's
    /// `grub/x86_64-efi/grub.cfg` and `grub/grub.cfg`, which name no machine, and `pxelinux.cfg/01-MAC`.
    private func asked(_ name: TFTPPath, _ address: IPv4Address) async -> Asked? {
        guard let file = name.components.last else { return nil }
        let folders = name.components.dropLast()
        if folders.last == "pxelinux.cfg" {
            return file.hasPrefix("01-")
                ? MACAddress(file.dropFirst(3)).map { Asked(loader: .pxelinux, mac: $0) } : nil
        }
        if file.hasPrefix("grub.cfg-") {
            let rest = file.dropFirst("grub.cfg-".count)
            let mac = MACAddress(rest.hasPrefix("01-") ? rest.dropFirst(3) : rest)
            return mac.map { Asked(loader: .grub, mac: $0) }
        }
        guard file == "grub.cfg", folders == ["grub"] || folders == ["grub", "x86_64-efi"] else { return nil }
        return await machines.machines.machine(at: address).map { Asked(loader: .grub, mac: $0) }
    }

    private func vouches(for request: BootRequest) async -> Bool {
        guard let address = request.address else { return false }
        return await machines.machines.vouches(for: request.mac, at: address)
    }
}

/// Loaders where Debian's packages shim-signed, grub-efi-amd64-signed, pxelinux and syslinux-common put them, under the names
/// by which they look for each other.
struct PackagedLoaders: Sendable {
    static let places = [
        "shimx64.efi": "/usr/lib/shim/shimx64.efi.signed",
        "grubx64.efi": "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
        "lpxelinux.0": "/usr/lib/PXELINUX/lpxelinux.0",
        "pxelinux.0": "/usr/lib/PXELINUX/pxelinux.0",
        "ldlinux.c32": "/usr/lib/syslinux/modules/bios/ldlinux.c32",
    ]

    /// `nil` for every other name, and where the package is not installed. May block on the disk.
    func open(_ name: TFTPPath) throws(LoaderRefusal) -> OpenLoader? {
        guard let place = Self.places[name.description], let slash = place.lastIndex(of: "/"),
            let folder = try? LoaderDirectory(path: String(place[..<slash]), linkTargets: []),
            let file = TFTPPath(Array(place[slash...].utf8))
        else { return nil }
        return try folder.open(file)
    }
}

extension TFTPPath {
    /// Loaders are named `boot/NAME` too, as by HTTP.
    var belowBoot: TFTPPath {
        guard components.count == 2, components[0] == "boot", let name = TFTPPath(Array(components[1].utf8)) else {
            return self
        }
        return name
    }
}
