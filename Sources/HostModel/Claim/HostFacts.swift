/// What a machine reports of its hardware with its claim. All of it is the machine's word and hostile until escaped.
package struct HostFacts: Hashable, Sendable, Codable {
    package struct Interface: Hashable, Sendable, Codable {
        package var name: HostileText
        package var mac: MACAddress
        package var driver: HostileText?
        package var hasCarrier: Bool
        /// Megabits per second; `nil` when unknown.
        package var speed: Int?
        package var addresses: [IPv4Network]

        package init(
            name: HostileText,
            mac: MACAddress,
            driver: HostileText? = nil,
            hasCarrier: Bool,
            speed: Int? = nil,
            addresses: [IPv4Network] = []
        ) {
            (self.name, self.mac, self.driver) = (name, mac, driver)
            (self.hasCarrier, self.speed, self.addresses) = (hasCarrier, speed, addresses)
        }
    }

    package var manufacturer: HostileText?
    package var product: HostileText?
    package var serial: HostileText?
    package var cpuModel: HostileText?
    package var cpuCount: Int
    /// Mebibytes.
    package var memory: Int
    package var hasKVM: Bool
    /// `bios` or `uefi`.
    package var firmware: HostileText?
    package var kernel: HostileText?
    package var interfaces: [Interface]

    /// The most interfaces that a claim may name.
    package static let interfacesMax = 256

    package init(
        manufacturer: HostileText? = nil,
        product: HostileText? = nil,
        serial: HostileText? = nil,
        cpuModel: HostileText? = nil,
        cpuCount: Int = 0,
        memory: Int = 0,
        hasKVM: Bool = false,
        firmware: HostileText? = nil,
        kernel: HostileText? = nil,
        interfaces: [Interface] = []
    ) {
        (self.manufacturer, self.product, self.serial) = (manufacturer, product, serial)
        (self.cpuModel, self.cpuCount, self.memory, self.hasKVM) = (cpuModel, cpuCount, memory, hasKVM)
        (self.firmware, self.kernel, self.interfaces) = (firmware, kernel, interfaces)
    }
}
