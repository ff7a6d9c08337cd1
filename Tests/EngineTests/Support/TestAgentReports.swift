import AgentWire

extension TestAgent {
    /// What `getStats` answers.
    static func statistics(_ state: State) -> HostStatistics {
        var statistics = HostStatistics()
        statistics.vmActive = state.guests
        for (name, isUp) in state.links {
            statistics.network[name] = .init(
                name: name,
                state: isUp ? "up" : "down",
                speed: "1000",
                duplex: "full",
                sampleTime: 0
            )
        }
        return statistics
    }

    /// Returns when so many calls of the verb have come from now on, or were answered shortly before.
    func waitForCalls(_ count: Int, of verb: HostVerb) async {
        var missing = count
        for await name in asked where name == verb.rawValue {
            missing -= 1
            if missing <= 0 { return }
        }
    }

    /// What `ovirtmgmt` looks like once it is set up.
    static func withManagementNetwork(_ host: HostCapabilities) -> HostCapabilities {
        var host = host
        let address = host.nics["eth0"]?.address ?? AddressReport()
        host.networks["ovirtmgmt"] = NetworkReport(
            iface: "ovirtmgmt",
            bridged: true,
            southbound: "eth0",
            ports: ["eth0"],
            address: address
        )
        host.bridges["ovirtmgmt"] = BridgeReport(ports: ["eth0"], stp: "off", opts: [:], address: address)
        host.nics["eth0"]?.address = AddressReport()
        host.lastClientIface = "ovirtmgmt"
        return host
    }
}
