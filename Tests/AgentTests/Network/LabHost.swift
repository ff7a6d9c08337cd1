import AgentWire
import HostModel
import Logging
import NIOCore
import Netlink
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// The host of one scenario: six nics (dummy links eth0 to eth5), nothing on them, and a keeper of its own. Everything is
/// judged by iproute2's JSON, and after every change the files of the running configuration are held against it.
struct LabHost {
    let temporary: TemporaryDirectory
    private(set) var settings: ApplySettings
    let keeper: NetworkKeeper

    /// Clears the kernel of what the scenario before left.
    init(leaseSeconds: Int = 20) async throws {
        temporary = TemporaryDirectory()
        let directory = temporary.directory
        try NodeDirectory(directory.file("run")).make()
        try directory.write(Array("nameserver 10.0.0.53\n".utf8), to: "resolv.conf")
        settings = ApplySettings(
            run: NodeDirectory(directory.file("run")),
            networkConfiguration: directory.file("vdsm"),
            resolvConf: directory.file("resolv.conf"),
            udhcpcScript: directory.file("lease"),
            hooks: directory.file("hooks")
        )
        settings.leaseSeconds = leaseSeconds
        keeper = NetworkKeeper(settings, logger: Logger(label: "lab") { _ in SwiftLogNoOpLogHandler() })
        // A program is dear in there: one for everything. What stands on others goes first.
        let state = try KernelSnapshot.read().state
        var batch = state.rules.values.flatMap { $0 }.map { "rule del priority \(RuleState.priority) \($0)" }
        // VLANs go with their base, and a batch ends at a link that is not there.
        let made = state.links.values.filter { link in
            link.isBridge || link.isBond || link.kind == .other("dummy") || link.name.hasPrefix("veth_")
        }
        batch += made.sorted { $0.floorOfLab > $1.floorOfLab }.map { "link del dev \($0.name)" }
        for number in 0...5 {
            batch.append("link add eth\(number) address 52:54:00:00:00:0\(number) type dummy")
            batch.append("link set eth\(number) up")
        }
        try Self.batch(batch, in: directory)
    }

    /// Another process of the agent, on the same files.
    func successor() -> NetworkKeeper {
        NetworkKeeper(settings, logger: Logger(label: "lab") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Errors are passed over: a VLAN goes with its base.
    private static func batch(_ commands: [String], in directory: NodeDirectory) throws {
        try directory.write(Array(commands.map { $0 + "\n" }.joined().utf8), to: "batch")
        try LabProgram.command(["ip", "-force", "-batch", directory.file("batch").string], isSure: false)
    }

    /// The call as an engine sends it, without the wait for its voice unless `options` says so. Throws what the engine gets.
    func setup(
        _ networks: String = "",
        bonds: String = "",
        options: String = #""connectivityCheck": 0"#
    ) async throws {
        let text = "{\"networks\": {\(networks)}, \"bondings\": {\(bonds)}, \"options\": {\(options)}}"
        let params = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text))
        try await keeper.setupNetworks(SetupNetworksParameters(params: params))
        try await agree()
    }

