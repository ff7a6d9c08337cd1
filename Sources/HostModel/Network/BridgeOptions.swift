/// The options of a bridge that we set.
package struct BridgeOptions: Hashable, Sendable, Codable {
    /// Spanning tree by the kernel.
    package var stp: Bool
    /// Hundredths of a second before a new port forwards; the kernel raises it to 200 while spanning tree is on.
    package var forwardDelay: Int
    /// Other options by sysfs's names; none that has the kernel's own value.
    package private(set) var values: [String: Int]

    package init(stp: Bool = false, forwardDelay: Int = 0, values: [String: Int] = [:]) {
        (self.stp, self.forwardDelay, self.values) = (stp, forwardDelay, [:])
        for (name, value) in values { self[name] = value }
    }

    /// The least delay with spanning tree on (BR_MIN_FORWARD_DELAY).
    package static let forwardDelayMin = 200

    /// The value in force; `nil` for an option that there is not.
    package subscript(_ name: String) -> Int? {
        get {
            switch name {
            case "stp_state": stp ? 1 : 0
            case "forward_delay": forwardDelay
            default: values[name] ?? BridgeOption.byName[name]?.standard
            }
        }
        set {
            switch name {
            case "stp_state": stp = newValue == 1
            case "forward_delay": forwardDelay = newValue ?? 0
            default: values[name] = newValue == BridgeOption.byName[name]?.standard ? nil : newValue
            }
        }
    }

    /// The options beside spanning tree and delay whose value differs.
    package func changes(to other: BridgeOptions) -> [BridgeOption] {
        guard values != other.values else { return [] }
        return BridgeOption.all.filter { option in
            let (have, want) = (self[option.name] ?? option.standard, other[option.name] ?? option.standard)
            return !option.isSame(have, want)
        }
    }

    /// Whether there is nothing to change.
    func isLike(_ other: BridgeOptions) -> Bool {
        stp == other.stp && forwardDelay == other.forwardDelay && changes(to: other).isEmpty
    }
}

/// One option of a bridge as sysfs names it (br_netlink.c). Times are in hundredths of a second.
package struct BridgeOption: Hashable, Sendable {
    package var name: String
    /// IFLA_BR_… (linux/if_link.h).
    package var attribute: Int
    /// Octets of the value; 6 for a MAC address.
    package var width: Int
    package var range: ClosedRange<Int>
    /// The kernel's own value.
    package var standard: Int

    /// The kernel counts these times in its own ticks, and gives them back rounded.
    private var tolerance: UInt { width == 8 ? 1 : 0 }

    /// Whether two values are one to the kernel. They may be any numbers: eight octets of a message hold more than makes sense.
    package func isSame(_ one: Int, _ other: Int) -> Bool {
        let (difference, isOver) = one.subtractingReportingOverflow(other)
        return !isOver && difference.magnitude <= tolerance
    }

    /// The number on the wire is in network byte order.
    package var isBigEndian: Bool { name == "vlan_protocol" }

    private init(_ name: String, _ attribute: Int, _ width: Int, _ range: ClosedRange<Int>, _ standard: Int) {
        (self.name, self.attribute, self.width, self.range, self.standard) = (name, attribute, width, range, standard)
    }

    private static let times = 0...Int(Int32.max)
    private static let counts = 0...Int(Int32.max)
    private static let flags = 0...1

    package static let all: [BridgeOption] = [
        BridgeOption("hello_time", 2, 4, 100...1000, 200), BridgeOption("max_age", 3, 4, 600...4000, 2000),
        BridgeOption("ageing_time", 4, 4, times, 30000), BridgeOption("priority", 6, 2, 0...65535, 32768),
        BridgeOption("vlan_filtering", 7, 1, flags, 0), BridgeOption("vlan_protocol", 8, 2, 0...65535, 0x8100),
        BridgeOption("group_fwd_mask", 9, 2, 0...65535, 0),
        BridgeOption("group_addr", 20, 6, 0...0xFFFF_FFFF_FFFF, 0x0180_C200_0000),
        BridgeOption("multicast_router", 22, 1, 0...2, 1), BridgeOption("multicast_snooping", 23, 1, flags, 1),
        BridgeOption("multicast_query_use_ifaddr", 24, 1, flags, 0), BridgeOption("multicast_querier", 25, 1, flags, 0),
        BridgeOption("hash_max", 27, 4, 1...(1 << 20), 4096),
        BridgeOption("multicast_last_member_count", 28, 4, counts, 2),
        BridgeOption("multicast_startup_query_count", 29, 4, counts, 2),
        BridgeOption("multicast_last_member_interval", 30, 8, times, 100),
        BridgeOption("multicast_membership_interval", 31, 8, times, 26000),
        BridgeOption("multicast_querier_interval", 32, 8, times, 25500),
        BridgeOption("multicast_query_interval", 33, 8, times, 12500),
        BridgeOption("multicast_query_response_interval", 34, 8, times, 1000),
        BridgeOption("multicast_startup_query_interval", 35, 8, times, 3125),
        BridgeOption("nf_call_iptables", 36, 1, flags, 0), BridgeOption("nf_call_ip6tables", 37, 1, flags, 0),
        BridgeOption("nf_call_arptables", 38, 1, flags, 0), BridgeOption("default_pvid", 39, 2, 0...4094, 1),
        BridgeOption("vlan_stats_enabled", 41, 1, flags, 0), BridgeOption("multicast_stats_enabled", 42, 1, flags, 0),
        BridgeOption("multicast_igmp_version", 43, 1, 2...3, 2), BridgeOption("multicast_mld_version", 44, 1, 1...2, 1),
        BridgeOption("vlan_stats_per_port", 45, 1, flags, 0),
    ]

    package static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Reads a decimal or 0x number, or a MAC address for `group_addr`; `nil` for what the kernel would refuse.
    static func value(_ name: String, _ text: String) -> Int? {
        let number: Int?
        if name == "group_addr" {
            number = MACAddress(text).map { Int($0.rawValue) }
        } else if text.hasPrefix("0x") {
            number = Int(text.dropFirst(2), radix: 16)
        } else {
            number = text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil
        }
        switch name {
        case "stp_state": return number.flatMap { flags.contains($0) ? $0 : nil }
        case "forward_delay": return number.flatMap { (0...3000).contains($0) ? $0 : nil }
        default:
            guard let number, let option = byName[name], option.range.contains(number) else { return nil }
            return number
        }
    }

    /// What `value` reads.
    package static func text(_ name: String, _ value: Int) -> String {
        guard name == "group_addr" else { return String(value) }
        let octets = (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * $0)) }
        return MACAddress(octets: octets)?.description ?? String(value)
    }

    static func isKnown(_ name: String) -> Bool {
        name == "stp_state" || name == "forward_delay" || byName[name] != nil
    }

    /// VDSM's `bridge_opts`, `k=v k=v`, with code 21 for what the kernel would not take.
    static func parse(_ text: String, of field: String) throws(NetworkRefusal) -> [String: Int] {
        var values: [String: Int] = [:]
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, isKnown(parts[0]) else {
                let name = terminalEscaped(parts.first ?? "")
                throw NetworkRefusal(.badParameters, field, "\(name) is not an option of a bridge, as in priority=4096")
            }
            guard let value = value(parts[0], parts[1]) else {
                throw NetworkRefusal(.badParameters, field, "\(parts[0]) does not take \(terminalEscaped(parts[1]))")
            }
            values[parts[0]] = value
        }
        return values
    }
}
