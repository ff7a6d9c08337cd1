import CDeviceMapper
import Glibc
package import HostModel
package import SystemPackage

/// A mapped device whose every block is checked against a root hash when it is read (kernel, dm-verity).
package struct VerityDevice: Sendable {
    /// `/dev/dm-0`.
    package let path: FilePath
    private let name: String
    private let control: FilePath

    /// Maps `device` under a name of at most 127 bytes. A mapping of that name, left by an earlier attempt, is replaced.
    package static func create(
        _ name: String,
        verity: RootVerity,
        on device: FilePath,
        control: FilePath = "/dev/mapper/control"
    ) throws(BlockDeviceError) -> VerityDevice {
        let mapper = try DeviceMapper.open(control)
        _ = try? mapper.perform(cdm_remove, "remove the mapping \(name)", name: name)
        let minor = try mapper.perform(cdm_create, "make the mapping \(name)", name: name, flags: DM_READONLY_FLAG)
        do {
            let table = VerityTable(verity, device: device.string)
            try mapper.load(table, name: name)
            // Takes the loaded table into use.
            try mapper.perform(cdm_suspend, "start the mapping \(name)", name: name, flags: DM_READONLY_FLAG)
        } catch {
            _ = try? mapper.perform(cdm_remove, "remove the mapping \(name)", name: name)
            throw error
        }
        return VerityDevice(path: FilePath("/dev/dm-\(minor)"), name: name, control: control)
    }

    /// Takes the mapping away; it must not be in use.
    package func remove() throws(BlockDeviceError) {
        try DeviceMapper.open(control).perform(cdm_remove, "remove the mapping \(name)", name: name)
    }

    /// True when a block that was read so far was not what the root hash says.
    package func isCorrupted() throws(BlockDeviceError) -> Bool {
        try DeviceMapper.open(control).status(name: name).hasPrefix("C")
    }
}

/// The device mapper's control device: one ioctl for each call, its arguments behind a `struct dm_ioctl`.
private struct DeviceMapper: ~Copyable {
    private let descriptor: CInt

    private init(owning descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Bytes of one call's arguments and answer.
    private static let bufferSize = 4096

    static func open(_ control: FilePath) throws(BlockDeviceError) -> DeviceMapper {
        let descriptor = Glibc.open(control.string, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw BlockDeviceError("open \(control)") }
        return DeviceMapper(owning: descriptor)
    }

    /// The minor number of the device that the call was about.
    @discardableResult
    func perform(
        _ request: UInt,
        _ operation: String,
        name: String,
        flags: Int32 = 0
    ) throws(BlockDeviceError) -> Int {
        let answer = try call(request, operation, name: name, flags: flags, arguments: [])
        return Int(answer.device & 0xFF | answer.device >> 12 & 0xFFF00)
    }

    func load(_ table: VerityTable, name: String) throws(BlockDeviceError) {
        var arguments: [UInt8] = []
        var specification = dm_target_spec()
        specification.length = UInt64(table.sectors)
        withUnsafeMutableBytes(of: &specification.target_type) { $0.copyBytes(from: VerityTable.target.utf8) }
        withUnsafeBytes(of: &specification) { arguments += $0 }
        arguments += table.parameters.utf8
        arguments.append(0)
        try call(cdm_load, "load the table of \(name)", name: name, flags: DM_READONLY_FLAG, arguments: arguments, 1)
    }

    /// The verity target's word about itself: `V` or `C`.
    func status(name: String) throws(BlockDeviceError) -> String {
        let answer = try call(cdm_status, "ask for the status of \(name)", name: name, arguments: [])
        let text = answer.data.dropFirst(MemoryLayout<dm_target_spec>.size).prefix { $0 != 0 }
        return String(decoding: text, as: UTF8.self)
    }

    @discardableResult
    private func call(
        _ request: UInt,
        _ operation: String,
        name: String,
        flags: Int32 = 0,
        arguments: [UInt8],
        _ targets: UInt32 = 0
    ) throws(BlockDeviceError) -> (device: UInt64, data: [UInt8]) {
        let headerSize = MemoryLayout<dm_ioctl>.size
        guard name.utf8.count < Int(DM_NAME_LEN), headerSize + arguments.count <= Self.bufferSize else {
            throw BlockDeviceError(operation, code: ENAMETOOLONG)
        }
        var header = dm_ioctl()
        header.version = (4, 0, 0)
        (header.data_size, header.data_start) = (UInt32(Self.bufferSize), UInt32(headerSize))
        (header.target_count, header.flags) = (targets, UInt32(flags))
        withUnsafeMutableBytes(of: &header.name) { $0.copyBytes(from: name.utf8) }
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        withUnsafeBytes(of: &header) { buffer.replaceSubrange(0..<headerSize, with: $0) }
        buffer.replaceSubrange(headerSize..<headerSize + arguments.count, with: arguments)
        let result = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { ioctl(descriptor, request, $0) } ?? -1
        }
        guard result == 0 else { throw BlockDeviceError(operation) }
        let answer = buffer.withUnsafeBytes { $0.loadUnaligned(as: dm_ioctl.self) }
        let start = min(Int(answer.data_start), Self.bufferSize)
        return (answer.dev, Array(buffer[start...]))
    }
}
