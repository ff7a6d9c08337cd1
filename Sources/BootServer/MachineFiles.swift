import BootWire
import HostModel
import Logging
import Recipes

/// What TFTP serves beside the loaders: signed programs of images, loaders of Debian's packages under their usual names, and
/// the configurations of GRUB and pxelinux, which are made for each machine when it asks.
package struct MachineFiles: Sendable {
    let programs: ImagePrograms
    let packaged = PackagedLoaders()
    let recipes: LoaderRecipes
    let machines: VerifiedMachines
    let events: BootEventQueue
    let logger: Logger

    init(
        imageDirectory: String,
        recipes: LoaderRecipes,
        machines: VerifiedMachines,
        events: BootEventQueue,
        logger: Logger
    ) {
        programs = ImagePrograms(path: imageDirectory, machines: machines)
        (self.recipes, self.machines, self.events, self.logger) = (recipes, machines, events, logger)
    }

    /// A configuration that was asked for, and whose.
    private struct Asked {
        var loader: ConfiguredLoader
        var mac: MACAddress
    }

    /// The text of a configuration; `nil` for every other name, and where nobody can say which machine asks.
    func configuration(_ name: TFTPPath, for address: IPv4Address) async -> [UInt8]? {
        if let report = await report(name, from: address) { return report }
        guard let asked = await asked(name, address) else { return nil }
        let request = BootRequest(
            mac: asked.mac,
            firmware: asked.loader == .grub ? .uefi : .bios,
            address: address
        )
        let answer: BootAnswer
        do { answer = try await machines.directory.answer(request) } catch {
            logger.warning("nobody could say what \(asked.mac) boots: \(error)")
            let unknown = BootAnswer(
                profile: BootProfile(name: "none", mode: .run),
                reason: "the engine does not answer"
            )
            return text { () throws(RecipeError) in
                try recipes.wait(asked.loader, "the engine does not answer", unknown, request)
            }
        }
        do throws(RecipeError) {
            let made = try recipes.configuration(asked.loader, for: answer, to: request)
            await tell(made.purpose, asked, answer, request)
            return Array(made.text.utf8)
        } catch {
            events.offer(
                BootEvent(mac: asked.mac, stage: .failed, detail: "\(error); \(error.remedy)", address: address)
            )
            return text { () throws(RecipeError) in try recipes.wait(asked.loader, "\(error)", answer, request) }
        }
    }

    /// The profile by which the machine at this address has this program of an image; `nil` where it is none, or by IPv6.
    func profile(_ name: TFTPPath, for address: IPAddress) async -> String? {
        guard let address = address.v4 else { return nil }
        return await programs.profile(name, address)
    }

    /// `boot/event/MAC/STEP`: a loader without HTTP reports that a step failed, by asking for this file. Only of the machine
    /// that asks.
    private func report(_ name: TFTPPath, from address: IPv4Address) async -> [UInt8]? {
        let parts = name.components
        guard parts.count == 4, parts[0] == "boot", parts[1] == "event", let mac = MACAddress(parts[2]),
            (1...BootRoute.stepMax).contains(parts[3].utf8.count),
            parts[3].utf8.allSatisfy({ (97...122).contains($0) }),
            await machines.machines.vouches(for: mac, at: address)
        else { return nil }
        let detail = "the machine reports that the step \(parts[3]) failed"
        events.offer(BootEvent(mac: mac, stage: .failed, detail: detail, address: address))
        return Array("taken\n".utf8)
    }

    private func text(
        _ make: () throws(RecipeError) -> (purpose: ConfiguredLoader.Purpose, text: String)
    ) -> [UInt8]? {
        (try? make()).map { Array($0.text.utf8) }
    }

    private func tell(
        _ purpose: ConfiguredLoader.Purpose,
        _ asked: Asked,
        _ answer: BootAnswer,
        _ request: BootRequest
    ) async {
        let isItself = await vouches(for: request)
        let isOutcome = purpose == .local || purpose == .deny
        let profile = terminalEscaped(answer.profile.name)
        let stages: [ConfiguredLoader.Purpose: BootEvent.Stage] = [.local: .localDisk, .deny: .denied]
        events.offer(
            BootEvent(
                mac: asked.mac,
                stage: stages[purpose] ?? .script,
                detail:
                    "got the configuration of \(asked.loader.rawValue) (\(purpose.rawValue)) by the profile \(profile): "
                    + terminalEscaped(answer.reason) + (isItself ? "" : BootHTTPResponder.asked),
                address: request.address,
                outcome: isOutcome && isItself ? answer.profile.name : nil
            )
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
