import BootWire
import HostModel

/// Which machine fetches a signed EFI program, and by which profile: firmware names neither.
struct VerifiedMachines: Sendable {
    let directory: any BootDirectory
    let machines: MachineLocator

    /// The machine at the address, with the profile where that one gives this very program.
    func claim(of address: IPv4Address?, on image: BootRoute.ImageFile) async -> BootRoute.Claim? {
        guard let address, let mac = await machines.machine(at: address) else { return nil }
        let machine = BootRequest(mac: mac, firmware: .uefi, address: address)
        let answer = try? await directory.answer(machine)
        let isLast = answer.map { Self.isLast(image, of: $0) } ?? false
        return BootRoute.Claim(machine: machine, profile: isLast ? answer?.profile.name : nil)
    }

    /// With it the machine has all that the profile gives: the signed program, or the initramfs that GRUB loads.
    private static func isLast(_ image: BootRoute.ImageFile, of answer: BootAnswer) -> Bool {
        if answer.verifiedProgram == "images/\(image.name)/\(image.version)/\(image.file)" { return true }
        guard answer.profile.loader == .grub, let manifest = answer.manifest else { return false }
        return manifest.name == image.name && manifest.version == image.version
            && manifest.file(.initramfs)?.name == image.file
    }
}

/// What of images is for loaders, by TFTP: signed EFI programs, and what GRUB loads. Nothing else of an image is served there.
package struct ImagePrograms: Sendable {
    private let path: String
    private let store: ImageStore?
    private let machines: VerifiedMachines

    init(path: String, store: ImageStore? = nil, machines: VerifiedMachines) {
        (self.path, self.store, self.machines) = (path, store, machines)
    }

    /// Has a file fetched that is not here yet; what comes too late is not found, and the client asks again.
    func prepare(_ name: TFTPPath) async {
        guard let store, let image = Self.image(name) else { return }
        _ = await store.prepare(image)
    }

    /// `nil` for every other name. May block on the disk.
    func open(_ name: TFTPPath) throws(LoaderRefusal) -> OpenLoader? {
        guard let image = Self.image(name) else { return nil }
        // Opened anew each time: the directory comes with the first image.
        guard let folder = try? LoaderDirectory(path: path, linkTargets: []),
            let file = TFTPPath(Array("\(image.name)/\(image.version)/\(image.file)".utf8))
        else { throw .notFound }
        return try folder.open(file)
    }

    /// The profile by which the machine at the address gets the program.
    func profile(_ name: TFTPPath, _ address: IPv4Address) async -> String? {
        guard let image = Self.image(name) else { return nil }
        return await machines.claim(of: address, on: image)?.profile
    }

    private static func image(_ name: TFTPPath) -> BootRoute.ImageFile? {
        let parts = name.components
        guard parts.count == 4, parts[0] == "images", parts.dropFirst().allSatisfy({ ImageReference.isComponent($0) })
        else { return nil }
        let file = BootRoute.ImageFile(name: parts[1], version: parts[2], file: parts[3])
        return file.isProgram || file.isForLoaders ? file : nil
    }
}
