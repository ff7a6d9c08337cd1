import FoundationEssentials
import SystemPackage
import Testing

@testable import Virtualization

/// libvirt itself, by its driver within the process: one guest named `test` runs.
@Suite struct LibvirtTests {
    static let uri = "test:///default"

    @Test("the guests that run") func guests() throws {
        let connection = try LibvirtConnection(Self.uri)
        let guest = try #require(try connection.guests().first)
        #expect(guest.name == "test")
        #expect(guest.state == .running)
        #expect(guest.id.count == 36 && guest.id == guest.id.lowercased())
    }

    @Test("a guest's definition, and none for an id that is none") func definition() throws {
        let connection = try LibvirtConnection(Self.uri)
        let guest = try #require(try connection.guests().first)
        let text = try #require(try connection.definition(of: guest.id))
        #expect(text.contains("<name>test</name>"))
        #expect(try connection.definition(of: "00000000-0000-0000-0000-000000000000") == nil)
        #expect(try connection.definition(of: "'; drop") == nil)
    }

    @Test("what the daemon is") func facts() throws {
        let facts = try LibvirtConnection(Self.uri).facts()
        #expect(facts.libraryVersion.split(separator: ".").count == 3)
        #expect(facts.hypervisorVersion == "0.0.2")
    }

    @Test("the devices of the test driver, each with its kind") func devices() throws {
        let connection = try LibvirtConnection(Self.uri)
        let devices = try connection.deviceNames().compactMap { connection.device($0) }
        #expect(devices.first { $0.name == "computer" }?.capability == "system")
        #expect(devices.contains { $0.capability == "scsi_host" && $0.parent == "computer" })
        #expect(connection.device("no-such-device") == nil)
    }

    @Test("a daemon that is not there is a sentence, and the next attempt may succeed")
    func missing() throws {
        let error = #expect(throws: LibvirtError.self) {
            _ = try LibvirtConnection("qemu:///system?socket=/nowhere/libvirt-sock-ro")
        }
        #expect(error?.detail.contains("/nowhere/libvirt-sock-ro") == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix("cannot connect to qemu:///system") == true)
        _ = try LibvirtConnection(Self.uri)
    }

    @Test("a thousand connections are closed again") func closed() throws {
        for _ in 0..<1000 { _ = try LibvirtConnection(Self.uri).guests() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count < 500)
    }
}

/// What a guest's statistics say; this driver counts none, so these are of a guest of libvirt 9.0 over QEMU 7.2.
@Suite struct GuestTests {
    @Test("a paused guest's numbers") func numbers() {
        let guest = Guest(
            id: "11111111-2222-3333-4444-555555555555",
            name: "first",
            values: [
                "state.state": 3, "cpu.time": 190_000_000, "cpu.user": 40_000_000, "cpu.system": 150_000_000,
                "balloon.current": 65536, "balloon.maximum": 65536, "balloon.rss": 41196, "vcpu.current": 2,
            ]
        )
        #expect(guest.state == .paused && guest.processors == 2)
        #expect((guest.processorTime, guest.userTime, guest.systemTime) == (190_000_000, 40_000_000, 150_000_000))
        #expect(guest.memory == .init(current: 65536, maximum: 65536, resident: 41196))
    }

    @Test("a state of a later libvirt survives") func unknown() {
        #expect(Guest(id: "", name: "", values: ["state.state": 77]).state == .unknown(77))
    }
}

/// Descriptions in the form of https://libvirt.org/formatnode.html.
@Suite struct HostDeviceTests {
    private func device(_ text: String) throws -> HostDevice? { HostDevice(try XMLDocument(text, .shared())) }

