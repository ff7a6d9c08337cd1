// What is signed as one: an image's kernel, initramfs and command line as one EFI program (docs/boot.md, section 7).

extension BootProfile {
    /// Whether the machine's own firmware checks what it loads: it gets the image's signed EFI program and nothing else.
    package var isVerified: Bool { loader == .signed }
}

extension BootAnswer {
    /// Whether a script can carry the token of an announced machine: a signed command line takes nothing.
    package var takesToken: Bool { profile.mode == .run && !profile.isVerified }

    /// Where the machine finds the signed EFI program, by TFTP and below the HTTP server's root; `nil` where the profile does not
    /// ask for it, or the image has none.
    package var verifiedProgram: String? {
        guard profile.isVerified, let manifest, let file = manifest.file(.efi) else { return nil }
        let names = [manifest.name, manifest.version, file.name]
        guard names.allSatisfy({ ImageReference.isComponent($0) }) else { return nil }
        return "images/" + names.joined(separator: "/")
    }
}
