import Glibc
package import HostModel
package import SystemPackage

/// Reads what the machine says about itself from sysfs and procfs below a root directory.
package struct MachineFacts: Sendable {
    package var root: FilePath

    package init(root: FilePath = "/") { self.root = root }

    package func facts(links: [ObservedLink]) -> HostFacts {
        let cpu = cpuInformation()
        return HostFacts(
            manufacturer: smbios("sys_vendor"),
            product: smbios("product_name"),
            serial: smbios("product_serial"),
            cpuModel: cpu.model,
            cpuCount: cpu.count,
            memory: memoryMebibytes(),
            hasKVM: isThere("dev/kvm"),
            firmware: HostileText(isThere("sys/firmware/efi") ? "uefi" : "bios"),
            kernel: line("proc/sys/kernel/osrelease").map { HostileText($0) },
            interfaces: Array(links.compactMap(Self.interface).prefix(HostFacts.interfacesMax))
        )
    }

    /// `/etc/vdsm/vdsm.id`, else the SMBIOS system UUID unless it is one of the well-known fillers, else the one kept in
    /// the state directory, which is made when there is none.
    package func hardwareID(state: NodeDirectory) throws -> HardwareID {
        if let text = line("etc/vdsm/vdsm.id"), let id = HardwareID(text) { return id }
        if let text = line("sys/class/dmi/id/product_uuid"), let uuid = UniqueID(rawValue: text),
            !Self.isFiller(uuid.rawValue), let id = HardwareID(uuid.rawValue)
        {
            return id
        }
        let name = "hardware-id"
        if let bytes = try state.read(name), let id = HardwareID(String(decoding: bytes, as: UTF8.self)) { return id }
        let made = UniqueID.random().rawValue
        try state.write(Array("\(made)\n".utf8), to: name)
        guard let id = HardwareID(made) else { throw FileFailure(state.file(name), "use", code: EINVAL) }
        return id
    }

    /// Boards whose maker never set a UUID: all digits alike, or the sample of AMI's firmware.
    private static func isFiller(_ uuid: String) -> Bool {
        let digits = Set(uuid.filter { $0 != "-" })
        return digits.count == 1 || uuid == "03000200-0400-0500-0006-000700080009"
            || uuid == "12345678-1234-5678-90ab-cddeefaabbcc"
    }

    private static func interface(_ link: ObservedLink) -> HostFacts.Interface? {
        guard link.kind == .ethernet, let mac = link.mac else { return nil }
        return HostFacts.Interface(
            name: HostileText(link.name.rawValue),
            mac: mac,
            driver: link.driver.map { HostileText($0) },
            hasCarrier: link.hasCarrier,
            speed: link.speed,
            addresses: link.addresses
        )
    }

    private func smbios(_ name: String) -> HostileText? { line("sys/class/dmi/id/\(name)").map { HostileText($0) } }

    private func cpuInformation() -> (model: HostileText?, count: Int) {
        let bytes = (try? readFile(root.appending("proc/cpuinfo"), limit: 4 << 20)) ?? []
        var model: HostileText?
        var count = 0
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("processor") { count += 1 }
            if model == nil, line.hasPrefix("model name"), let colon = line.firstIndex(of: ":") {
                model = HostileText(line[line.index(after: colon)...].drop { $0 == " " })
            }
        }
        return (model, count)
    }

    private func memoryMebibytes() -> Int {
        guard let words = line("proc/meminfo")?.split(separator: " "), words.count >= 2, words[0] == "MemTotal:" else {
            return 0
        }
        return (Int(words[1]) ?? 0) / 1024
    }

    private func line(_ path: String) -> String? { readLine(of: root.appending(path)) }

    private func isThere(_ path: String) -> Bool { access(root.appending(path).string, F_OK) == 0 }
}
