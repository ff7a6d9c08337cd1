import HostModel
import Recipes

/// What a request asks the boot server for.
enum BootRoute: Hashable, Sendable {
    /// `/boot/ipxe`: the first stage.
    case firstStage
    /// `/boot/script?mac=…`: the script of one machine.
    case script(BootRequest)
    /// `/boot/ipxe.efi` …: a loader.
    case loader(String)
    /// `/images/NAME/VERSION/FILE`, with what the query says of who fetches it.
    case image(ImageFile, Claim?)
    /// `/boot/event?mac=…&stage=…&detail=…`: a failure that a script reports.
    case report(MACAddress, step: String, detail: HostileText)
    /// `/kickstart/TOKEN`: the kickstart that a token stands for.
    case kickstart(Nonce)
    /// `/kickstart/TOKEN/installed`, `/kickstart/TOKEN/failed?detail=…`: how an installation ended.
    case installReport(InstallReport)
    /// `/boot/muster-agent`: the agent, for a host that is installed by a kickstart.
    case agent

    /// Who fetches an image file, by its own word, and the profile whose script named the file.
    struct Claim: Hashable, Sendable {
        var machine: BootRequest
        var profile: String?
    }

    struct ImageFile: Hashable, Sendable {
        var name: String
        var version: String
        var file: String
    }

    enum Refusal: Error, Hashable, Sendable {
        case notFound
        /// A parameter that is missing or malformed; says which.
        case malformed(String)
    }

    init(_ target: RequestTarget, from address: IPv4Address?) throws(Refusal) {
        let path = target.components
        switch (path.first, path.count) {
        case ("boot", 2): self = try Self.boot(path[1], target, address)
        case ("images", 4):
            guard path.dropFirst().allSatisfy({ ImageReference.isComponent($0) }) else { throw .notFound }
            let file = ImageFile(name: path[1], version: path[2], file: path[3])
            guard target["mac"] != nil else {
                self = .image(file, nil)
                return
            }
            self = .image(file, Claim(machine: try Self.machine(target, address), profile: target["profile"]))
        case (KickstartRecipes.tokenPath, 2...3): self = try Self.kickstart(path, target, address)
        default: throw .notFound
        }
    }

    private static func kickstart(
        _ path: [String],
        _ target: RequestTarget,
        _ address: IPv4Address?
    ) throws(Refusal) -> BootRoute {
        guard let token = Nonce(hex: path[1]) else { throw .notFound }
        guard path.count == 3 else { return .kickstart(token) }
        guard let outcome = InstallReport.Outcome(rawValue: path[2]) else { throw .notFound }
        // curl writes the blanks of a form as `+`.
        let detail = target["detail"].map { HostileText(String($0.map { $0 == "+" ? " " : $0 })) }
        return .installReport(InstallReport(token: token, outcome: outcome, detail: detail, address: address))
    }

    /// The longest name of a step that a script reports, in bytes.
    static let stepMax = 20

    private static func boot(
        _ name: String,
        _ target: RequestTarget,
        _ address: IPv4Address?
    ) throws(Refusal) -> BootRoute {
        switch name {
        case "ipxe": return .firstStage
        case "muster-agent": return .agent
        case "script": return .script(try machine(target, address))
        case "event":
            let machine = try machine(target, address)
            guard let step = target["stage"], step.utf8.count <= stepMax,
                step.utf8.allSatisfy({ (97...122).contains($0) || $0 == UInt8(ascii: "_") })
            else { throw .malformed("stage: expected lower-case letters") }
            return .report(machine.mac, step: step, detail: HostileText(target["detail"] ?? ""))
        default:
            guard LoaderName.isServed(name) else { throw .notFound }
            return .loader(name)
        }
    }

    private static func machine(_ target: RequestTarget, _ address: IPv4Address?) throws(Refusal) -> BootRequest {
        guard let mac = target["mac"].flatMap({ MACAddress($0) }), !mac.isMulticast, mac.rawValue != 0 else {
            throw .malformed("mac: expected aa-bb-cc-dd-ee-ff")
        }
        let firmware: BootFirmware
        switch target["platform"] {
        case "efi": firmware = .uefi
        case "pcbios", nil: firmware = .bios
        default: throw .malformed("platform: expected efi or pcbios")
        }
        return BootRequest(
            mac: mac,
            hardwareID: target["uuid"].flatMap { HardwareID($0) },
            firmware: firmware,
            manufacturer: target["manufacturer"].map { HostileText($0) },
            product: target["product"].map { HostileText($0) },
            serial: target["serial"].map { HostileText($0) },
            address: address
        )
    }
}

/// The first-stage loaders: a name that is one safe path component with an ending of a loader.
package enum LoaderName {
    private static let endings = [".efi", ".kpxe", ".kkpxe", ".pxe", ".lkrn", ".0"]

    package static func isServed(_ name: String) -> Bool {
        ImageReference.isComponent(name) && endings.contains { name.hasSuffix($0) }
    }
}
