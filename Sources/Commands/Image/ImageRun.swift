import ArgumentParser
import Foundation
import HostModel
import ImageBuilder
import SystemPackage

struct ImageRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Boot an image in QEMU, its console on this terminal.",
        discussion: """
            The console is the serial line: Ctrl-A X ends the machine, Ctrl-A C is QEMU's monitor. What the machine writes to its \
            disk is forgotten; when it powers off or reboots, muster ends with QEMU's exit status. Uses KVM where the processor has \
            it, else software emulation, which takes a minute or two.

            --output pxe gives QEMU kernel and initramfs directly, as a boot server would; the default where the image has no root \
            image. An image with one is booted from its ISO, or else its disk image, or else as --output pxe, where the machine \
            fetches its root image over HTTP from QEMU, by busybox; it can read what lies in the folder above NAME/VERSION. --output usb puts the disk image, or else the ISO, on a USB stick.
            """
    )

    enum Output: String, CaseIterable, ExpressibleByArgument {
        case pxe
        case iso
        case disk
        case usb
    }

    enum Firmware: String, CaseIterable, ExpressibleByArgument {
        case bios
        case uefi
    }

    enum Network: String, CaseIterable, ExpressibleByArgument {
        case none
        case user
    }

    @Argument(help: "The image's name, or its folder.", completion: .directory)
    var image: String

    @Option(help: ArgumentHelp("Where built images lie.", valueName: "folder"), completion: .directory)
    var directory = BuiltImageFolder.defaultDirectory

    @Option(help: "What is booted; see above.")
    var output: Output?

    @Option(help: "SeaBIOS or OVMF.")
    var firmware = Firmware.bios

    @Option(help: ArgumentHelp("Memory of the machine.", valueName: "MiB"))
    var memory = 1024

    @Option(help: "No network, or QEMU's own with NAT and DHCP.")
    var network = Network.user

    @Option(help: ArgumentHelp("More kernel arguments; with --output pxe only.", valueName: "words"))
    var kargs = ""

    @Flag(help: "Show QEMU's command line instead of running it.")
    var dryRun = false

    func validate() throws {
        guard (64...1 << 20).contains(memory) else { throw ValidationError("--memory takes 64 to 1048576 MiB") }
        guard kargs.isEmpty || output == nil || output == .pxe else {
            throw ValidationError("--kargs needs --output pxe")
        }
    }

    func run() async throws {
        let folder = try BuiltImageFolder.find(image, in: directory)
        let machine = GuestMachine(
            name: "muster-\(folder.manifest.name)",
            media: try media(of: folder),
            isUEFI: firmware == .uefi,
            memory: memory,
            hasNetwork: network == .user,
            usesKVM: GuestMachine.canUseKVM,
            webRoot: try webRoot(of: folder)
        )
        if firmware == .uefi, !FileManager.default.fileExists(atPath: GuestMachine.firmwareCode) {
            throw UserError(.unavailable, "there is no OVMF on this machine", remedy: "apt-get install ovmf")
        }
        guard !dryRun else {
            Terminal.show(([GuestMachine.program] + machine.arguments).map(Self.quoted).joined(separator: " ") + "\n")
            return
        }
        if Terminal.isErrorTerminal {
            Terminal.complain("\(folder.manifest.name)@\(folder.manifest.version) boots; Ctrl-A X ends it\n")
        }
        throw machine.become()
    }

    private func media(of folder: BuiltImageFolder) throws(UserError) -> GuestMachine.Media {
        func path(_ role: ImageManifest.File.Role, _ what: String) throws(UserError) -> String {
            guard let file = folder.manifest.file(role) else {
                throw UserError(
                    .badData,
                    "the image \(folder.manifest.name) has no \(what)",
                    remedy: "add it to the definition's outputs and build again, or name another --output"
                )
            }
            return folder.path.appending(file.name).string
        }
        let manifest = folder.manifest
        let output = chosenOutput(of: manifest)
        guard kargs.isEmpty || output == .pxe else {
            throw UserError(
                .usage,
                "--kargs needs --output pxe",
                remedy: "put the words into the definition, or into the site"
            )
        }
        switch output {
        case .pxe:
            var words = manifest.kernelArguments + kargs.split(separator: " ").map(String.init)
            if manifest.file(.root) != nil {
                words.append("muster.image=http://\(GuestMachine.webAddress)/\(manifest.name)/\(manifest.version)")
            }
            return .direct(
                kernel: try path(.kernel, "kernel"),
                initramfs: try path(.initramfs, "initramfs"),
                arguments: words.joined(separator: " ")
            )
        case .iso: return .optical(try path(.iso, "ISO"))
        case .disk: return .disk(try path(.disk, "disk image"))
        case .usb: return .stick(try path(manifest.file(.disk) != nil ? .disk : .iso, "disk image and no ISO"))
        }
    }

    private func chosenOutput(of manifest: ImageManifest) -> Output {
        if let output { return output }
        guard manifest.file(.root) != nil else { return .pxe }
        return manifest.file(.iso) != nil ? .iso : manifest.file(.disk) != nil ? .disk : .pxe
    }

    /// What a boot server would serve: the folder above `NAME/VERSION`, for an image that fetches its root.
    private func webRoot(of folder: BuiltImageFolder) throws(UserError) -> String? {
        let manifest = folder.manifest
        guard manifest.file(.root) != nil, chosenOutput(of: manifest) == .pxe else { return nil }
        let place = FilePath(URL(filePath: folder.path.string).standardizedFileURL.path)
        let above = place.removingLastComponent()
        guard place.lastComponent?.string == manifest.version, above.lastComponent?.string == manifest.name else {
            throw UserError(
                .badData,
                "the machine fetches its root image from a folder \(manifest.name)/\(manifest.version), and this one is \(place)",
                remedy: "give the folder these names, or boot from its ISO or disk image (--output iso, disk or usb)"
            )
        }
        guard network == .user else {
            throw UserError(
                .usage,
                "the root image of \(manifest.name) comes over the network",
                remedy: "--network user, or --output iso, disk or usb"
            )
        }
        guard FileManager.default.isExecutableFile(atPath: GuestMachine.webServer) else {
            throw UserError(
                .unavailable,
                "there is no \(GuestMachine.webServer), which hands the root image to the machine",
                remedy: "apt-get install busybox"
            )
        }
        // The machine is not to be trusted with more than reading: httpd runs what lies in a folder of this name.
        let root = above.removingLastComponent()
        guard !FileManager.default.fileExists(atPath: root.appending("cgi-bin").string) else {
            throw UserError(
                .badData,
                "\(root) has a folder cgi-bin, whose files the web server would run for the machine",
                remedy: "move \(manifest.name) elsewhere, or boot from its ISO or disk image"
            )
        }
        return root.string
    }

    /// For a shell to paste.
    static func quoted(_ word: String) -> String {
        let isPlain =
            !word.isEmpty && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_=.,/:+".contains($0)) }
        return isPlain ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
}
