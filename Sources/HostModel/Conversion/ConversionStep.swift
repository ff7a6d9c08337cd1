/// One step of turning a server into a node: how to see whether it is done, how to do it, and how to take it back.
///
/// The three are bodies of POSIX sh functions that run on the server, with the functions of the conversion's own library
/// (`keep`, `put_back`, `keep_unit`, …). They are idempotent: a step that was cut off anywhere is simply done again.
package struct ConversionStep: Hashable, Sendable {
    package enum ID: String, Hashable, Sendable, Codable, CaseIterable {
        case access
        case repository
        case packages
        case accounts
        case hostID = "host-id"
        case agentFile = "agent-file"
        case key
        case certificate
        case agentConfiguration = "agent-configuration"
        case libvirt
        case tuning
        case firewall
        case kdump
        case services
        case network
    }

    package var id: ID
    /// The event when it begins: `installs the packages of a node`.
    package var event: String
    /// How long it may take on the server, in seconds; then it is ended and has failed.
    package var limit: Int
    /// Ends with 0 when nothing is to do.
    package var check: String
    package var action: String
    package var undo: String
    /// What the functions find under these names; the values may be any text.
    package var variables: [String: String] = [:]
    /// What to do when it fails and its log says no more.
    package var remedy: String
    /// Whether it reads the agent's file from its standard input.
    package var takesAgentFile = false

    /// The whole script; `sh SCRIPT check|do|undo`.
    package var script: String {
        let values = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\(shellQuoted($0.value))\n" }.joined()
        return """
            # \(id.rawValue): \(event)
            step=\(id.rawValue)
            . /var/lib/muster-conversion/library
            \(values)step_check() {
            \(check)
            }
            step_do() {
            \(action)
            }
            step_undo() {
            \(undo)
            }
            case $1 in
            check) step_check ;;
            do) set -e; step_do ;;
            undo) step_undo ;;
            esac

            """
    }
}

/// The steps that make a node of one server, in their order.
package struct ConversionPlan: Hashable, Sendable {
    package let steps: [ConversionStep]

    /// Other steps, where only the way of running them counts.
    init(steps: [ConversionStep]) { self.steps = steps }

    /// The certificate's step comes with the certificate (`ConversionPlan.certificate`); its place is after the key's.
    package init(_ request: ConversionRequest, family: ServerFacts.Distribution.Family) throws(ConversionPlanFailure) {
        let access = request.engineKey.map { Self.access($0, request) }
        let repository = request.repository.map { Self.repository($0, family) }
        let kdump = request.wantsKdump && family == .rpm ? Self.kdump(request) : nil
        steps =
            [
                access, repository, try Self.packages(request.packages ?? Self.packages(of: family), family),
                Self.accounts, Self.hostID, try Self.agentFile(request.agentDigest), Self.key,
                Self.agentConfiguration(request), Self.libvirt(family), Self.tuning, Self.firewall, kdump,
                Self.services, Self.network(request),
            ].compactMap(\.self)
    }

    /// What a node has beside the agent. openssl makes the key.
    package static func packages(of family: ServerFacts.Distribution.Family) -> [String] {
        switch family {
        case .rpm:
            [
                "libvirt-daemon-kvm", "qemu-kvm", "qemu-img", "chrony", "tuned", "openssl", "dmidecode", "lvm2",
                "device-mapper-multipath", "iscsi-initiator-utils", "nfs-utils", "iproute", "sanlock",
            ]
        case .deb:
            [
                "libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "qemu-utils", "ovmf", "chrony",
                "openssl",
                "dmidecode", "lvm2", "multipath-tools", "open-iscsi", "nfs-common", "iproute2",
            ]
        }
    }
}

/// Why no plan can be made of a request.
package enum ConversionPlanFailure: Error, Hashable, Sendable {
    /// No name of a package.
    case package(String)
    /// The agent's digest is no SHA-256 in hexadecimal.
    case digest
}
