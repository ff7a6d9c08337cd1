import BootWire
import HostModel

/// What of a machine's boot somebody verifies, and what nobody does: docs/boot.md, section 7.
struct BootVerification {
    let client: BootClient
    let answer: BootAnswer
    let server: BootStatus

    /// Lists for a person, the first link of the chain first; empty for a boot of which nothing comes from here.
    var verified: [String] { parts.verified }
    var unverified: [String] { parts.unverified }

    private var parts: (verified: [String], unverified: [String]) {
        switch answer.profile.mode {
        case .deny, .local: return ([], [])
        case .kickstart:
            return (
                ["the packages, by the installer, where their repositories have keys"],
                ["loader", "script", "kernel and initramfs of the installer", "its kernel arguments", "the kickstart"]
            )
        case .run, .rescue, .install: break
        }
        guard let manifest = answer.manifest else { return ([], []) }
        let root = manifest.file(.root) == nil ? [] : ["the root image, by the initramfs"]
        if answer.profile.loader == .grub, takesProgram, client.firmware == .uefi {
            let chain = "shim, GRUB and kernel, by the firmware and shim: Secure Boot must be on"
            return ([chain] + root, ["GRUB's configuration", "initramfs", "kernel arguments"])
        }
        // Another server that knows nothing of the program has the machine load iPXE, whose own signature nobody checks.
        guard answer.profile.isVerified, !takesIPXE else {
            return (root, ["loader", "script", "kernel", "initramfs", "kernel arguments"])
        }
        guard takesProgram, answer.verifiedProgram != nil else { return ([], []) }
        let program =
            "kernel, initramfs and kernel arguments, by the firmware: Secure Boot must be on, with the image's certificate"
        return ([program] + root, [])
    }

    private var takesIPXE: Bool {
        server.dhcp == "off" && answer.verifiedProgram != nil && client.firmware != .bios
            && client.architecture?.isX64 == true
    }

    /// Whether the firmware is told of the program, by this server, and loads it.
    private var takesProgram: Bool {
        server.dhcp != "off" && client.firmware != .bios && client.architecture?.isX64 == true
    }
}
