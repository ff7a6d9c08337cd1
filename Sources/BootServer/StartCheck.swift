import Glibc
import HostModel
package import Logging

/// What would keep a boot server from starting or its machines from booting, looked for without serving anything: before the
/// first start, or beside a server that runs.
package struct StartCheck: Sendable {
    /// Something that was looked at.
    package struct Finding: Hashable, Sendable {
        /// A sentence without its full stop.
        package var what: String
        /// What to do; `nil` where it is as it should be.
        package var remedy: String?
    }

    private let settings: BootServicesSettings
    private let logger: Logger

    package init(settings: BootServicesSettings, logger: Logger) {
        (self.settings, self.logger) = (settings, logger)
    }

    /// In the order in which a start needs them. Asks other DHCP servers, which takes four seconds.
    package func findings() async -> [Finding] {
        var findings = interface()
        findings += ports()
        findings += await otherServers()
        return findings + files() + CertificateCheck(settings: settings).findings()
    }

    private func interface() -> [Finding] {
        let name = settings.interface
        guard NetworkCard(named: name) != nil else {
            let remedy = "give --interface an Ethernet interface that `ip link` shows"
            return [Finding(what: "there is no Ethernet interface \(name)", remedy: remedy)]
        }
        guard NetworkCard.isUp(name) else {
            return [Finding(what: "\(name) is switched off", remedy: "`ip link set \(name) up`")]
        }
        return [Finding(what: "\(name) is there and switched on")]
    }

    // MARK: - Ports

    private struct Port {
        var number: UInt16
        var service: String
        var option: String
        var isUDP = true
        var address: IPAddress
    }

    private var wanted: [Port] {
        var ports: [Port] = []
        if settings.dhcp != .off {
            ports += [
                Port(number: settings.dhcpPort, service: "DHCP", option: "--dhcp-port", address: .v4(.any)),
                Port(number: settings.pxePort, service: "PXE", option: "--pxe-port", address: .v4(.any)),
            ]
        }
        if settings.dhcp6 != .off {
            ports.append(Port(number: 547, service: "DHCPv6", option: "--dhcp6", address: .v6(.any)))
        }
        for address in settings.addresses {
            ports += [
                Port(number: settings.tftpPort, service: "TFTP", option: "--tftp-port", address: address),
                Port(number: settings.httpPort, service: "HTTP", option: "--http-port", isUDP: false, address: address),
            ]
            guard let https = settings.https else { continue }
            let port = Port(
                number: https.port,
                service: "HTTPS",
                option: "--https-port",
                isUDP: false,
                address: address
            )
            ports.append(port)
        }
        return ports
    }

    private func ports() -> [Finding] { wanted.map(finding) }

    private func finding(_ port: Port) -> Finding {
        let place = "\(port.isUDP ? "UDP" : "TCP") port \(port.number) for \(port.service) on \(port.address)"
        guard let code = refusal(port) else { return Finding(what: "\(place) is free") }
        switch code {
        case EADDRINUSE:
            let owner = PortOwner.find(port: port.number, isUDP: port.isUDP)
            let name = owner.map { "\($0.program), process \($0.pid)" } ?? "a program of another user or namespace"
            return Finding(
                what: "\(place) is taken by \(name)",
                remedy: "stop it, or give another port with \(port.option)"
            )
        case EADDRNOTAVAIL:
            let remedy = "`ip address add` it, or correct \(port.address.v6 == nil ? "--address" : "--address6")"
            return Finding(what: "no interface has the address \(port.address)", remedy: remedy)
        case EACCES, EPERM:
            let remedy = "run with CAP_NET_BIND_SERVICE and CAP_NET_RAW, or as root"
            return Finding(what: "\(place) may not be opened by this user", remedy: remedy)
        default:
            return Finding(
                what: "\(place) cannot be opened: \(StartFailure.reason(code))",
                remedy: "check --interface and --address"
            )
        }
    }

    /// `errno`, or `nil` where the port can be had.
    private func refusal(_ port: Port) -> CInt? {
        guard port.isUDP else { return Self.refusalOfTCP(port) }
        do throws(DatagramSocketError) {
            _ = try DatagramSocket.bound(to: port.address, port: port.number, interface: settings.interface)
            return nil
        } catch {
            return error.code
        }
    }

    private static func refusalOfTCP(_ port: Port) -> CInt? {
        let family = port.address.v6 == nil ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var one: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        let bound = SocketName(port.address, port: port.number).withName { bind(descriptor, $0, $1) }
        return bound == 0 && listen(descriptor, 1) == 0 ? nil : errno
    }

    // MARK: - Others

    private func otherServers() async -> [Finding] {
        guard settings.dhcp != .off, let card = NetworkCard(named: settings.interface), NetworkCard.isUp(card.name)
        else {
            return []
        }
        let others = OtherServers(
            card: card,
            server: settings.address.address,
            serverPort: settings.dhcpPort,
            logger: logger,
            onEvent: { _ in }
        )
        guard let found = try? await others.look() else {
            return [
                Finding(
                    what: "other DHCP servers cannot be asked for, because UDP port 68 is taken on \(card.name)",
                    remedy: "stop the DHCP client of this machine there; a boot server has a fixed address"
                )
            ]
        }
        return [answer(found.sorted().map(\.description).joined(separator: ", "), card.name)]
    }

    private func answer(_ list: String, _ interface: String) -> Finding {
        switch (settings.dhcp, list.isEmpty) {
        case (.proxy, true):
            Finding(
                what: "no DHCP server answers on \(interface), and a proxy gives no addresses",
                remedy: "start the other server, or give --dhcp full with a --pool"
            )
        case (.proxy, false): Finding(what: "another server, \(list), gives addresses on \(interface)")
        case (_, true): Finding(what: "no other DHCP server answers on \(interface)")
        case (_, false):
            Finding(
                what: "another DHCP server, \(list), answers on \(interface)",
                remedy: "stop it, or give --dhcp proxy"
            )
        }
    }

    private func files() -> [Finding] {
        let missing = settings.missingLoaders
        let loaders = settings.loaderDirectory
        var findings = [
            missing.isEmpty
                ? Finding(what: "the loaders are in \(loaders)")
                : Finding(
                    what: "\(missing.joined(separator: " and ")) cannot be read in \(loaders)",
                    remedy: "install Debian's package ipxe, or name another directory with --loader-directory"
                )
        ]
        if access("\(settings.pxeDirectory)/boot.ipxe", R_OK) != 0 {
            let what = "\(settings.pxeDirectory)/boot.ipxe cannot be read: \(StartFailure.reason(errno))"
            findings.append(Finding(what: what, remedy: "name the boot scripts with --pxe-directory"))
        }
        return findings
    }
}

