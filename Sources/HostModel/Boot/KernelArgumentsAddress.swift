/// One `ip=` argument: how an interface gets its address (dracut.cmdline(7)).
///
///     ip={dhcp|on|any|none|off|auto6|dhcp6|…}
///     ip=<interface>:{dhcp|…}[:[<mtu>][:<mac>]]
///     ip=<client>:[<peer>]:<gateway>:<netmask>:<host name>:<interface>:{none|dhcp|…}[:[<mtu>][:<mac>]]
///     ip=<client>:[<peer>]:<gateway>:<netmask>:<host name>:<interface>:{none|dhcp|…}[:[<dns1>][:<dns2>]]
package struct IPArgument: Hashable, Sendable {
    package enum Method: Hashable, Sendable {
        /// `dhcp`, `on`, `any`, `single-dhcp`.
        case dhcp
        case dhcp6
        /// Router advertisements (`auto6`, `either6`, `link6`, `link-local`).
        case auto6
        /// `none` or `off` without an address: the link goes up and carries nothing.
        case off
        case fixed(IPv4Network, gateway: IPv4Address?)

        /// `nil` for a word that names no method.
        init?(word: some StringProtocol) {
            switch word {
            case "dhcp", "on", "any", "single-dhcp": self = .dhcp
            case "dhcp6": self = .dhcp6
            case "auto6", "either6", "link6", "link-local": self = .auto6
            case "none", "off": self = .off
            default: return nil
            }
        }
    }

    /// `nil`: the interface that the machine booted from, or each one with a carrier.
    package var link: LinkName?
    package var method: Method
    package var hostName: HostName?
    /// Bytes, 68 to 65535.
    package var mtu: Int?
    /// The address that the interface is to take on.
    package var mac: MACAddress?
    package var nameservers: [IPv4Address]

    package init(
        link: LinkName? = nil,
        method: Method,
        hostName: HostName? = nil,
        mtu: Int? = nil,
        mac: MACAddress? = nil,
        nameservers: [IPv4Address] = []
    ) {
        (self.link, self.method, self.hostName) = (link, method, hostName)
        (self.mtu, self.mac, self.nameservers) = (mtu, mac, nameservers)
    }

    /// Reads the value of one `ip=` argument.
    package init(parsing value: String) throws(KernelArgumentError) {
        let fields = try ArgumentFields(name: "ip", value: value)
        if fields.count == 1 {
            try self.init(word: fields)
        } else if let method = Method(word: fields[1]) {
            try self.init(short: fields, method: method)
        } else {
            try self.init(long: fields)
        }
    }

    private init(word fields: ArgumentFields) throws(KernelArgumentError) {
        if let method = Method(word: fields[0]) {
            self.init(method: method)
        } else if fields[0].isEmpty {
            throw fields.error("it names no method; write ip=dhcp")
        } else if IPv4Address(fields[0]) != nil {
            throw fields.error("an address alone is not enough; write ip=ADDRESS::GATEWAY:PREFIX:NAME:INTERFACE:none")
        } else {
            throw fields.error("\(fields.quoted(0)) is no method; known are dhcp, none, auto6, dhcp6")
        }
    }

    private init(short fields: ArgumentFields, method: Method) throws(KernelArgumentError) {
        self.init(link: try fields.link(0), method: method, mtu: try fields.mtu(2), mac: try fields.mac(from: 3))
    }

    private init(long fields: ArgumentFields) throws(KernelArgumentError) {
        let method = try Self.longMethod(fields)
        self.init(link: try fields.link(5), method: method)
        if !fields[4].isEmpty {
            guard let name = HostName(fields[4]) else { throw fields.error("\(fields.quoted(4)) is no host name") }
            hostName = name
        }
        if fields[7].contains(".") || (fields[7].isEmpty && fields[8].contains(".")) {
            for index in [7, 8] where !fields[index].isEmpty { nameservers.append(try fields.address(index)) }
        } else {
            (mtu, mac) = (try fields.mtu(7), try fields.mac(from: 8))
        }
    }

    private static func longMethod(_ fields: ArgumentFields) throws(KernelArgumentError) -> Method {
        let word = fields[6].isEmpty ? "none" : fields[6]
        guard let method = Method(word: word) else {
            throw fields.error("\(fields.quoted(6)) is no method; known are dhcp, none, auto6, dhcp6")
        }
        guard method == .off, !fields[0].isEmpty else { return method }
        let address = try fields.address(0)
        guard let network = fields.network(address, mask: 3) else {
            throw fields.error("\(fields.quoted(3)) is neither a netmask nor a prefix length")
        }
        return .fixed(network, gateway: fields[2].isEmpty ? nil : try fields.address(2))
    }
}

/// The colon-separated fields of an argument's value; an IPv6 address stands in brackets and keeps its colons.
struct ArgumentFields {
    private let name: String
    private let value: String
    private let fields: [String]

    init(name: String, value: String) throws(KernelArgumentError) {
        var fields: [String] = []
        var field = ""
        var inBrackets = false
        for character in value {
            switch character {
            case "[": inBrackets = true
            case "]": inBrackets = false
            case ":" where !inBrackets:
                fields.append(field)
                field = ""
                continue
            default: break
            }
            field.append(character)
        }
        (self.name, self.value, self.fields) = (name, value, fields + [field])
        guard !inBrackets else { throw error("a bracket is not closed") }
    }

    var count: Int { fields.count }

    /// Empty where there is no such field.
    subscript(index: Int) -> String { fields.indices.contains(index) ? fields[index] : "" }

    func quoted(_ index: Int) -> String { "\"\(terminalEscaped(self[index]))\"" }

    func error(_ reason: String) -> KernelArgumentError { KernelArgumentError(name, value, reason) }

    /// `nil` for an empty field.
    func link(_ index: Int) throws(KernelArgumentError) -> LinkName? {
        guard !self[index].isEmpty else { return nil }
        guard let link = LinkName(self[index]) else { throw error("\(quoted(index)) is no interface name") }
        return link
    }

    func address(_ index: Int) throws(KernelArgumentError) -> IPv4Address {
        guard let address = IPv4Address(self[index]) else {
            let isSix = self[index].contains(":")
            throw error(
                "\(quoted(index)) is no IPv4 address" + (isSix ? "; fixed IPv6 addresses are not known here" : "")
            )
        }
        return address
    }

    /// A netmask in dotted decimal, or a prefix length.
    func network(_ address: IPv4Address, mask index: Int) -> IPv4Network? {
        if let length = Int(self[index]) { return IPv4Network(address, prefixLength: length) }
        return IPv4Address(self[index]).flatMap { IPv4Network(address, netmask: $0) }
    }

    /// RFC 791: no IPv4 link has less than 68 bytes.
    func mtu(_ index: Int) throws(KernelArgumentError) -> Int? {
        guard !self[index].isEmpty else { return nil }
        guard let mtu = Int(self[index]), (68...65535).contains(mtu) else {
            throw error("\(quoted(index)) is no MTU; 68 to 65535 are")
        }
        return mtu
    }

    /// The MAC's six octets are fields of their own, or one field with hyphens.
    func mac(from index: Int) throws(KernelArgumentError) -> MACAddress? {
        guard count > index else { return nil }
        let text = fields[index...].joined(separator: ":")
        guard !text.isEmpty else { return nil }
        guard let mac = MACAddress(text) else {
            throw error("\"\(terminalEscaped(text))\" is no MAC address")
        }
        return mac
    }
}
