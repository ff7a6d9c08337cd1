// What is signed as one: an image's kernel, initramfs and command line as one EFI program (docs/boot.md, section 7).

extension BootProfile {
    /// Whether the machine's own firmware checks what it loads: it gets the image's signed EFI program and nothing else.
    package var isVerified: Bool { loader == .signed }
}

extension BootAnswer {
    /// Whether a script can carry the token of an announced machine: a signed command line takes nothing, and the configurations
    /// of GRUB and pxelinux are made for whoever names the machine.
    package var takesToken: Bool { profile.mode == .run && [nil, .ipxe].contains(profile.loader) }

    /// Where the machine finds the signed EFI program, by TFTP and below the HTTP server's root; `nil` where the profile does not
    /// ask for it, or the image has none.
    package var verifiedProgram: String? {
        guard profile.isVerified, let manifest, let file = manifest.file(.efi) else { return nil }
        let names = [manifest.name, manifest.version, file.name]
        guard names.allSatisfy({ ImageReference.isComponent($0) }) else { return nil }
        return "images/" + names.joined(separator: "/")
    }

    /// What firmware is to load in the place of iPXE, by its path below the servers' roots, and whose it is; `nil` is iPXE.
    package var program: (path: String, isBIOS: Bool)? {
        switch profile.loader {
        case nil, .ipxe: nil
        case .signed: verifiedProgram.map { ($0, false) }
        case .grub: ("boot/shimx64.efi", false)
        case .pxelinux: ("boot/lpxelinux.0", true)
        }
    }
}
