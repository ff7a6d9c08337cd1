import Glibc
package import HostModel
package import SystemPackage

/// A network interface as the kernel shows it.
package struct ObservedLink: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// An Ethernet interface that no other is below: a real or a virtual NIC.
        case ethernet
        case bond
        case bridge
        case vlan
        /// Loopback, tunnels and everything else that carries no management network.
        case other
    }

    package var name: LinkName
    package var kind: Kind
    package var mac: MACAddress?
    package var hasCarrier: Bool
    package var isUp: Bool
    /// The bridge or bond that it is a port of.
    package var master: LinkName?
    package var driver: String?
    /// Megabits per second.
    package var speed: Int?
    package var addresses: [IPv4Network]

    package init(
        name: LinkName,
        kind: Kind = .ethernet,
        mac: MACAddress? = nil,
        hasCarrier: Bool = false,
        isUp: Bool = false,
        master: LinkName? = nil,
        driver: String? = nil,
        speed: Int? = nil,
        addresses: [IPv4Network] = []
    ) {
        (self.name, self.kind, self.mac, self.hasCarrier) = (name, kind, mac, hasCarrier)
        (self.isUp, self.master, self.driver, self.speed) = (isUp, master, driver, speed)
        self.addresses = addresses
    }
}

/// Reads the interfaces from sysfs, and their IPv4 addresses from the kernel (getifaddrs(3)).
package struct LinkInventory: Sendable {
    package var sysfs: FilePath

    /// The most interfaces that are looked at.
    package static let linksMax = 1024

    package init(sysfs: FilePath = "/sys/class/net") { self.sysfs = sysfs }

    /// Sorted as a person counts: `eth2` before `eth10`.
    package func links() -> [ObservedLink] {
        let addresses = Self.addresses()
        return names().map { observe($0, addresses: addresses[$0] ?? []) }
    }

    private func observe(_ name: LinkName, addresses: [IPv4Network]) -> ObservedLink {
        let directory = sysfs.appending(name.rawValue)
        let flags = number(directory.appending("flags"), radix: 16) ?? 0
        return ObservedLink(
            name: name,
            kind: kind(directory),
            mac: readLine(of: directory.appending("address")).flatMap { MACAddress($0) },
            hasCarrier: number(directory.appending("carrier")) == 1,
            isUp: flags & 1 == 1,
            master: lastComponent(ofLink: directory.appending("master")).flatMap { LinkName($0) },
            driver: lastComponent(ofLink: directory.appending("device").appending("driver")),
            speed: number(directory.appending("speed")).flatMap { $0 > 0 ? $0 : nil },
            addresses: addresses
        )
    }

    private func kind(_ directory: FilePath) -> ObservedLink.Kind {
        let isThere = { (name: String) in access(directory.appending(name).string, F_OK) == 0 }
        if isThere("bridge") { return .bridge }
        if isThere("bonding") { return .bond }
        let event = (try? readFile(directory.appending("uevent"))) ?? []
        let type = String(decoding: event, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("DEVTYPE=") }
        if type == "DEVTYPE=vlan" { return .vlan }
        // ARPHRD_ETHER without a type of its own, or with an address that the hardware gave: a NIC.
        guard number(directory.appending("type")) == 1, type == nil || isThere("device") else { return .other }
        return isThere("tun_flags") ? .other : .ethernet
    }

    private func names() -> [LinkName] {
        guard let directory = opendir(sysfs.string) else { return [] }
        defer { closedir(directory) }
        var names: [LinkName] = []
        while names.count < Self.linksMax, let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let link = LinkName(name), name != "bonding_masters" { names.append(link) }
        }
        return names.sorted { Self.order($0) < Self.order($1) }
    }

    private static func order(_ name: LinkName) -> (String, Int, String) {
        let stem = name.rawValue.prefix { !$0.isNumber }
        return (String(stem), Int(name.rawValue.dropFirst(stem.count)) ?? 0, name.rawValue)
    }

    private func number(_ path: FilePath, radix: Int = 10) -> Int? {
        guard let line = readLine(of: path) else { return nil }
        return Int(line.hasPrefix("0x") ? line.dropFirst(2) : line[...], radix: radix)
    }

    private func lastComponent(ofLink path: FilePath) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path.string, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let target = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return target.split(separator: "/").last.map(String.init)
    }

    private static func addresses() -> [LinkName: [IPv4Network]] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [:] }
        defer { freeifaddrs(list) }
        var addresses: [LinkName: [IPv4Network]] = [:]
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let label = entry.pointee.ifa_name, let name = LinkName(String(cString: label)),
                let address = ipv4(entry.pointee.ifa_addr), let mask = ipv4(entry.pointee.ifa_netmask),
                let network = IPv4Network(address, netmask: mask)
            else { continue }
            addresses[name, default: []].append(network)
        }
        return addresses
    }

    private static func ipv4(_ address: UnsafeMutablePointer<sockaddr>?) -> IPv4Address? {
        guard let address, address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
        return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
            IPv4Address(rawValue: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
        }
    }
}