/// The process that has a port.
struct PortOwner: Hashable {
    var pid: Int32
    var program: String

    /// `nil` where the kernel does not show it to this user. Both families.
    static func find(port: UInt16, isUDP: Bool) -> PortOwner? {
        let names = isUDP ? ["udp", "udp6"] : ["tcp", "tcp6"]
        let found = names.flatMap { inodes(of: port, in: SmallFile.text("/proc/net/\($0)", max: 4 << 20) ?? "") }
        guard !found.isEmpty else { return nil }
        let wanted = Set(found.map { "socket:[\($0)]" })
        for pid in SmallFile.names(in: "/proc").compactMap({ Int32($0) }) {
            for descriptor in SmallFile.names(in: "/proc/\(pid)/fd") {
                guard let target = SmallFile.target(of: "/proc/\(pid)/fd/\(descriptor)"), wanted.contains(target)
                else { continue }
                let name = SmallFile.text("/proc/\(pid)/comm", max: 64)?.prefix { $0 != "\n" } ?? "unknown"
                return PortOwner(pid: pid, program: terminalEscaped(String(name)))
            }
        }
        return nil
    }

    /// Lines of /proc/net/udp and its like: number, local address and port in hex, remote, state, …, inode.
    static func inodes(of port: UInt16, in table: String) -> [Substring] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 9, let local = words[1].split(separator: ":").last, UInt16(local, radix: 16) == port
            else { return nil }
            return words[9]
        }
    }
}

/// Files and links of /proc.
private enum SmallFile {
    /// At most `max` bytes.
    static func text(_ path: String, max: Int) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count < max {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    static func target(of path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { space in
            space.assumingMemoryBound(to: CChar.self).baseAddress.map { readlink(path, $0, space.count) } ?? -1
        }
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}
