package import AgentWire
import HostModel
import NIOCore
package import SystemPackage

/// Reads the SMBIOS strings. Serial number and UUID are root's only.
package struct HardwareFacts: Sendable {
    package var root: FilePath

    package init(root: FilePath = "/") { self.root = root }

    package func read() -> HardwareInformation {
        func text(_ name: String) -> String {
            readLine(of: root.appending("sys/class/dmi/id/\(name)")).map { HostileText($0).raw } ?? ""
        }
        var information = HardwareInformation()
        information.systemManufacturer = text("sys_vendor")
        information.systemProductName = text("product_name")
        information.systemSerialNumber = text("product_serial")
        information.systemFamily = text("product_family")
        information.systemUUID = text("product_uuid")
        information.systemVersion = text("product_version")
        return information
    }
}

/// The SMBIOS strings as `apply` leaves them for `serve`, which may not read all of them itself.
package struct HardwareFile: Sendable {
    private let directory: NodeDirectory
    private static let name = "hardware.json"

    package init(in directory: NodeDirectory) { self.directory = directory }

    /// `group` is the one that `serve` runs in; nobody else may read what the kernel shows to root only.
    package func write(_ information: HardwareInformation, group: UInt32) throws {
        try directory.write(
            value: information,
            to: Self.name,
            permissions: [.ownerReadWrite, .groupRead],
            group: group
        )
    }

    /// `nil` while `apply` has not run.
    package func read() -> HardwareInformation? { directory.value(HardwareInformation.self, in: Self.name) }
}
