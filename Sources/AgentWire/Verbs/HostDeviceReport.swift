package import HostModel

/// One device in the answer of `Host.hostdevListByCaps` (VDSM's hostdev.py). Numbers are text, as libvirt has them.
package struct HostDeviceReport: Hashable, Sendable, Codable {
    package struct Parameters: Hashable, Sendable, Codable {
        /// `pci`, `usb_device`, `scsi`, `scsi_host` …: libvirt's word.
        package var capability: String
        package var parent: String?
        package var vendor: String?
        package var vendor_id: String?
        package var product: String?
        package var product_id: String?
        package var driver: String?
        package var iommu_group: String?
        package var numa_node: String?
        /// Virtual functions that a network card can have (SR-IOV).
        package var totalvfs: Int?
        /// The device that this one is a virtual function of.
        package var physfn: String?
        /// Of PCI `domain`, `bus`, `slot`, `function`; of USB `bus`, `device`; of SCSI `host`, `bus`, `target`, `lun`.
        package var address: [String: String]?
        /// `true` or `false`: whether a guest could have it.
        package var is_assignable: String

        package init(capability: String, isAssignable: Bool) {
            (self.capability, is_assignable) = (capability, isAssignable ? "true" : "false")
        }
    }

    package var params: Parameters

    package init(_ params: Parameters) { self.params = params }
}

/// What `Host.hostdevListByCaps` is asked: libvirt's words for kinds of devices.
package struct HostDeviceSelection: Hashable, Sendable {
    /// `nil` asks for all.
    package var capabilities: Set<String>?

    private static let capabilitiesMax = 64

    package init(params: JSONValue) throws(RPCError) {
        guard let value = params["caps"], value != .null else { return }
        guard let list = value.array, list.count <= Self.capabilitiesMax, list.allSatisfy({ $0.string != nil }) else {
            throw RPCError(.invalidParams, "caps is not a list of at most \(Self.capabilitiesMax) words")
        }
        if !list.isEmpty { capabilities = Set(list.compactMap(\.string)) }
    }
}

/// What `Host.hostdevChangeNumvfs` asks for: so many virtual functions (SR-IOV) of a network card.
package struct VirtualFunctionsOrder: Hashable, Sendable {
    package var device: PCIAddress
    package var count: Int

    package init(_ device: PCIAddress, count: Int) { (self.device, self.count) = (device, count) }

    /// `deviceName` is libvirt's name of the card; `numvfs` may come as text. Also as the list of both.
    package init(params: JSONValue) throws(RPCError) {
        let list = params.array ?? []
        guard let name = params["deviceName"]?.string ?? list.first?.string,
            let device = PCIAddress(libvirtName: name)
        else {
            throw RPCError(.invalidParams, "deviceName is not a PCI device like pci_0000_05_00_0")
        }
        let number = params["numvfs"] ?? list.dropFirst().first
        guard let count = number?.integer.flatMap({ Int(exactly: $0) }) ?? number?.string.flatMap({ Int($0) }),
            (0...OwnedNetworks.virtualFunctionsMax).contains(count)
        else {
            throw RPCError(.invalidParams, "numvfs is not a number from 0 to \(OwnedNetworks.virtualFunctionsMax)")
        }
        self.init(device, count: count)
    }

    /// The `params` of the call.
    package var params: JSONValue {
        .object(["deviceName": .string(device.libvirtName), "numvfs": .integer(Int64(count))])
    }
}
