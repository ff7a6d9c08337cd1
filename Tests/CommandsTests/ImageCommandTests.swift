import Foundation
import Subprocess
import SystemPackage
import Testing

@testable import Commands

/// The commands about built images, run as a person would, on folders and files that the tests make.
@Suite struct ImageCommandTests {
    @Test func aKeyIsMadeShownAndRotated() async throws {
        let program = try Program()
        let made = try await program.run(["image", "key", "create"])
        #expect(made.exit == 0, "\(made.errors)")
        let key = program.folder.appending(".config/muster/image-key/key.pem")
        #expect(made.output.hasPrefix("made the image key \(key), SHA-256 "))
        let again = try await program.run(["image", "key", "create"])
        #expect(again.exit == 1 && again.errors.contains("muster image key rotate"))
        let rotated = try await program.run(["image", "key", "rotate", "--name", "second"])
        #expect(rotated.exit == 0 && rotated.output.contains("1 earlier certificates"))
        let shown = try await program.run(["image", "key", "show", "-o", "json"])
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any]
        )
        #expect(report["path"] as? String == key.string && report["encrypted"] as? Bool == false)
        #expect((report["trusted"] as? [[String: Any]])?.compactMap { $0["name"] as? String }.first == "second")
        let table = try await program.run(["image", "key", "show"])
        #expect(table.output.contains("Valid until") && table.output.contains("Earlier keys, still trusted"))
        let yaml = try await program.run(["image", "key", "show", "-o", "yaml"])
        #expect(yaml.output.contains("encrypted: false"))
    }

    @Test func anEncryptedKeyNeedsItsPassphrase() async throws {
        let program = try Program()
        let secret = program.folder.appending("secret").string
        try Data("geheim\n".utf8).write(to: URL(filePath: secret))
        let folder = program.folder.appending("key").string
        let made = try await program.run(["image", "key", "create", "--directory", folder, "--passphrase-file", secret])
        #expect(made.exit == 0, "\(made.errors)")
        let plain = try await program.run(["image", "key", "rotate", "--directory", folder])
        #expect(plain.exit == 65 && plain.errors.contains("--no-passphrase"), "an encrypted key stays encrypted")
        let definition = program.folder.appending("d.yaml").string
        try Data("name: x\n".utf8).write(to: URL(filePath: definition))
        let build = try await program.run(["image", "build", definition, "--key", folder])
        #expect(build.exit == 77 && build.errors.contains("--key-passphrase-file"))
        let missing = try await program.run(["image", "build", definition, "--key", folder + "-not"])
        #expect(missing.exit == 65 && missing.errors.contains("muster image key create"))
    }

    @Test func whatIsNoImageIsSaid() async throws {
        let program = try Program()
        let folder = program.folder.string
        for command in ["verify", "inspect", "run"] {
            let outcome = try await program.run(["image", command, folder])
            #expect(outcome.exit == 65 && outcome.errors.contains("there is no built image"), "\(outcome)")
        }
        let diff = try await program.run(["image", "diff", folder, folder])
        #expect(diff.exit == 65)
        let embed = try await program.run(["image", "embed", folder + "/input", "--engine", "e.example.com"])
        #expect(embed.exit == 65 && embed.errors.contains("no initramfs"), "\(embed)")
    }

    @Test("case 57: verify prints a line for each check and ends with 1 when one fails") func verifies() async throws {
        let program = try Program()
        let folder = program.folder.appending("image")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        try Data("{}\n".utf8).write(to: URL(filePath: folder.appending("manifest.json").string))
        let outcome = try await program.run(["image", "verify", folder.string, "--no-headers"])
        #expect(outcome.exit == 1)
        #expect(outcome.output.contains("SHA256SUMS     failed"))
        let json = try await program.run(["image", "verify", folder.string, "-o", "json", "--allow-unsigned"])
        #expect(json.exit == 1 && json.output.contains(#""ok" : false"#))
    }

    @Test("case 45: values are embedded, shown and reset") func embeds() async throws {
        let program = try Program()
        let tree = program.folder.appending("tree/muster")
        try FileManager.default.createDirectory(atPath: tree.string, withIntermediateDirectories: true)
        try Data(count: 256 << 10).write(to: URL(filePath: tree.appending("site.img").string))
        let iso = program.folder.appending("a.iso").string
        let made = try await Subprocess.run(
            .name("xorriso"),
            arguments: ["-as", "mkisofs", "-quiet", "-R", "-o", iso, program.folder.appending("tree").string],
            output: .discarded,
            error: .discarded
        )
        try #require(made.terminationStatus.isSuccess)
        let before = try Data(contentsOf: URL(filePath: iso))
        let fingerprint = String(repeating: "ab", count: 32)
        let set = try await program.run([
            "image", "embed", iso, "--engine", "engine.example.com", "--ca", "SHA256:\(fingerprint.uppercased())",
            "--network", "ip=dhcp", "--network", "nameserver=192.0.2.53", "--kargs", "a=1 b",
        ])
        #expect(set.exit == 0, "\(set.errors)")
        let shown = try await program.run(["image", "embed", "show", iso, "-o", "yaml"])
        for line in [
            "- management_server=engine.example.com", "- management_server_fingerprint=\(fingerprint)", "- ip=dhcp",
            "- b",
        ] { #expect(shown.output.contains(line), "\(shown)") }
        #expect(try await program.run(["image", "embed", "show", iso]).output.contains("256 KiB at byte"))
        let reset = try await program.run(["image", "embed", "reset", iso])
        #expect(reset.exit == 0 && reset.output.contains("is as it was built"), "\(reset)")
        #expect(try Data(contentsOf: URL(filePath: iso)) == before)
    }

    @Test(
        "case 45: unusable values are refused before anything is written",
        arguments: [
            ["--engine", "a:b:c"], ["--network", "quiet"], ["--network", "ip=1.2.3"], ["--ca", "/no/such"],
            ["--kargs", "a\"b"], ["--kargs", "quiet muster.install=serial=X"], ["--kargs", "console=ttyS1"], [],
        ]
    )
    func refuses(arguments: [String]) async throws {
        let outcome = try await Program().run(["image", "embed", "/no/such/image"] + arguments)
        #expect(outcome.exit == (arguments.isEmpty ? 64 : 65) && outcome.errors.contains("\n  try: "), "\(outcome)")
    }

    @Test func theMachineIsWhatWasAskedFor() {
        var machine = GuestMachine(
            name: "muster-n",
            media: .direct(kernel: "k", initramfs: "i", arguments: "console=ttyS0 a,b"),
            isUEFI: false,
            memory: 512,
            hasNetwork: false,
            usesKVM: false
        )
        #expect(
            machine.arguments.suffix(8) == [
                "-kernel", "k", "-initrd", "i", "-append", "console=ttyS0 a,b", "-nic", "none",
            ]
        )
        machine.media = .disk("/a,b.img")
        machine.isUEFI = true
        #expect(machine.arguments.contains { $0.hasSuffix("snapshot=on,file=/a,,b.img") })
        #expect(machine.arguments.contains { $0.hasSuffix("snapshot=on,file=\(GuestMachine.firmwareVariables)") })
    }

    @Test("an image that fetches its root gets it from QEMU, in a folder with the right names only")
    func aRootOverHTTP() async throws {
        let program = try Program()
        let hash = String(repeating: "0", count: 64)
        let files = [("vmlinuz", "kernel"), ("initramfs.zst", "initramfs"), ("root.squashfs", "root")].map {
            #"{"name": "\#($0)", "role": "\#($1)", "size": 1, "sha256": "\#(hash)"}"#
        }
        let manifest = """
            {"schema": 2, "name": "n", "version": "0a", "architecture": "x86_64", "kernelVersion": "1",
             "kernelArguments": ["quiet"], "files": [\(files.joined(separator: ","))]}
            """
        for folder in ["it's, here/n/0a", "other"] {
            let place = program.folder.appending(folder).string
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try Data(manifest.utf8).write(to: URL(filePath: place + "/manifest.json"))
        }
        let above = program.folder.appending("it's, here").string
        let outcome = try await program.run(["image", "run", above + "/n/0a", "--dry-run"])
        #expect(outcome.exit == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("muster.image=http://10.0.2.100/n/0a"), "\(outcome.output)")
        // The shell's quoting of QEMU's quoting of a comma in a quoted path.
        #expect(outcome.output.contains("guestfwd=tcp:10.0.2.100:80-cmd:/usr/bin/busybox httpd -i -c /dev/null -h"))
        let scripts = program.folder.appending("scripts")
        for folder in ["n/0a", "cgi-bin"] {
            let place = scripts.appending(folder).string
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        }
        try Data(manifest.utf8).write(to: URL(filePath: scripts.appending("n/0a/manifest.json").string))
        for (arguments, exit, words) in [
            ([scripts.appending("n/0a").string], 65, "whose files the web server would run"),
            ([program.folder.appending("other").string], 65, "from a folder n/0a, and this one is"),
            ([above + "/n/0a", "--network", "none"], 64, "comes over the network"),
        ] as [([String], Int32, String)] {
            let refused = try await program.run(["image", "run", "--dry-run"] + arguments)
            #expect(refused.exit == exit && refused.errors.contains(words), "\(refused)")
        }
    }

    /// A boot sector that writes to the serial line and resets: the console is our output, the end is QEMU's, and the disk and
    /// the folder for temporary files are as before.
    @Test func aDiskImageRuns() async throws {
        let program = try Program()
        let folder = program.folder.appending("image")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        let disk = Self.bootSector + [UInt8](repeating: 0, count: 1 << 20)
        try Data(disk).write(to: URL(filePath: folder.appending("n.img").string))
        let hash = String(repeating: "0", count: 64)
        let manifest = """
            {"schema": 1, "name": "n", "version": "0", "architecture": "x86_64", "kernelVersion": "1", "kernelArguments": [],
             "files": [{"name": "n.img", "role": "disk", "size": \(disk.count), "sha256": "\(hash)"}]}
            """
        try Data(manifest.utf8).write(to: URL(filePath: folder.appending("manifest.json").string))
        let temporary = program.folder.appending("tmp").string
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: false)
        let outcome = try await program.run(
            ["image", "run", folder.string, "--output", "disk", "--network", "none", "--memory", "64"],
            environment: ["TMPDIR": temporary]
        )
        #expect(outcome.exit == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("MUSTER"), "\(outcome)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
        #expect(try Data(contentsOf: URL(filePath: folder.appending("n.img").string)) == Data(disk))
        let pxe = try await program.run(["image", "run", folder.string])
        #expect(pxe.exit == 65 && pxe.errors.contains("has no kernel"))
        let stick = try await program.run(["image", "run", folder.string, "--output", "usb", "--dry-run"])
        #expect(stick.exit == 0 && stick.output.contains("usb-storage,drive=medium"), "\(stick.errors)")
        let withRoot = manifest.replacing(
            "]}",
            with: """
                , {"name": "root.squashfs", "role": "root", "size": 4096, "sha256": "\(hash)"}]}
                """
        )
        try Data(withRoot.utf8).write(to: URL(filePath: folder.appending("manifest.json").string))
        let chosen = try await program.run(["image", "run", folder.string, "--dry-run"])
        #expect(chosen.exit == 0 && chosen.output.contains("n.img"), "the disk image, where there is no ISO")
        let dry = try await program.run(["image", "run", folder.string, "--output", "disk", "--dry-run"])
        #expect(dry.exit == 0 && dry.output.hasPrefix("qemu-system-x86_64 -name muster-n "))
    }

    /// Real mode: `mov dx, 0x3f8`, each character to the port, then 0xFE to the keyboard controller: reset.
    private static let bootSector: [UInt8] = {
        var code: [UInt8] = [0xBA, 0xF8, 0x03]
        for character in "MUSTER\n".utf8 { code += [0xB0, character, 0xEE] }
        code += [0xB0, 0xFE, 0xE6, 0x64, 0xF4]
        return code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xAA]
    }()
}
