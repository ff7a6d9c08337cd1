import AgentWire
import Virtualization

extension HostDeviceReport {
    /// Kinds that VDSM lets a guest have, bridges of the bus left out.
    private static let assignable: Set<String> = ["pci", "usb_device", "scsi", "mdev"]

    init(_ device: HostDevice) {
        let isAssignable = Self.assignable.contains(device.capability) && !device.isBridge
        var params = Parameters(capability: device.capability, isAssignable: isAssignable)
        (params.parent, params.driver) = (device.parent, device.driver)
        (params.vendor, params.vendor_id) = (device.vendor, device.vendorID)
        (params.product, params.product_id) = (device.product, device.productID)
        (params.iommu_group, params.numa_node) = (device.iommuGroup, device.numaNode)
        (params.totalvfs, params.physfn) = (device.virtualFunctionsMax, device.physicalFunction)
        params.address = device.address.isEmpty ? nil : device.address
        self.init(params)
    }
}
