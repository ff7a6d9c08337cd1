internal import CNetlink
internal import Glibc
package import HostModel

// Options of bonds and bridges between the kernel's attributes and their names.

/// What a bond is doing.
package struct BondStatus: Hashable, Sendable {
    /// `nil` in modes without one, and while there is none.
    package var activeSlave: String?
    /// 802.3ad only.
    package var aggregator: Int?
    package var partner: MACAddress?

    init(_ data: NetlinkAttributes?, names: [Int32: String]) {
        activeSlave = data?.integer(Int(IFLA_BOND_ACTIVE_SLAVE), as: Int32.self).flatMap { names[$0] }
        let info = data?.nested(Int(IFLA_BOND_AD_INFO))
        aggregator = info?.integer(Int(IFLA_BOND_AD_INFO_AGGREGATOR), as: UInt16.self).map(Int.init)
        partner = info?[Int(IFLA_BOND_AD_INFO_PARTNER_MAC)].flatMap { MACAddress(octets: $0) }
    }
}

extension BondOptions {
    init(_ data: NetlinkAttributes?, names: [Int32: String]) {
        let mode = data?.integer(Int(IFLA_BOND_MODE), as: UInt8.self).flatMap { BondMode(rawValue: Int($0)) }
        self.init(mode: mode ?? .balanceRR)
        guard let data else { return }
        for option in BondOption.all where option.modes.contains(self.mode) {
            guard let bytes = data[option.attribute] else { continue }
            self[option] = option.text(bytes, names: names)
        }
    }
}

extension BondOption {
    fileprivate func text(_ bytes: ArraySlice<UInt8>, names: [Int32: String]) -> String {
        switch form {
        case .number: String(bytes.integer)
        case .addresses: Self.list(bytes) { IPv4Address(octets: $0)?.description }
        case .addresses6: Self.list(bytes) { IPv6Address(octets: $0)?.description }
        case .link: bytes.integer(at: 0, as: Int32.self).flatMap { names[$0] } ?? ""
        case .mac: MACAddress(octets: bytes)?.description ?? standard
        }
    }

    private static func list(_ bytes: ArraySlice<UInt8>, _ element: (ArraySlice<UInt8>) -> String?) -> String {
        let attributes = NetlinkAttributes(bytes)
        return (attributes?.all ?? []).compactMap(element).joined(separator: ",")
    }

    /// Puts the value where the kernel reads it. `index` gives the number of a link.
    func put(
        _ value: String,
        in message: inout NetlinkMessage,
        index: (String) throws(NetlinkError) -> Int32
    ) throws(NetlinkError) {
        switch form {
        case .number(let width): message.putAttribute(attribute, Self.bytes(Int(value) ?? 0, width: width))
        case .addresses: message.putList(attribute, value.split(separator: ",").compactMap { IPv4Address($0)?.octets })
        case .addresses6: message.putList(attribute, value.split(separator: ",").compactMap { IPv6Address($0)?.octets })
        case .link: message.putAttribute(attribute, value: value.isEmpty ? 0 : try index(value))
        case .mac: message.putAttribute(attribute, MACAddress(value)?.octets ?? [UInt8](repeating: 0, count: 6))
        }
    }

    /// In the machine's byte order, which is little-endian on all that we run on.
    private static func bytes(_ value: Int, width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

extension BridgeOptions {
    init(_ data: NetlinkAttributes?) {
        let stp = data?.integer(Int(IFLA_BR_STP_STATE), as: UInt32.self) ?? 0
        let delay = data?.integer(Int(IFLA_BR_FORWARD_DELAY), as: UInt32.self) ?? 0
        var values: [String: Int] = [:]
        for option in BridgeOption.all {
            guard let bytes = data?[option.attribute], bytes.count == option.width else { continue }
            let value = option.width == 6 || option.isBigEndian ? bytes.bigEndian : bytes.integer
            // Older kernels have another number of their own here.
            let isStandard = option.isSame(value, option.standard)
            if !isStandard, !(option.name == "hash_max" && value == 512) { values[option.name] = value }
        }
        self.init(stp: stp != 0, forwardDelay: Int(delay), values: values)
    }
}

extension BridgeOption {
    func put(_ value: Int, in message: inout NetlinkMessage) {
        let octets = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        message.putAttribute(attribute, width == 6 || isBigEndian ? octets.reversed() : octets)
    }
}

extension ArraySlice<UInt8> {
    /// The whole slice as one number in the machine's byte order.
    fileprivate var integer: Int { reversed().prefix(8).reduce(0) { $0 << 8 | Int($1) } }
    fileprivate var bigEndian: Int { prefix(8).reduce(0) { $0 << 8 | Int($1) } }
}

/// A link's part in IPv6. `disable_ipv6` and its neighbours have no netlink attribute that can be written; the files are
/// the interface. A kernel without IPv6 has no such files and nothing to turn off.
enum IPv6Files {
    private static let root = "/proc/sys/net/ipv6/conf"

    static func defaults() -> IPv6Settings {
        guard let disabled = read("\(root)/default/disable_ipv6") else { return .off }
        return IPv6Settings(
            isEnabled: disabled == 0,
            acceptRA: read("\(root)/default/accept_ra") ?? 1,
            autoconf: (read("\(root)/default/autoconf") ?? 1) != 0
        )
    }

    static func write(_ settings: IPv6Settings, of link: String, _ operation: String) throws(NetlinkError) {
        // What advertisements do comes first, so that none is taken that should not be.
        if settings.isEnabled {
            try write(settings.acceptRA, to: "\(root)/\(link)/accept_ra", operation)
            try write(settings.autoconf ? 1 : 0, to: "\(root)/\(link)/autoconf", operation)
        }
        try write(settings.isEnabled ? 0 : 1, to: "\(root)/\(link)/disable_ipv6", operation)
    }

    private static func read(_ path: String) -> Int? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = Glibc.read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return Int(String(decoding: buffer.prefix(count).prefix { $0 != 10 }, as: UTF8.self))
    }

    private static func write(_ value: Int, to path: String, _ operation: String) throws(NetlinkError) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            if code == ENOENT { return }
            throw NetlinkError(operation, code == EACCES ? .notPermitted : .other, String(cString: strerror(code)))
        }
        defer { close(file) }
        let text = "\(value)\n"
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
            throw NetlinkError(operation, .other, String(cString: strerror(errno)))
        }
    }
}
