import HostModel

extension HostEngine {
    /// What the boot servers said last. By interface: no address of a machine is in it.
    func addBootServers(to text: inout PrometheusText) {
        let servers = bootServices()
        text.begin("muster_boot_reported_timestamp_seconds", .gauge, "When each boot server was heard last.")
        for server in servers {
            text.add("muster_boot_reported_timestamp_seconds", server.labels, Double(server.reported / 1000))
        }
        text.begin("muster_boot_pool_addresses", .gauge, "Addresses of the pools.")
        addPools(to: &text, "muster_boot_pool_addresses", servers) { $0.pool_size }
        text.begin("muster_boot_pool_used_addresses", .gauge, "Addresses of the pools that machines have.")
        addPools(to: &text, "muster_boot_pool_used_addresses", servers) { $0.in_use }
        text.begin("muster_boot_transfers_running", .gauge, "Loaders and images on their way.")
        for server in servers {
            let count = server.status.transfer_count ?? 0
            text.add("muster_boot_transfers_running", server.labels, Double(count))
        }
        for family in Self.bootCounters {
            text.begin(family.name, .counter, family.help)
            for server in servers {
                guard let counters = server.status.counters else { continue }
                for (label, value) in family.values {
                    let labels = server.labels + (label.map { [(name: "outcome", value: $0)] } ?? [])
                    text.add(family.name, labels, Double(value(counters)))
                }
            }
        }
    }

    private func addPools(
        to text: inout PrometheusText,
        _ name: String,
        _ servers: [BootServiceRecord],
        _ value: (BootStatus.Network) -> Int
    ) {
        for server in servers {
            for network in server.status.networks {
                let labels = server.labels + [(name: "network", value: "\(network.network)")]
                text.add(name, labels, Double(value(network)))
            }
        }
    }

    private struct BootFamily: Sendable {
        var name: String
        var help: String
        var values: [(label: String?, value: @Sendable (BootStatus.Counters) -> UInt64)]
    }

    private static let bootCounters = [
        BootFamily(
            name: "muster_boot_dhcp_messages_total",
            help: "Messages of DHCP and DHCPv6 since the boot server's start.",
            values: [
                ("received", { $0.dhcp_received }), ("answered", { $0.dhcp_answered }),
                ("dropped", { $0.dhcp_dropped }),
            ]
        ),
        BootFamily(
            name: "muster_boot_tftp_transfers_total",
            help: "Transfers by TFTP that ended, by how.",
            values: [("completed", { $0.tftp_completed }), ("failed", { $0.tftp_failed })]
        ),
        BootFamily(name: "muster_boot_tftp_bytes_total", help: "Sent by TFTP.", values: [(nil, { $0.tftp_bytes })]),
        BootFamily(
            name: "muster_boot_http_requests_total",
            help: "Requests by HTTP; refused are those with an error for an answer, and among all.",
            values: [("all", { $0.http_requests }), ("refused", { $0.http_refused })]
        ),
        BootFamily(
            name: "muster_boot_http_bytes_total",
            help: "Files sent by HTTP.",
            values: [(nil, { $0.http_bytes })]
        ),
        BootFamily(
            name: "muster_boot_events_lost_total",
            help: "Steps of boots that the engine never heard of.",
            values: [(nil, { $0.events_lost })]
        ),
    ]
}

extension BootServiceRecord {
    /// Racks are often alike: of one on another segment its name tells which.
    fileprivate var labels: [(name: String, value: String)] {
        [("interface", status.interface), ("server", "\(status.address.address)")]
            + (server.map { [("boot_server", $0.rawValue)] } ?? [])
    }
}
