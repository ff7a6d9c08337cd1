import ArgumentParser
import BootServer
import HostModel
import LogLines

/// `FIRST-LAST`
struct AddressPool: ExpressibleByArgument {
    let range: ClosedRange<IPv4Address>

    init?(argument: String) {
        let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { IPv4Address($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
        range = first...last
    }
}

/// `50M`: bytes a second.
struct ByteRate: ExpressibleByArgument {
    let bytesPerSecond: Int

    init?(argument: String) {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30]
        let shift = argument.last.flatMap { units[$0] }
        let digits = shift == nil ? argument[...] : argument.dropLast()
        guard let number = Int(digits), number > 0, digits.allSatisfy(\.isNumber), number <= .max >> (shift ?? 0) else {
            return nil
        }
        bytesPerSecond = number << (shift ?? 0)
        guard bytesPerSecond >= BootServicesSettings.httpBytesPerSecondMin, bytesPerSecond <= 1 << 40 else {
            return nil
        }
    }
}

/// `10.78.0.0/24,pool=10.78.0.100-10.78.0.199,router=10.78.0.1,dns=10.78.0.2`
struct RelayedSubnet: ExpressibleByArgument {
    let settings: BootServicesSettings.Subnet

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        guard let network = parts.first.flatMap({ IPv4Network($0) }) else { return nil }
        var pool: AddressPool?
        var router: IPv4Address?
        var nameServers: [IPv4Address] = []
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard pair.count == 2 else { return nil }
            switch pair[0] {
            case "pool" where pool == nil: pool = AddressPool(argument: pair[1])
            case "router" where router == nil: router = IPv4Address(pair[1])
            case "dns":
                guard let server = IPv4Address(pair[1]) else { return nil }
                nameServers.append(server)
            default: return nil
            }
        }
        guard let pool, let router else { return nil }
        settings = .init(network: network, pool: pool.range, router: router, nameServers: nameServers)
    }
}

extension IPv4Address: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension IPv4Network: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension IPAddress: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

/// Shown with the bits of a host left out, as for the networks of DHCP.
extension LinkPrefix: ExpressibleByArgument {
    package init?(argument: String) {
        guard let network = IPv6Network(argument) else { return nil }
        self.init(network)
    }
}

extension IPv6Network: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }
}

extension BootServicesSettings.DHCPv6Mode: ExpressibleByArgument {}

extension LogFormat: ExpressibleByArgument {}

extension TFTPServer.Configuration.Ports: ExpressibleByArgument {
    package init?(argument: String) {
        switch argument {
        case "any": self = .any
        case "single": self = .single
        default:
            let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
            guard ends.count == 2, let first = ends[0], let last = ends[1], first > 0, first <= last else { return nil }
            self = .range(first...last)
        }
    }
}