    @Test("a virtual function of a network card") func virtualFunction() throws {
        let text = """
            <device><name>pci_0000_02_10_7</name><path>/sys/devices/x</path><parent>pci_0000_00_04_0</parent>
              <driver><name>igbvf</name></driver>
              <capability type='pci'><class>0x020000</class><domain>0</domain><bus>2</bus><slot>16</slot><function>7</function>
                <product id='0x10ca'>82576 Virtual Function</product><vendor id='0x8086'>Intel Corporation</vendor>
                <capability type='phys_function'><address domain='0x0000' bus='0x02' slot='0x00' function='0x1'/></capability>
                <iommuGroup number='31'><address domain='0x0000' bus='0x02' slot='0x10' function='0x7'/></iommuGroup>
                <numa node='1'/>
              </capability></device>
            """
        let found = try #require(try device(text))
        #expect((found.name, found.capability, found.parent) == ("pci_0000_02_10_7", "pci", "pci_0000_00_04_0"))
        #expect((found.vendor, found.vendorID) == ("Intel Corporation", "0x8086"))
        #expect((found.product, found.productID) == ("82576 Virtual Function", "0x10ca"))
        #expect((found.driver, found.iommuGroup, found.numaNode) == ("igbvf", "31", "1"))
        #expect(found.physicalFunction == "pci_0000_02_00_1")
        #expect(found.address == ["domain": "0", "bus": "2", "slot": "16", "function": "7"])
        #expect(found.virtualFunctionsMax == nil && !found.isBridge)
    }

    @Test("a card that can have virtual functions, and a bridge") func cards() throws {
        let card = """
            <device><name>pci_0000_02_00_1</name><capability type='pci'><class>0x020000</class>
            <capability type='virt_functions' maxCount='7'/></capability></device>
            """
        #expect(try device(card)?.virtualFunctionsMax == 7)
        let bridge = "<device><name>b</name><capability type='pci'><class>0x060400</class></capability></device>"
        #expect(try device(bridge)?.isBridge == true)
    }

    @Test("what has no name or no kind is no device", arguments: ["<device/>", "<device><name>a</name></device>"])
    func incomplete(text: String) throws { #expect(try device(text) == nil) }

    @Test(
        "a description that can not be read is that of no device, and stops nothing",
        arguments: ["", "<device", "\u{1}"]
    )
    func malformed(text: String) throws { #expect(HostDevice(description: text, try .shared()) == nil) }
}

@Suite struct XMLDocumentTests {
    private func document(_ text: String) throws -> XMLDocument { try XMLDocument(text, .shared()) }

    @Test("what libvirt 9.0 says over QEMU 7.2") func captured() throws {
        let file = FilePath(#filePath).removingLastComponent().appending(
            "Captured/capabilities-libvirt-9.0-qemu-7.2.xml"
        )
        let text = try String(contentsOf: URL(filePath: file.string), encoding: .utf8)
        let capabilities = try document(text)
        let machines = HypervisorFacts.machines(capabilities)
        #expect(machines.contains("pc") && machines.contains("q35") && machines.contains("pc-q35-7.2"))
        #expect(machines == machines.sorted() && Set(machines).count == machines.count)
        #expect(!HypervisorFacts.model(capabilities).isEmpty)
        #expect(HypervisorFacts.counter(capabilities) == ("2596120000", false))
    }

    @Test("broken, cut and hostile documents", arguments: ["", "<a", "<a></b>", "text", "<a>\u{1}</a>"])
    func malformed(text: String) { #expect(throws: LibvirtError.self) { _ = try document(text) } }

    @Test("entities are not expanded, and files not read") func entities() throws {
        let bomb = """
            <!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">
            <!ENTITY f SYSTEM "file:///etc/passwd">]><a><b>&f;</b><c>&y;</c></a>
            """
        let hostile = try document(bomb)
        #expect(hostile.string("string(/a/b)") == "")
    }

    @Test("an expression that is wrong finds nothing") func expression() throws {
        let small = try document("<a><b>1</b><b>2</b></a>")
        #expect(small.strings("/a/b") == ["1", "2"])
        #expect(small.strings("/a[") == [])
        #expect(small.string("no such function()") == "")
    }
}
