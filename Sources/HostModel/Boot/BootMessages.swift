// What muster-boot asks the engine, and what it is told: docs/protocols.md section 2.

/// The firmware that asks, from DHCP option 93 (RFC 4578; IANA "Processor Architecture Types") or the loader's word.
package enum BootFirmware: String, Hashable, Sendable, Codable {
    case bios
    case uefi
    case uefiHTTP = "uefi_http"
}

/// "What does this machine boot?"
package struct BootRequest: Hashable, Sendable, Codable {
    package var mac: MACAddress
    /// SMBIOS system UUID as the loader reports it, where it does.
    package var hardwareID: HardwareID?
    package var firmware: BootFirmware
    package var manufacturer: HostileText?
    package var product: HostileText?
    package var serial: HostileText?
    package var address: IPv4Address?

    package init(
        mac: MACAddress,
        hardwareID: HardwareID? = nil,
        firmware: BootFirmware,
        manufacturer: HostileText? = nil,
        product: HostileText? = nil,
        serial: HostileText? = nil,
        address: IPv4Address? = nil
    ) {
        (self.mac, self.hardwareID, self.firmware, self.manufacturer) = (mac, hardwareID, firmware, manufacturer)
        (self.product, self.serial, self.address) = (product, serial, address)
    }
}

/// The engine's answer: a profile that applies, with the image it names resolved to one version.
package struct BootAnswer: Hashable, Sendable, Codable {
    package var profile: BootProfile
    /// The image's manifest; `nil` for `local` and `deny`, or when no image is published yet.
    package var manifest: ImageManifest?
    /// Why, for the event and `muster boot explain`: "unknown machine", "host node-5a31, set for the next boot".
    package var reason: String
    /// The host's name, when the machine is known.
    package var host: HostName?
    /// True when the machine was announced and switched on: its script is to have a token (`ArrivalTicket`), if it asks itself.
    package var awaitsToken: Bool?
    /// True when it holds for the host's next boot only: nobody may give it out once more from memory.
    package var isOnce: Bool?

    package init(profile: BootProfile, manifest: ImageManifest? = nil, reason: String, host: HostName? = nil) {
        (self.profile, self.manifest, self.reason, self.host) = (profile, manifest, reason, host)
    }
}

/// By what an announced machine registers without a person: handed out once, in the script of the boot that the engine itself
/// began.
package struct ArrivalTicket: Hashable, Sendable, Codable {
    package var token: Nonce

    package init(token: Nonce) { self.token = token }
}

/// One step of a machine's boot, as muster-boot saw it.
package struct BootEvent: Hashable, Sendable, Codable {
    package enum Stage: String, Hashable, Sendable, Codable {
        case discover
        case address
        case loader
        case script
        case kernel
        case initramfs
        /// The live root: fetched by the initramfs.
        case root
        /// The machine says that it is installed on its disk.
        case installed
        case localDisk = "local_disk"
        case denied
        case failed
    }

    package var mac: MACAddress
    package var stage: Stage
    /// A sentence for a person, already escaped: "asked for ipxe.efi by TFTP".
    package var detail: String
    package var address: IPv4Address?
    /// By it a host is known again whose network card is a new one.
    package var hardwareID: HardwareID?
    /// The profile whose outcome this step is: the machine has got what the profile gives, and as far as the network can
    /// tell it was this machine. `nil` for every other step, and for what somebody may have asked in the machine's name.
    package var outcome: String?
    /// Of a boot server on another segment: 1, 2, 3 … without a gap, so that a step that is handed over again counts once.
    package var number: Int64?
    /// Of which start of the boot server the number is: one that lost what it kept begins again at 1, and is heard all the same.
    package var series: UniqueID?
    /// How long ago it happened, in milliseconds, where it is handed over later.
    package var age: Int64?

    package init(
        mac: MACAddress,
        stage: Stage,
        detail: String,
        address: IPv4Address? = nil,
        hardwareID: HardwareID? = nil,
        outcome: String? = nil
    ) {
        (self.mac, self.stage, self.detail, self.address) = (mac, stage, detail, address)
        (self.hardwareID, self.outcome) = (hardwareID, outcome)
    }
}

/// An address kept for one machine.
package struct AddressReservation: Hashable, Sendable, Codable {
    package var mac: MACAddress
    package var address: IPv4Address
    package var name: HostName?

    package init(mac: MACAddress, address: IPv4Address, name: HostName? = nil) {
        (self.mac, self.address, self.name) = (mac, address, name)
    }
}