    /// The code of a refusal; `nil` when there is none. The kernel must be as before.
    func code(_ networks: String = "", bonds: String = "", options: String = #""connectivityCheck": 0"#) async throws
        -> Int?
    {
        let before = try await Judge.fingerprint()
        do {
            try await setup(networks, bonds: bonds, options: options)
        } catch let error as RPCError {
            #expect(try await Judge.fingerprint() == before, "what was refused or failed leaves the kernel as it was")
            return error.code.rawValue
        }
        return nil
    }

    func ip(_ words: String) async throws {
        try LabProgram.command(["ip"] + words.split(separator: " ").map(String.init))
    }

    func owned() throws -> OwnedNetworks { try NetworkConfiguration.running(in: settings.networkConfiguration).owned() }

    /// The files of the running configuration say what the kernel shows.
    private func agree() async throws {
        let (owned, judge) = (try owned(), try await Judge.now())
        for bond in owned.bonds.values {
            #expect(judge.ports(of: bond.name) == bond.nics)
            #expect(judge.info(bond.name, "mode") == bond.options.mode.name)
            if let mac = bond.hwaddr { #expect(judge.mac(bond.name) == mac.description) }
        }
        for network in owned.networks.values {
            #expect(judge.isUp(network.carrier), "\(network.carrier)")
            #expect((judge.kind(network.name) == "bridge") == network.bridged || !network.bridged, "\(network.name)")
            if network.vlan != nil, let device = network.device {
                #expect(judge.info(device, "id") == "\(network.vlan ?? -1)")
                #expect(judge.mtu(device) == network.mtu)
            }
            if network.bridged {
                #expect(judge.mtu(network.name) == network.mtu)
                #expect(judge.info(network.name, "stp_state") == (network.stp ? "1" : "0"))
                if let device = network.device { #expect(judge.master(device) == network.name) }
            }
            var addresses: [String] = []
            if case .fixed(let address, _) = network.addressing { addresses.append(address.description) }
            addresses += network.addressing6.address.map { [$0.description] } ?? []
            if network.addressing != .dhcp, !network.addressing6.dhcp {
                #expect(judge.addresses(network.carrier) == addresses, "\(network.name)")
            }
            if case .fixed(_, let gateway?) = network.addressing {
                #expect(judge.isDefault(network.carrier, gateway.description) == network.defaultRoute)
            }
        }
    }
}

/// What iproute2 says.
struct Judge {
    private let links: [String: [String: JSONValue]]
    private let routes: [[String: JSONValue]]

    static func now() async throws -> Judge {
        let (links, routes, _) = try read()
        let named = links.compactMap { link in link["ifname"]?.string.map { ($0, link) } }
        return Judge(links: Dictionary(named) { $1 }, routes: routes)
    }

    /// Links with addresses, IPv4 routes of all tables, rules: one program for all. IPv6 routes where there is a gateway.
    private static func read() throws -> (
        links: [[String: JSONValue]], routes: [[String: JSONValue]], rules: [[String: JSONValue]]
    ) {
        let batch = "/tmp/lab-judge"
        if access(batch, F_OK) != 0 {
            try NodeDirectory("/tmp").write(Array("address show\nroute show table all\nrule\n".utf8), to: "lab-judge")
        }
        let text = try LabProgram.command(["ip", "-j", "-d", "-batch", batch])
        let parts = try text.replacing("][", with: "]\n[").split(separator: "\n").map { line in
            try JSONText.decode(JSONValue.self, from: ByteBuffer(string: String(line))).array?.compactMap(\.object)
                ?? []
        }
        try #require(parts.count == 3, "\(text.prefix(2000))")
        var routes = parts[1]
        if try KernelSnapshot.read().state.routes.all.contains(where: { !$0.isIPv4 }) {
            routes += try json("-6", "route", "show", "table", "all")
        }
        return (parts[0], routes, parts[2])
    }

    static func json(_ words: String...) throws -> [[String: JSONValue]] {
        let text = try LabProgram.command(["ip", "-j"] + words)
        guard !text.isEmpty else { return [] }
        let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text))
        return (value.array ?? []).compactMap(\.object)
    }

    /// Fields that count, or number.
    private static let volatile: Set<String> = [
        "ifindex", "link_index", "operstate", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer",
        "valid_life_time", "preferred_life_time", "tentative", "flags", "active_slave", "link_netnsid", "ad_info",
        "bridge_id", "root_id", "designated_root", "designated_bridge", "message_age_timer", "forward_delay_timer",
        "hold_timer", "info_slave_data",
    ]

    /// Everything about links, addresses, routes and rules but numbers, counters and what the kernel makes by itself.
    static func fingerprint() async throws -> String {
        var lines: [String] = []
        let (links, routes, rules) = try read()
        for var link in links {
            let isUp = link["flags"]?.array?.contains("UP") ?? false
            let addresses = (link["addr_info"]?.array ?? []).filter { $0["scope"]?.string != "link" }
            link["addr_info"] = .array(addresses)
            lines.append("link \(isUp) \(plain(.object(link)))")
        }
        for route in routes where !["kernel", "ra"].contains(route["protocol"]?.string ?? "kernel") {
            lines.append("route \(plain(.object(route)))")
        }
        for rule in rules { lines.append("rule \(plain(.object(rule)))") }
        return lines.sorted().joined(separator: "\n")
    }

    private static func plain(_ value: JSONValue) -> String {
        switch value {
        case .object(let members):
            "{"
                + members.filter { !volatile.contains($0.key) }.sorted { $0.key < $1.key }
                .map { "\($0.key):\(plain($0.value))" }.joined(separator: ",") + "}"
        case .array(let values): "[" + values.map(plain).joined(separator: ",") + "]"
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .boolean(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .null: "null"
        }
    }

    func has(_ name: String) -> Bool { links[name] != nil }
    func mtu(_ name: String) -> Int? { links[name]?["mtu"]?.integer.map(Int.init) }
    func mac(_ name: String) -> String? { links[name]?["address"]?.string }
    func master(_ name: String) -> String? { links[name]?["master"]?.string }
    func kind(_ name: String) -> String? { links[name]?["linkinfo"]?["info_kind"]?.string }
    func isUp(_ name: String) -> Bool { links[name]?["flags"]?.array?.contains("UP") ?? false }

    func ports(of name: String) -> [String] { links.keys.filter { master($0) == name }.sorted() }

    /// An option of a link's kind.
    func info(_ name: String, _ key: String) -> String? {
        switch links[name]?["linkinfo"]?["info_data"]?[key] {
        case .string(let text)?: text
        case .integer(let number)?: "\(number)"
        case .boolean(let flag)?: flag ? "1" : "0"
        case .array(let values)?: values.compactMap(\.string).joined(separator: ",")
        default: nil
        }
    }

    /// Without link-local ones; IPv4 first.
    func addresses(_ name: String) -> [String] {
        (links[name]?["addr_info"]?.array ?? []).filter { $0["scope"]?.string == "global" }.compactMap { entry in
            guard let local = entry["local"]?.string, let length = entry["prefixlen"]?.integer else { return nil }
            return "\(local)/\(length)"
        }
    }

    /// Whether the link takes part in IPv6.
    func hasIPv6(_ name: String) -> Bool {
        (links[name]?["addr_info"]?.array ?? []).contains { $0["family"]?.string == "inet6" }
    }

    func isDefault(_ name: String, _ gateway: String) -> Bool {
        routes.contains {
            $0["dst"]?.string == "default" && $0["dev"]?.string == name && $0["gateway"]?.string == gateway
                && ["main", nil].contains($0["table"]?.string)
        }
    }

    /// The gateway of the link's own table.
    func sourceGateway(_ name: String) -> String? {
        let table = "\(RuleState.table(of: name))"
        return routes.first { $0["dst"]?.string == "default" && $0["table"]?.string == table }?["gateway"]?.string
    }
}

extension LinkState {
    fileprivate var floorOfLab: Int { isBridge ? 2 : isBond ? 1 : 0 }
}
