import BootWire
package import HostModel

/// What a machine would go through, told from what is decided about it: the way of a boot in sentences.
package struct BootCourse: Sendable {
    /// The kinds of firmware by the names that a person types, with their numbers of option 93.
    package static let architectures: [String: UInt16] = [
        "bios": 0, "uefi-x86": 6, "uefi-x64": 7, "uefi-arm64": 11, "uefi-x64-http": 16, "uefi-arm64-http": 19,
    ]

    private let client: BootClient
    private let answer: BootAnswer
    private let server: BootStatus
    private let kept: IPv4Address?

    /// The firmware to ask the directory with; `nil` for a name that `architectures` does not have.
    package static func firmware(_ name: String) -> BootFirmware? {
        architectures[name].flatMap { ClientArchitecture(rawValue: $0).firmware }
    }

    /// `kept`: the address that is kept for the machine. `nil` for a name that `architectures` does not have.
    package init?(architecture name: String, answer: BootAnswer, server: BootStatus, kept: IPv4Address?) {
        guard let number = Self.architectures[name] else { return nil }
        let architecture = ClientArchitecture(rawValue: number)
        client = architecture.firmware == .uefiHTTP ? .http(architecture) : .pxe(architecture)
        (self.answer, self.server, self.kept) = (answer, server, kept)
    }

    private var files: BootFiles {
        let port = server.http_port == 80 ? "" : ":\(server.http_port)"
        return BootFiles(baseURL: "http://\(server.address.address)\(port)")
    }

    /// Sentences, in the order of what happens.
    package var steps: [String] {
        guard answer.profile.mode != .deny || server.dhcp == "off" else {
            return [address, "It is told of nothing to boot, and its firmware goes on to the next boot entry."]
        }
        if server.dhcp != "off", let path = answer.verifiedProgram, client.architecture?.isX64 == true {
            let program = client.firmware == .uefiHTTP ? "\(files.root)/\(path)" : path
            return [
                address, loader(program), "The firmware checks its signature where Secure Boot is on, and starts it.",
            ]
        }
        if server.dhcp != "off", let (path, isBIOS) = answer.program, !answer.profile.isVerified,
            isBIOS ? client == .pxe(.bios) : client.firmware == .uefi && client.architecture?.isX64 == true
        {
            let name = answer.profile.loader?.rawValue ?? ""
            return [
                address, loader(path), "It reads the configuration of \(name) that is made for this machine.", profile,
            ]
        }
        guard let file = files.file(for: client) else {
            return [address, "There is no loader for \(client)."]
        }
        return [
            address, loader(file), "iPXE asks by DHCP once more, and is told of its script: \(files.script).", profile,
        ]
    }

    /// What is verified of it, and what is not.
    package var verified: [String] { verification.verified }
    package var unverified: [String] { verification.unverified }

    private var verification: BootVerification { BootVerification(client: client, answer: answer, server: server) }

    private var address: String {
        switch server.dhcp {
        case "full":
            if let kept { return "By DHCP it gets the address \(kept), which is kept for it." }
            let pool = server.networks.first.map { " of \($0.pool)" } ?? ""
            return "By DHCP it gets a free address\(pool), or the one that it had last."
        case "proxy": return "Another server gives its address; what to boot it is told from here, as a proxy."
        default: return "Another server gives its address, and must tell it what to boot (docs/boot.md, section 1)."
        }
    }

    private func loader(_ file: String) -> String {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        let isMissing = server.missing_loaders.contains(name)
        let way = client.firmware == .uefiHTTP ? "by HTTP" : "by TFTP from \(server.address.address)"
        let question = server.dhcp == "proxy" && client.firmware == .uefi ? "It asks port 4011 once more. " : ""
        return question + "Its firmware loads \(file) \(way)."
            + (isMissing ? " That file is missing: install Debian's package ipxe." : "")
    }

    private var profile: String {
        let image = answer.manifest.map { " \($0.name)@\($0.version)" } ?? ""
        switch answer.profile.mode {
        case .run where answer.profile.isVerified && !image.isEmpty: return signedProgram(image)
        case .run:
            return image.isEmpty
                ? "Its script waits: no image is published." : "Its script runs the image\(image) from memory."
        case .rescue: return "Its script runs the image\(image) for rescue."
        case .install: return "Its script installs the image\(image) on its disk."
        case .kickstart: return "Its script installs it by a kickstart, where it is a host with what that needs."
        case .local: return "Its script sends it to its own disk."
        case .deny: return "Its script sends it away."
        }
    }

    private func signedProgram(_ image: String) -> String {
        guard answer.verifiedProgram != nil else {
            return "Its script waits: the image\(image) has no signed EFI program."
        }
        return client.firmware == .bios
            ? "Its script waits: the profile is for UEFI, and BIOS verifies nothing."
            : "Its script loads the signed program of the image\(image), which the firmware checks."
    }
}
