import Glibc
import SystemPackage
import Testing

@testable import ImageBuilder

/// The scripts that full images carry, run on a folder in the place of the root.
@Suite struct NodeFilesTests {
    private static let script = Project.root.appending("images/parts/node/usr/lib/muster/keep-identity")

    /// A root as it comes out of the image, with a state partition that stays.
    private struct Machine {
        let scratch: Scratch

        init() async throws {
            scratch = try Scratch("identity")
            for folder in ["tools", "root/dev"] { try makeDirectory(scratch.file(folder)) }
            _ = try scratch.write(
                Array("#!/bin/sh\necho iqn.2016-04.com.open-iscsi:$$\n".utf8),
                to: "tools/iscsi-iname"
            )
            _ = chmod(scratch.file("tools/iscsi-iname").string, 0o755)
            _ = try scratch.write([], to: "root/dev/kmsg")
        }

        /// One start of the machine; gives what it is known by.
        func start() async throws -> String {
            remove(scratch.file("root/etc"))
            try makeDirectory(scratch.file("root/etc/iscsi"))
            _ = try scratch.write(Array("GenerateName=yes\n".utf8), to: "root/etc/iscsi/initiatorname.iscsi")
            let path = "PATH=\(scratch.file("tools")):/usr/bin:/bin"
            _ = try await output(of: "env", [path, NodeFilesTests.script.string, scratch.file("root").string])
            let names = try names(in: scratch.file("root/etc/ssh")).filter { $0.hasPrefix("ssh_host_") }
            #expect(names.count >= 6 && !names.contains { $0.hasSuffix(".new") }, "\(names)")
            return try (names.map { "ssh/\($0)" } + ["iscsi/initiatorname.iscsi"]).map { name in
                String(decoding: try scratch.bytes("root/etc/\(name)"), as: UTF8.self)
            }.joined()
        }
    }

    @Test("case 58: a machine's SSH keys and iSCSI name outlive its restarts, and every machine has its own")
    func identity() async throws {
        let machine = try await Machine()
        let first = try await machine.start()
        #expect(first.contains("InitiatorName=iqn."))
        #expect(try await machine.start() == first)
        let other = try await Machine()
        #expect(try await other.start() != first)
    }

    @Test("a key that was cut off is made anew, and the others stay")
    func damaged() async throws {
        let machine = try await Machine()
        _ = try await machine.start()
        let key = "root/var/lib/muster-agent/identity/ssh_host_ed25519_key"
        let rsa = try machine.scratch.bytes("root/var/lib/muster-agent/identity/ssh_host_rsa_key")
        _ = try machine.scratch.write(Array(try machine.scratch.bytes(key).prefix(100)), to: key)
        let mended = try await machine.start()
        #expect(mended.contains(String(decoding: rsa, as: UTF8.self)))
        #expect(try machine.scratch.bytes(key).count > 300)
        #expect(try await machine.start() == mended)
    }
}
