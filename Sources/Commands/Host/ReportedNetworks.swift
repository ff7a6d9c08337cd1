/// The network part of an agent's getCapabilities (ovirt.md 5.5), kept as the agent wrote it.
struct ReportedNetworks: Hashable, Sendable, Codable {
    var networks: JSONValue?
    var bridges: JSONValue?
    var nics: JSONValue?
    var bondings: JSONValue?
    var vlans: JSONValue?
    var musterNetworkDrift: JSONValue?

    var layout: Sections {
        let drift = driftTable
        return Sections(
            parts: [
                ("Networks", networkTable), ("Bridges", bridgeTable), ("NICs", nicTable), ("Bonds", bondTable),
                ("VLANs", vlanTable),
            ] + (drift.rows.isEmpty ? [] : [("Changed by others", drift)])
        )
    }

    /// What it would take to have each as it is configured.
    private var driftTable: Table {
        let rows = (musterNetworkDrift?.members ?? []).flatMap { name, lines in
            lines.texts.map { [Cell(name), Cell($0)] }
        }
        return Table(header: ["NAME", "TO BE AS CONFIGURED"], rows: rows)
    }

    private var networkTable: Table {
        Table(
            header: ["NAME", "OVER", "BRIDGED", "VLAN", "MTU", "ADDRESSES", "GATEWAY"],
            rows: rows(networks) {
                [
                    $0["southbound"].text ?? $0["iface"].text, $0["bridged"].text, $0["vlanid"].text, $0["mtu"].text,
                    addresses($0), $0["gateway"].text,
                ]
            }
        )
    }

    private var bridgeTable: Table {
        Table(
            header: ["NAME", "PORTS", "STP", "MTU", "ADDRESSES"],
            rows: rows(bridges) {
                [
                    $0["ports"].texts.joined(separator: ","), $0["stp"].text, $0["mtu"].text, addresses($0),
                ]
            }
        )
    }

    private var nicTable: Table {
        Table(
            header: ["NAME", "MAC", "LINK", "MTU", "BRIDGE", "ADDRESSES"],
            rows: rows(nics) { name, nic in
                [
                    nic["hwaddr"].text, link(nic), nic["mtu"].text, bridge(of: name), addresses(nic),
                ]
            }
        )
    }

    /// `muster host nic`: who has virtual functions, and whose function a NIC is.
    var functionTable: Table {
        Table(
            header: ["NAME", "MAC", "LINK", "FUNCTIONS", "FUNCTION OF"],
            rows: rows(nics) { nic in
                let functions = nic["musterVirtualFunctions"]
                let counts = functions["max"].text.map { "\(functions["count"].text ?? "0") of \($0)" }
                return [nic["hwaddr"].text, link(nic), counts, nic["musterPhysicalFunction"].text]
            },
            ifEmpty: "The host has no NIC."
        )
    }

    /// The carrier's word first: a speed of 0 only says that the driver does not know it.
    private func link(_ nic: JSONValue) -> String? {
        let speed = nic["speed"].text.flatMap { $0 == "0" ? nil : "\($0) Mb/s" }
        switch nic["operstate"].text {
        case "down": return "no link"
        case "up": return speed ?? "up"
        default: return speed
        }
    }

    var bondTable: Table {
        Table(
            header: ["NAME", "MODE", "SLAVES", "ACTIVE", "MTU", "ADDRESSES"],
            rows: rows(bondings) {
                [
                    $0["opts"]["mode"].text, $0["slaves"].texts.joined(separator: ","), $0["active_slave"].text,
                    $0["mtu"].text, addresses($0),
                ]
            }
        )
    }

    private var vlanTable: Table {
        Table(
            header: ["NAME", "OVER", "VLAN", "MTU", "ADDRESSES"],
            rows: rows(vlans) { [$0["iface"].text, $0["vlanid"].text, $0["mtu"].text, addresses($0)] }
        )
    }

    private func rows(_ devices: JSONValue?, _ columns: (JSONValue) -> [String?]) -> [[Cell]] {
        rows(devices) { _, device in columns(device) }
    }

    private func rows(_ devices: JSONValue?, _ columns: (String, JSONValue) -> [String?]) -> [[Cell]] {
        (devices?.members ?? []).map { name, device in [Cell(name)] + columns(name, device).map { Cell($0) } }
    }

    /// IPv4 first; link-local IPv6 says nothing that is worth a column.
    private func addresses(_ device: JSONValue) -> String {
        let wide = device["ipv6addrs"].texts.filter { !$0.lowercased().hasPrefix("fe80:") }
        return (device["ipv4addrs"].texts + wide).joined(separator: ",")
    }

    private func bridge(of nic: String) -> String? {
        bridges?.members.first { $0.value["ports"].texts.contains(nic) }?.name
    }
}
