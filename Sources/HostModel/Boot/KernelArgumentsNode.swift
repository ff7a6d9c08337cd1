/// What a node obeys of its kernel command line: dracut's network arguments and oVirt's `management_server`.
///
/// A value that cannot be used is in `refused`, by name; everything else still counts.
package struct NodeArguments: Hashable, Sendable {
    package var addresses: [IPArgument] = []
    package var vlans: [VLANArgument] = []
    package var bonds: [BondArgument] = []
    package var routes: [RouteArgument] = []
    package var nameservers: [IPv4Address] = []
    /// `BOOTIF=`: the interface that the firmware booted from.
    package var bootInterface: MACAddress?
    /// Of `ip=`, else of `hostname=`.
    package var hostName: HostName?
    package var engine: EngineAddress?
    /// SHA-256 of the DER of the engine's CA certificate.
    package var engineFingerprint: Nonce?
    /// Of the one boot that the engine began by the machine's board.
    package var bootToken: Nonce?
    /// A crypt(3) hash.
    package var adminPasswordHash: String?
    package var refused: [KernelArgumentError] = []

    /// The most arguments of one kind that are obeyed.
    package static let countMax = 64

    /// oVirt's name, and the misspellings that its own nodes have accepted ever since.
    private static let engineNames: Set<String> = [
        "management_server", "managment_server", "ovirt_managment_server", "ovirt_management_server",
    ]
    private static let fingerprintNames: Set<String> = Set(engineNames.map { $0 + "_fingerprint" })

    package init() {}

    package init(_ arguments: KernelArguments) {
        var weakHostName: HostName?
        for word in arguments.words {
            do throws(KernelArgumentError) {
                try take(word.name, word.value ?? "", weakHostName: &weakHostName)
            } catch {
                refused.append(error)
            }
        }
        hostName = addresses.compactMap(\.hostName).last ?? weakHostName
    }

    private mutating func take(
        _ name: String,
        _ value: String,
        weakHostName: inout HostName?
    ) throws(KernelArgumentError) {
        switch name {
        case "ip": try add(try IPArgument(parsing: value), to: \.addresses, name, value)
        case "vlan": try add(try VLANArgument(parsing: value), to: \.vlans, name, value)
        case "bond": try add(try BondArgument(parsing: value), to: \.bonds, name, value)
        case "rd.route": try add(try RouteArgument(parsing: value), to: \.routes, name, value)
        case "nameserver":
            try add(
                try Self.parsed(IPv4Address(value), name, value, "it is no IPv4 address"),
                to: \.nameservers,
                name,
                value
            )
        case "BOOTIF": bootInterface = try Self.bootInterface(value)
        case "hostname": weakHostName = try Self.parsed(HostName(value), name, value, "it is no host name")
        case Self.bootTokenName: bootToken = try Self.bootToken(value)
        case "adminpw": adminPasswordHash = try Self.passwordHash(value)
        case _ where Self.engineNames.contains(name):
            engine = try Self.parsed(EngineAddress(value), name, value, "expected HOST or HOST:PORT")
        case _ where Self.fingerprintNames.contains(name): engineFingerprint = try Self.fingerprint(name, value)
        default: break
        }
    }

    private mutating func add<Value>(
        _ element: Value,
        to list: WritableKeyPath<Self, [Value]>,
        _ name: String,
        _ value: String
    ) throws(KernelArgumentError) {
        guard self[keyPath: list].count < Self.countMax else {
            throw KernelArgumentError(name, value, "there are more than \(Self.countMax) of its kind")
        }
        self[keyPath: list].append(element)
    }

    private static func parsed<Value>(
        _ result: Value?,
        _ name: String,
        _ value: String,
        _ reason: String
    ) throws(KernelArgumentError) -> Value {
        guard let result else { throw KernelArgumentError(name, value, reason) }
        return result
    }

    /// `01-` is the hardware type of pxelinux and iPXE; dracut also takes the bare address.
    private static func bootInterface(_ value: String) throws(KernelArgumentError) -> MACAddress {
        let isTyped = value.utf8.count == 20 && (value.hasPrefix("01-") || value.hasPrefix("01:"))
        return try parsed(
            MACAddress(isTyped ? value.dropFirst(3) : value[...]),
            "BOOTIF",
            value,
            "it is no MAC address"
        )
    }

    private static func fingerprint(_ name: String, _ value: String) throws(KernelArgumentError) -> Nonce {
        let digits = value.uppercased().hasPrefix("SHA256:") ? value.dropFirst(7) : value[...]
        let bare = digits.filter { $0 != ":" }
        let reason = bare.utf8.count == 40 ? "it is a SHA-1; expected the SHA-256" : "expected 64 hex digits (SHA-256)"
        return try parsed(Nonce(hex: bare), name, value, reason)
    }

    package static let bootTokenName = "muster.token"

    /// The value is left out of the error: whoever has it may use it.
    private static func bootToken(_ value: String) throws(KernelArgumentError) -> Nonce {
        guard let token = Nonce(hex: value) else {
            throw KernelArgumentError(bootTokenName, "…", "expected 64 hex digits")
        }
        return token
    }

    /// The value is left out of the error: a hash is nothing for a screen.
    private static func passwordHash(_ value: String) throws(KernelArgumentError) -> String {
        let isPlain = value.utf8.allSatisfy { (33...126).contains($0) && $0 != 58 }
        guard value.hasPrefix("$"), (1...256).contains(value.utf8.count), isPlain else {
            throw KernelArgumentError("adminpw", "…", "expected a hash; make one with: openssl passwd -6")
        }
        return value
    }
}
