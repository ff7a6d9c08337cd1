/// A mode of the kernel's bonding driver.
package enum BondMode: Int, CaseIterable, Hashable, Sendable, Codable {
    case balanceRR = 0
    case activeBackup = 1
    case balanceXOR = 2
    case broadcast = 3
    case lacp = 4
    case balanceTLB = 5
    case balanceALB = 6

    package var name: String {
        switch self {
        case .balanceRR: "balance-rr"
        case .activeBackup: "active-backup"
        case .balanceXOR: "balance-xor"
        case .broadcast: "broadcast"
        case .lacp: "802.3ad"
        case .balanceTLB: "balance-tlb"
        case .balanceALB: "balance-alb"
        }
    }

    /// By number or by name.
    package init?(_ text: some StringProtocol) {
        guard let mode = Self.allCases.first(where: { $0.name == text || String($0.rawValue) == text }) else {
            return nil
        }
        self = mode
    }

    /// ARP monitoring does not work in these; the kernel watches the carrier instead, every 100 ms unless told otherwise.
    var needsCarrierMonitor: Bool { [.lacp, .balanceTLB, .balanceALB].contains(self) }
}

/// One option of a bond as sysfs names it, with what the kernel's driver says of it (bond_options.c).
package struct BondOption: Hashable, Sendable {
    /// How the kernel takes the value.
    package enum Form: Hashable, Sendable {
        /// So many octets.
        case number(width: Int)
        /// A list of IPv4 addresses.
        case addresses
        /// A list of IPv6 addresses.
        case addresses6
        /// The name of a slave.
        case link
        case mac
    }

    package var name: String
    /// IFLA_BOND_… (linux/if_link.h).
    package var attribute: Int
    package var form: Form
    package var range: ClosedRange<Int> = 0...Int(Int32.max)
    /// The names of the numbers from 0 on.
    package var names: [String] = []
    /// The kernel's own value.
    package var standard: String
    /// Where the driver takes it.
    package var modes: Set<BondMode> = Set(BondMode.allCases)
    /// The driver changes it only while the bond is down.
    package var needsDown = false

    static func number(
        _ name: String,
        _ attribute: Int,
        _ width: Int,
        _ range: ClosedRange<Int> = 0...Int(Int32.max),
        standard: Int = 0,
        modes: Set<BondMode> = Set(BondMode.allCases),
        needsDown: Bool = false
    ) -> BondOption {
        BondOption(
            name: name,
            attribute: attribute,
            form: .number(width: width),
            range: range,
            standard: String(standard),
            modes: modes,
            needsDown: needsDown
        )
    }

    static func named(
        _ name: String,
        _ attribute: Int,
        _ width: Int,
        _ names: [String],
        standard: Int = 0,
        modes: Set<BondMode> = Set(BondMode.allCases),
        needsDown: Bool = false
    ) -> BondOption {
        var option = number(
            name,
            attribute,
            width,
            0...(names.count - 1),
            standard: standard,
            modes: modes,
            needsDown: needsDown
        )
        option.names = names
        return option
    }

    private static let arpModes: Set<BondMode> = [.balanceRR, .activeBackup, .balanceXOR, .broadcast]
    private static let primaryModes: Set<BondMode> = [.activeBackup, .balanceTLB, .balanceALB]
    private static let switches = ["off", "on"]

    /// Every option, in the order in which they are told to the kernel.
    package static let all: [BondOption] = [
        .number("miimon", 3, 4), .number("updelay", 4, 4), .number("downdelay", 5, 4),
        .number("peer_notif_delay", 28, 4, 0...300_000),
        .named("use_carrier", 6, 1, switches, standard: 1),
        .number("arp_interval", 7, 4, modes: arpModes),
        BondOption(name: "arp_ip_target", attribute: 8, form: .addresses, standard: ""),
        BondOption(name: "ns_ip6_target", attribute: 31, form: .addresses6, standard: ""),
        .named(
            "arp_validate",
            9,
            4,
            ["none", "active", "backup", "all", "filter", "filter_active", "filter_backup"],
            modes: arpModes
        ),
        .named("arp_all_targets", 10, 4, ["any", "all"]),
        .number("arp_missed_max", 30, 1, 1...255, standard: 2, modes: arpModes),
        BondOption(name: "primary", attribute: 11, form: .link, standard: "", modes: primaryModes),
        .named("primary_reselect", 12, 1, ["always", "better", "failure"]),
        .named("fail_over_mac", 13, 1, ["none", "active", "follow"]),
        .named(
            "xmit_hash_policy",
            14,
            1,
            ["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"]
        ),
        .number("resend_igmp", 15, 4, 0...255, standard: 1),
        .number("num_grat_arp", 16, 1, 0...255, standard: 1),
        .named("all_slaves_active", 17, 1, switches), .number("min_links", 18, 4),
        .number("lp_interval", 19, 4, 1...Int(Int32.max), standard: 1),
        .number("packets_per_slave", 20, 4, 0...65535, standard: 1, modes: [.balanceRR]),
        .named("lacp_rate", 21, 1, ["slow", "fast"], modes: [.lacp], needsDown: true),
        .named("lacp_active", 29, 1, switches, standard: 1, modes: [.lacp], needsDown: true),
        .named("ad_select", 22, 1, ["stable", "bandwidth", "count"], needsDown: true),
        .number("ad_actor_sys_prio", 24, 2, 1...65535, standard: 65535, modes: [.lacp]),
        .number("ad_user_port_key", 25, 2, 0...1023, modes: [.lacp], needsDown: true),
        BondOption(
            name: "ad_actor_system",
            attribute: 26,
            form: .mac,
            standard: "00:00:00:00:00:00",
            modes: [.lacp]
        ),
        .named("tlb_dynamic_lb", 27, 1, switches, standard: 1, modes: [.balanceTLB, .balanceALB], needsDown: true),
    ]

    /// By name; `num_unsol_na` is the kernel's other name for `num_grat_arp`.
    package static let byName: [String: BondOption] = {
        var options = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        options["num_unsol_na"] = options["num_grat_arp"]
        return options
    }()

    /// The kernel's own value in a mode.
    package func standard(in mode: BondMode) -> String {
        name == "miimon" && mode.needsCarrierMonitor ? "100" : standard
    }

    /// The value in its one form: numbers for names, addresses without blanks. `nil` for what the driver would refuse.
    package func canonical(_ text: String) -> String? {
        switch form {
        case .number:
            let number =
                names.firstIndex(of: text) ?? (text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil)
            return number.flatMap { range.contains($0) ? String($0) : nil }
        case .addresses: return Self.list(text) { IPv4Address($0)?.description }
        case .addresses6: return Self.list(text) { IPv6Address($0)?.description }
        case .link: return text.isEmpty ? "" : LinkName(text)?.rawValue
        case .mac: return MACAddress(text).flatMap { $0.isMulticast ? nil : $0.description }
        }
    }

    /// The kernel keeps at most this many targets (BOND_MAX_ARP_TARGETS).
    private static let targetsMax = 16

    private static func list(_ text: String, _ element: (Substring) -> String?) -> String? {
        guard !text.isEmpty else { return "" }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { element($0) }
        guard parts.count <= targetsMax, parts.allSatisfy({ $0 != nil && $0 != "0.0.0.0" }) else { return nil }
        let words = parts.compactMap(\.self)
        return Set(words).count == words.count ? words.joined(separator: ",") : nil
    }
}
