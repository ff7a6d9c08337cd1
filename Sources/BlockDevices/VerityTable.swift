package import HostModel

/// The line that tells the device mapper's verity target what to check (kernel,
/// Documentation/admin-guide/device-mapper/verity.rst): format 1, data and tree on one device, no superblock.
package struct VerityTable: Hashable, Sendable {
    package let verity: RootVerity
    /// `/dev/loop0` or `7:0`.
    package let device: String

    package static let target = "verity"
    /// Bytes of the device mapper's unit.
    package static let sectorSize: Int64 = 512

    package init(_ verity: RootVerity, device: String) { (self.verity, self.device) = (verity, device) }

    /// Sectors of the mapped device.
    package var sectors: Int64 { verity.dataSize / Self.sectorSize }

    /// A block that differs gives an I/O error; the first one also a line in the kernel's log.
    package var parameters: String {
        let blocks = verity.dataSize / RootVerity.blockSize
        return "1 \(device) \(device) \(RootVerity.blockSize) \(RootVerity.blockSize) \(blocks) \(blocks) sha256 "
            + "\(verity.rootHash) \(verity.salt)"
    }
}
