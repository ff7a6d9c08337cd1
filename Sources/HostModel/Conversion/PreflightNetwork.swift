/// What the management network will be made of (ovirt.md 2.6): a device, a bond of two or more, or a VLAN on one of them.
extension Preflight {
    var networkTool: [PreflightFinding] {
        let units = facts.activeUnits
        if units.contains("NetworkManager.service") {
            let files = facts.hasIfcfgFiles && facts.distribution?.major == 8
            return files
                ? [finding("network.ifcfg", .info, "NetworkManager reads ifcfg files; they are kept for going back")]
                : []
        }
        if units.contains("network.service") {
            let remedy = "move to NetworkManager: systemctl enable --now NetworkManager, nmcli connection migrate"
            return [
                finding(
                    "network.ifcfg",
                    .warning,
                    "the network is set up by ifcfg files and the network service",
                    remedy
                )
            ]
        }
        guard !units.contains("systemd-networkd.service"), !units.contains("networking.service") else { return [] }
        return [
            finding(
                "network.tool",
                .warning,
                "nothing that is known set up the network",
                "see which program does, and let NetworkManager do it"
            )
        ]
    }

    var managementNetwork: [PreflightFinding] {
        foreignLinks + managementLink
    }

    private var foreignLinks: [PreflightFinding] {
        var found: [PreflightFinding] = []
        let switches = facts.links.filter { $0.kind == .openvswitch && $0.name != management?.name }.map(
            \.name.rawValue
        )
        if !switches.isEmpty {
            found.append(
                finding(
                    "network.openvswitch",
                    .warning,
                    "Open vSwitch bridges are there: \(switches.joined(separator: ", "))",
                    "remove those that nobody needs: ovs-vsctl del-br NAME"
                )
            )
        }
        let bridges = facts.links.filter { $0.kind == .bridge && $0.name != management?.name }.map(\.name.rawValue)
        if !bridges.isEmpty {
            found.append(
                finding(
                    "network.bridges",
                    .info,
                    "bridges of others are there and stay: \(bridges.joined(separator: ", "))"
                )
            )
        }
        return found
    }

    /// The link that carries the address by which the engine reaches the server.
    private var management: ServerFacts.Link? { facts.links.first { $0.addresses.contains(request.address) } }

    private static let ovirtBridge = "ovirtmgmt"

    private var managementLink: [PreflightFinding] {
        guard let link = management else {
            let remedy =
                "give an address that is on one of its links by --address, unless a router translates it on purpose"
            return [
                finding(
                    "network.address",
                    .warning,
                    "no link of the server carries the address \(request.address)",
                    remedy
                )
            ]
        }
        switch link.kind {
        case .bridge where link.name.rawValue == Self.ovirtBridge:
            return [finding("network.management", .info, "the address is on the bridge \(link.name) already")]
        case .bridge:
            let remedy = "put the address on the device below \(link.name), remove the bridge, and try again"
            return [
                finding(
                    "network.bridge",
                    .blocking,
                    "the address \(request.address) is on the bridge \(link.name), which is not ours",
                    remedy
                )
            ]
        case .openvswitch:
            let remedy = "put the address on the device below \(link.name), and try again"
            return [
                finding(
                    "network.bridge",
                    .blocking,
                    "the address \(request.address) is on an Open vSwitch bridge, \(link.name)",
                    remedy
                )
            ]
        case .team:
            return [
                finding(
                    "network.team",
                    .blocking,
                    "the address is on the team \(link.name), which a node does not have",
                    "make a bond of it: team2bond"
                )
            ]
        case .vlan(let tag, let below): return vlan(link, tag, below)
        case .bond(let members): return bond(link, members) + untagged(link)
        case .device: return untagged(link)
        }
    }

    private func vlan(_ link: ServerFacts.Link, _ tag: Int, _ below: LinkName?) -> [PreflightFinding] {
        let lower = facts.links.first { $0.name == below }
        var found: [PreflightFinding] = []
        if tag != request.managementVLAN {
            let wanted = request.managementVLAN.map { "tag \($0)" } ?? "no tag"
            let remedy = "give the management network of the cluster the tag \(tag), or move the server's address"
            found.append(
                finding(
                    "network.vlan",
                    .blocking,
                    "the address is on VLAN \(tag) (\(link.name)), the management network has \(wanted)",
                    remedy
                )
            )
        }
        guard let lower, case .bond(let members) = lower.kind else { return found }
        let about = finding(
            "network.vlan-bond",
            .info,
            "the management network will be VLAN \(tag) on the bond \(lower.name)"
        )
        return found + bond(lower, members) + (found.isEmpty ? [about] : [])
    }

    private func bond(_ link: ServerFacts.Link, _ members: [LinkName]) -> [PreflightFinding] {
        guard members.count < 2 else { return [] }
        let remedy = "add a second device to it, or put the address on the device itself"
        return [
            finding(
                "network.bond",
                .blocking,
                "the bond \(link.name) has \(members.count) member\(members.count == 1 ? "" : "s"), a management network needs two",
                remedy
            )
        ]
    }

    private func untagged(_ link: ServerFacts.Link) -> [PreflightFinding] {
        guard let tag = request.managementVLAN else { return [] }
        let remedy = "give the management network of the cluster no tag, or move the server's address to VLAN \(tag)"
        return [
            finding(
                "network.vlan",
                .blocking,
                "the address is on \(link.name) without a tag, the management network has tag \(tag)",
                remedy
            )
        ]
    }
}
