import HostModel
import NIOCore
import Testing

@testable import AgentWire

@Suite struct ImageWorkTests {
    private static let text = #"""
        {"jobId": "0c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60", "disk": "serial=QM00001", "wipe": "QM00001", "image": "http://10.0.0.1:8080/images/node/v1"}
        """#

    private static func decode(_ text: some StringProtocol) throws -> ImageWork {
        let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: String(text)))
        return try ImageWork(.install, params: value)
    }

    @Test("an order comes back as it went, and becomes one word an argument")
    func roundTrip() throws {
        let work = try Self.decode(Self.text)
        #expect(try ImageWork(.install, params: work.params) == work)
        #expect(
            work.arguments == [
                "install", "--disk=serial=QM00001", "--wipe=QM00001", "--image=http://10.0.0.1:8080/images/node/v1",
            ]
        )
        let rollback = ImageWork(.rollback, id: work.id)
        #expect(try ImageWork(.rollback, params: rollback.params) == rollback)
        #expect(rollback.arguments == ["rollback"])
    }

    @Test("no prefix of an order is an order, and a byte that is flipped gives no word that could be an option")
    func damage() throws {
        for end in Self.text.indices.dropLast(1) where Self.text[end...].contains("}") {
            #expect(throws: (any Error).self) { try Self.decode(Self.text[..<end]) }
        }
        let bytes = Array(Self.text.utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                guard let work = try? Self.decode(String(decoding: flipped, as: UTF8.self)) else { continue }
                #expect(
                    work.arguments.dropFirst().allSatisfy {
                        $0.hasPrefix("--disk=") || $0.hasPrefix("--wipe=") || $0.hasPrefix("--image=http://")
                    }
                )
                #expect(work.arguments.allSatisfy { $0.utf8.allSatisfy { (32...126).contains($0) } })
            }
        }
    }

    @Test(
        "disk words",
        arguments: [
            ("serial=QM00001", true), ("wwn-0x5000c500a1b2c3d4", true), ("rule:only", true),
            ("size>=100G,bus=nvme", true),
            ("WD WCC3F 0123", true), ("", false), ("-x", false), (" x", false), ("x ", false), ("a\nb", false),
            ("a\u{0}", false), ("a;b", false), ("a$b", false), ("a'b", false), ("a\"b", false), ("ü", false),
            ("a\\b", false),
            (String(repeating: "a", count: 128), true), (String(repeating: "a", count: 129), false),
        ]
    )
    func diskWords(text: String, isWord: Bool) { #expect((DiskWord(text) != nil) == isWord) }

    @Test("what a node tells of disks and slots is read leniently, and what cannot be is refused")
    func disks() throws {
        func disk(_ text: String) throws -> NodeDisk {
            try JSONText.decode(NodeDisk.self, from: ByteBuffer(string: text))
        }
        let empty = try disk("{}")
        #expect(empty == NodeDisk())
        let ours = try disk(
            #"{"name":"sda","bytes":-5,"muster":{"guid":"g","running":"c","slots":{"a":{"name":"n","version":"v","state":"good"},"b":{"state":"odd"},"c":{}}},"new":1}"#
        )
        #expect(ours.bytes == 0)
        #expect(ours.muster?.slots.keys.sorted() == ["a", "b"])
        #expect(ours.muster?.running == nil)
        #expect(ours.muster?.slots["b"]?.state == .unknown)
        #expect(throws: (any Error).self) { try disk(#"{"bytes":"many"}"#) }
        #expect(throws: (any Error).self) { try disk("[]") }
        let again = try JSONText.decode(NodeDisk.self, from: try JSONText.encode(ours))
        #expect(again == ours)
    }

    @Test(
        "which image runs, by the kernel arguments and by the disk",
        arguments: [
            ("muster.image=http://10.0.0.1/images/node/v1", nil, "node", "v1", nil, false),
            ("muster.image=slot:a", nil, "", "", "a", false),
            ("muster.image=slot:b muster.trial", nil, "", "", "b", true),
            ("muster.image=slot:z", nil, "", "", nil, false),
            ("muster.image=medium:X", nil, "", "", nil, false),
            ("", nil, "", "", nil, false),
            (
                "muster.image=slot:b muster.trial",
                #"{"running":"b","slots":{"b":{"name":"n","version":"v2","state":"good"}}}"#, "n", "v2", "b", false
            ),
            (
                "muster.image=slot:b", #"{"running":"b","trial":true,"slots":{"b":{"name":"n","version":"v2"}}}"#, "n",
                "v2", "b", true
            ),
            (
                "muster.image=slot:a", #"{"slots":{"a":{"name":"n","version":"v1","state":"good"}}}"#, "n", "v1", "a",
                false
            ),
        ] as [(String, String?, String, String, String?, Bool)]
    )
    func running(line: String, disk: String?, name: String, version: String, slot: String?, isTrial: Bool) throws {
        var report = NodeImageReport(KernelArguments(line))
        if let disk { report.add(try JSONText.decode(DiskSlots.self, from: ByteBuffer(string: disk))) }
        #expect(report.name.raw == name && report.version.raw == version)
        #expect(report.slot == slot && report.isTrial == isTrial)
        let again = try JSONText.decode(NodeImageReport.self, from: try JSONText.encode(report))
        #expect(again == report)
    }
}
