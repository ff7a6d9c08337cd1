/// The options of a bond: the mode, and what differs from the kernel's own values in that mode.
package struct BondOptions: Hashable, Sendable, Codable {
    package var mode: BondMode
    /// By sysfs's names, in the canonical form of `BondOption`; none that equals the kernel's own value.
    package private(set) var values: [String: String]

    package init(mode: BondMode = .balanceRR) { (self.mode, values) = (mode, [:]) }

    /// The value in force.
    package subscript(_ option: BondOption) -> String {
        get { values[option.name] ?? option.standard(in: mode) }
        set { values[option.name] = newValue == option.standard(in: mode) ? nil : newValue }
    }

    /// `mode=4 miimon=150`, with numbers, the mode first: what is kept on disk and told to engines.
    package var text: String {
        (["mode=\(mode.rawValue)"] + values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
            .joined(separator: " ")
    }

    /// What `getCapabilities` shows: the mode, and what is not the kernel's own value, as numbers.
    package var report: [String: String] { values.merging(["mode": String(mode.rawValue)]) { $1 } }

    /// Options whose value differs, in the order in which they are told to the kernel.
    package func changes(to other: BondOptions) -> [BondOption] {
        BondOption.all.filter { option in
            other.mode == mode
                ? self[option] != other[option] : values[option.name] != nil || other.values[option.name] != nil
        }
    }

    /// Whether the driver makes the change only while the bond is down.
    func needsDown(for other: BondOptions) -> Bool {
        mode != other.mode || changes(to: other).contains(where: \.needsDown)
    }

    /// Whether the driver makes the change only while the bond has no slaves.
    func needsEmpty(for other: BondOptions) -> Bool {
        mode != other.mode || changes(to: other).contains { $0.name == "fail_over_mac" }
    }
}

extension BondOptions {
    /// Reads VDSM's option string, names or numbers, the mode anywhere (ovirt.md 6.3: code 25).
    package init(parsing text: String, of field: String, slaves: [String]) throws(NetworkRefusal) {
        var words: [(name: Substring, value: Substring)] = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw NetworkRefusal(
                    .badBonding,
                    field,
                    "\(terminalEscaped(String(word))) is not of the form name=value"
                )
            }
            words.append((parts[0], parts[1]))
        }
        let modes = words.filter { $0.name == "mode" }
        guard let mode = BondMode(modes.last?.value ?? "0"), modes.count <= 1 else {
            throw NetworkRefusal(.badBonding, field, "mode takes one of 0 to 6 or its name, as in mode=802.3ad")
        }
        self.init(mode: mode)
        for (name, value) in words where name != "mode" {
            let option = try Self.option(String(name), in: mode, field)
            guard let canonical = option.canonical(String(value)) else {
                throw NetworkRefusal(
                    .badBonding,
                    field,
                    "\(option.name) does not take \(terminalEscaped(String(value)))"
                )
            }
            self[option] = canonical
        }
        try checkMonitors(field, isMIIAsked: words.contains { $0.name == "miimon" && $0.value != "0" })
        roundDelays()
        if let primary = values["primary"], !slaves.contains(primary) {
            throw NetworkRefusal(
                .badBonding,
                field,
                "primary names \(primary), which is not among the nics of the bond"
            )
        }
    }

    private static func option(
        _ name: String,
        in mode: BondMode,
        _ field: String
    ) throws(NetworkRefusal) -> BondOption {
        guard let option = BondOption.byName[name] else {
            throw NetworkRefusal(.badBonding, field, "\(terminalEscaped(name)) is not an option of a bond")
        }
        guard option.modes.contains(mode) else {
            throw NetworkRefusal(.badBonding, field, "\(name) is not an option of mode \(mode.rawValue) (\(mode.name))")
        }
        return option
    }

    /// One monitor at a time: the kernel turns one off when the other is set.
    private func checkMonitors(_ field: String, isMIIAsked: Bool) throws(NetworkRefusal) {
        guard values["arp_interval"] != nil else { return }
        guard !isMIIAsked else {
            throw NetworkRefusal(.badBonding, field, "miimon and arp_interval exclude each other")
        }
        guard values["arp_ip_target"] != nil || values["ns_ip6_target"] != nil else {
            throw NetworkRefusal(.badBonding, field, "arp_interval needs an arp_ip_target")
        }
    }

    /// The kernel rounds delays down to multiples of miimon, and has none without it.
    private mutating func roundDelays() {
        let interval = BondOption.byName["miimon"].flatMap { Int(self[$0]) } ?? 0
        for name in ["updelay", "downdelay", "peer_notif_delay"] {
            guard let delay = values[name].flatMap({ Int($0) }) else { continue }
            let rounded = interval == 0 ? 0 : delay / interval * interval
            values[name] = rounded == 0 ? nil : String(rounded)
        }
    }
}
