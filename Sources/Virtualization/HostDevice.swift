/// A device of this host as libvirt describes it (https://libvirt.org/formatnode.html). Texts are libvirt's own; empty ones
/// are `nil`.
package struct HostDevice: Hashable, Sendable {
    /// `pci_0000_02_10_7`.
    package var name: String
    package var parent: String?
    /// `system`, `pci`, `usb_device`, `net`, `scsi_host`, `scsi`, `storage`, `mdev` …
    package var capability: String
    package var vendor: String?
    package var vendorID: String?
    package var product: String?
    package var productID: String?
    package var driver: String?
    /// Devices of one group go to a guest together.
    package var iommuGroup: String?
    package var numaNode: String?
    /// How many virtual functions it can have.
    package var virtualFunctionsMax: Int?
    /// libvirt's name of the device that this one is a virtual function of.
    package var physicalFunction: String?
    /// By libvirt's names of the parts.
    package var address: [String: String] = [:]
    /// A bridge of the bus itself goes to no guest.
    package var isBridge = false

    private static let addressParts = ["domain", "bus", "slot", "function", "device", "host", "target", "lun"]
    /// The first byte of a PCI class that is a bridge.
    private static let bridgeClass = "0x06"

    /// libvirt's XML; `nil` for what is none, or has no name or kind.
    init?(description: String, _ library: LibvirtLibrary) {
        guard let document = try? XMLDocument(description, library) else { return nil }
        self.init(document)
    }

    init?(_ document: borrowing XMLDocument) {
        func value(_ path: String, _ document: borrowing XMLDocument) -> String? {
            let text = document.string("string(/device/\(path))")
            return text.isEmpty ? nil : text
        }
        guard let name = value("name", document), let capability = value("capability/@type", document) else {
            return nil
        }
        (self.name, self.capability) = (name, capability)
        parent = value("parent", document)
        (vendor, vendorID) = (value("capability/vendor", document), value("capability/vendor/@id", document))
        (product, productID) = (value("capability/product", document), value("capability/product/@id", document))
        driver = value("driver/name", document)
        iommuGroup = value("capability/iommuGroup/@number", document)
        numaNode = value("capability/numa/@node", document)
        virtualFunctionsMax = value("capability/capability[@type='virt_functions']/@maxCount", document).flatMap {
            Int($0)
        }
        for part in Self.addressParts { address[part] = value("capability/\(part)", document) }
        isBridge =
            value("capability/class", document)?.hasPrefix(Self.bridgeClass) ?? false
            || value("capability/capability[@type='pci-bridge']/@type", document) != nil
        let physical = "capability/capability[@type='phys_function']/address/@"
        let parts = ["domain", "bus", "slot", "function"].compactMap { value(physical + $0, document) }
        if parts.count == 4 { physicalFunction = "pci_" + parts.map { $0.dropFirst(2) }.joined(separator: "_") }
    }
}
