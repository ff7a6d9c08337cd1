package import AgentWire
import Glibc
package import HostModel
package import SystemPackage

/// A network card that may have virtual functions (SR-IOV), by its files below /sys/bus/pci/devices (the kernel's
/// Documentation/PCI/pci-iov-howto.rst).
package struct NetworkCard: Sendable {
    package let address: PCIAddress
    private let directory: FilePath

    package init(_ address: PCIAddress, sysfs: FilePath = "/sys") {
        self.address = address
        directory = sysfs.appending("bus/pci/devices").appending(address.rawValue)
    }

    /// The card behind a link; `nil` where it is on another bus, or nothing at all.
    package init?(link: String, sysfs: FilePath = "/sys") {
        guard LinkName(link) != nil,
            let target = Self.target(of: sysfs.appending("class/net").appending(link).appending("device")),
            let address = PCIAddress(target)
        else { return nil }
        self.init(address, sysfs: sysfs)
    }

    /// How many functions there are, and how many there can be; `nil` for a card without SR-IOV.
    package var functionCounts: (now: Int, max: Int)? {
        guard let max = number("sriov_totalvfs"), let now = number("sriov_numvfs") else { return nil }
        return (now, max)
    }

    /// The kernel's name of the card; of a card with several ports the first.
    package var link: String? { Self.link(in: directory) }

    /// The link of the card that this one is a virtual function of.
    package var physicalLink: String? { Self.link(in: directory.appending("physfn")) }

    /// One of its virtual functions.
    package struct Function: Hashable, Sendable {
        package var address: PCIAddress
        /// `nil` where no driver of this kernel has it.
        package var driver: String?
        package var link: String?

        /// A program has it in its hands, as QEMU for a guest.
        package var isHandedOut: Bool { driver == "vfio-pci" }
    }

    package var functions: [Function] {
        NodeDirectory(directory).names().filter { $0.hasPrefix("virtfn") }.sorted().compactMap { name in
            let path = directory.appending(name)
            guard let address = Self.target(of: path).flatMap({ PCIAddress($0) }) else { return nil }
            return Function(
                address: address,
                driver: Self.target(of: path.appending("driver")),
                link: Self.link(in: path)
            )
        }
    }

    /// What is told of it; `nil` for a card without SR-IOV.
    package var report: VirtualFunctionsReport? {
        functionCounts.map { VirtualFunctionsReport(device: address.libvirtName, count: $0.now, max: $0.max) }
    }

    /// Gives it so many functions: first none, because the kernel takes no other number while there are some. What does not
    /// come has what was there before brought back. Blocks, with many functions for seconds.
    package func setFunctions(_ count: Int) throws(FunctionFailure) {
        let before = functionCounts?.now ?? 0
        do throws(FunctionFailure) {
            try write(count)
            guard let now = functionCounts?.now, now == count else {
                throw FunctionFailure(wanted: count, reason: "the driver made \(functionCounts?.now ?? 0)")
            }
        } catch {
            try? write(before)
            throw error
        }
    }

    private func write(_ count: Int) throws(FunctionFailure) {
        let file = open(directory.appending("sriov_numvfs").string, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw FunctionFailure(wanted: count, code: errno) }
        defer { close(file) }
        for number in [0, count] {
            let text = String(number)
            guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
                throw FunctionFailure(wanted: count, code: errno)
            }
        }
    }

    private func number(_ name: String) -> Int? {
        guard let number = readLine(of: directory.appending(name)).flatMap({ Int($0) }),
            (0...OwnedNetworks.virtualFunctionsMax).contains(number)
        else { return nil }
        return number
    }

    /// Names of links are the kernel's, but what stands there may be made by others.
    private static func link(in device: FilePath) -> String? {
        NodeDirectory(device.appending("net")).names().sorted().first { LinkName($0) != nil }
    }

    /// The last part of what a symbolic link names.
    private static func target(of path: FilePath) -> String? {
        linkTarget(of: path).flatMap { FilePath($0).lastComponent?.string }
    }
}

/// Virtual functions that did not come, and what helps.
package struct FunctionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    private let wanted: Int
    private let reason: String
    private let remedy: String

    init(wanted: Int, reason: String) {
        (self.wanted, self.reason) = (wanted, reason)
        remedy = "ask for fewer, and see the host's kernel messages"
    }

    init(wanted: Int, code: Int32) {
        self.wanted = wanted
        reason = "the kernel says: \(String(cString: strerror(code)))"
        // What drivers answer, after drivers/pci/iov.c.
        remedy =
            switch code {
            case EBUSY, EPERM: "free the functions that are there: a guest or another program has one"
            case ENOENT, ENODEV, ENOSYS, EOPNOTSUPP: "the card's driver has no virtual functions, or is not loaded"
            case ENOMEM, ENOSPC, EIO:
                "switch SR-IOV and addresses above 4 GiB on in the firmware's setup, or ask for fewer"
            default: "ask for fewer, and see the host's kernel messages"
            }
    }

    package var description: String { "its virtual functions cannot be \(wanted): \(reason); \(remedy)" }
}
