import HostModel
import Testing

@Suite struct PCIAddressTests {
    @Test("the kernel's name and libvirt's", arguments: ["0000:05:00.0", "0000:af:1f.7", "10000:02:00.1"])
    func names(_ text: String) throws {
        let address = try #require(PCIAddress(text))
        #expect(address.rawValue == text)
        #expect(PCIAddress(libvirtName: address.libvirtName) == address)
        #expect(PCIAddress(text.uppercased()) == address)
    }

    @Test(
        "what is none",
        arguments: [
            "", "0000:05:00", "05:00.0", "0000:05:00.00", "0000:05:0g.0", "0000:05:00.0/..", "../:05:00.0",
            "0000:05:00.0:", "000000000:05:00.0", "pci_0000_05_00_0", "0000:05:00.0.0",
        ]
    )
    func refusals(_ text: String) {
        #expect(PCIAddress(text) == nil)
        #expect(PCIAddress(libvirtName: text) == nil || text.hasPrefix("pci_"))
    }

    @Test(
        "libvirt's other devices are none",
        arguments: ["pci", "pci_0000_05_00", "pci_0000_05_00_0_1", "usb_1_1", "net_eth0_52"]
    )
    func others(_ text: String) { #expect(PCIAddress(libvirtName: text) == nil) }
}
