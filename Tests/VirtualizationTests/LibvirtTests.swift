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
