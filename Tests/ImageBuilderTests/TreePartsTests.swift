import Archive
import Testing

@testable import ImageBuilder

/// The pure parts of what happens to a tree.
@Suite struct TreePartsTests {
    @Test(arguments: [
        ("usr/share/man", "usr/share/man", true), ("usr/share/man", "usr/share/man/man1", false),
        ("usr/*/man", "usr/share/man", true), ("usr/*/man", "usr/a/b/man", false),
        ("usr/**/man", "usr/a/b/man", true), ("usr/**/man", "usr/man", true), ("**/x", "x", true),
        ("**/x", "a/b/x", true),
        ("a/**", "a", true), ("a/**", "a/b/c", true), ("*.ko", "a.ko", true), ("*.ko", "b/a.ko", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("*-old", "status-old", true), ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxbyy", false), ("[a]", "a", false), ("*", "anything", true),
        (String(repeating: "*a", count: 30), String(repeating: "a", count: 200) + "b", false),
    ])
    func patterns(pattern: String, path: String, matches: Bool) throws {
        let pattern = try #require(PathPattern(pattern))
        #expect(pattern.matches(try #require(TreePath(path))) == matches)
    }

    @Test(arguments: [("ssh", "ssh.service"), ("a.socket", "a.socket"), ("getty@tty1", "getty@tty1.service")])
    func unitNames(text: String, expected: String) { #expect(UnitName(text)?.text == expected) }

    @Test(arguments: ["", "-x", ".x", "a/b", "a b", "ä", String(repeating: "a", count: 260)])
    func noUnitNames(text: String) { #expect(UnitName(text) == nil) }

    @Test func templatesOfInstances() {
        #expect(UnitName("getty@tty1")?.template == "getty@.service")
        #expect(UnitName("getty")?.template == nil)
    }

    @Test func installSections() {
        let unit = UnitFile(
            """
            [Unit]
            WantedBy=not.target
            [Install]
            # WantedBy=comment.target
            WantedBy=multi-user.target  sockets.target
            RequiredBy = a.target
            Alias=dbus-org.example.service
            Also=x.socket -bad
            """
        )
        #expect(unit.wantedBy == ["multi-user.target", "sockets.target"])
        #expect(unit.requiredBy == ["a.target"])
        #expect(unit.aliases == ["dbus-org.example.service"])
        #expect(unit.also == ["x.socket"])
    }

    private func index(_ entries: [(String, ArchiveEntry.Kind)]) throws -> TreeIndex {
        var index = TreeIndex()
        for (name, kind) in entries {
            try index.add(.init(path: try #require(TreePath(name)), kind: kind, mode: 0o755), isTrusted: true)
        }
        return index
    }

    @Test func pathsAreFollowedWithinTheTree() throws {
        let index = try index([
            ("usr", .directory), ("usr/lib", .directory), ("lib", .symbolicLink(target: "usr/lib")),
            ("etc", .directory), ("etc/up", .symbolicLink(target: "../../../usr")),
            ("abs", .symbolicLink(target: "/usr/lib")),
            ("loop", .symbolicLink(target: "loop/x")),
        ])
        func resolve(_ text: String) throws -> String { try index.resolve(try #require(TreePath(text))).text }
        #expect(try resolve("lib/systemd/x") == "usr/lib/systemd/x")
        #expect(try resolve("abs/x") == "usr/lib/x")
        #expect(try resolve("etc/up/x") == "usr/x", "the root has no parent")
        #expect(try resolve("lib") == "lib", "the last component stays")
        #expect(throws: TreeIndex.TreeProblem.self) { try resolve("loop/y") }
    }

    @Test func ownersThatLinuxCannotHave() throws {
        var index = TreeIndex()
        let path = try #require(TreePath("a"))
        #expect(throws: TreeIndex.TreeProblem.self) {
            try index.add(.init(path: path, kind: .directory, mode: 0, user: 1 << 33), isTrusted: true)
        }
    }

    @Test func overlaysSurviveTheDisk() throws {
        let scratch = try Scratch("overlay")
        var overlay = TreeOverlay()
        overlay.remove(try #require(TreePath("a\nb")))
        overlay.add("text", at: try #require(TreePath("etc/file")), mode: 0o600, epoch: 7)
        overlay.owners = .init(users: [1: 2], groups: [3: 4])
        try overlay.write(to: scratch.file("o"))
        let read = try TreeOverlay.read(scratch.file("o"))
        #expect(read.removed == overlay.removed)
        #expect(read.owners == overlay.owners)
        #expect(read.added.count == 1)
        #expect(read.added.values.first?.content == .bytes(Array("text".utf8)))
    }

    @Test(
        arguments: [
            ("dlstatus:1:12.5:Retrieving", 12.5), ("dlstatus:1:100:x", 100), ("pmstatus:a:5:x", nil),
            ("dlstatus:1:x:y", nil),
            ("dlstatus:1:900:y", nil), ("", nil),
        ] as [(String, Double?)]
    )
    func aptsProgress(line: String, percent: Double?) { #expect(AptArchives.percent(line) == percent) }

    @Test func aptsSimulation() {
        #expect(AptArchives.version("Inst libc6 (2.36-9 Debian:12.15/oldstable [amd64])") == "libc6=2.36-9")
        #expect(AptArchives.version("Conf libc6 (2.36-9 Debian)") == nil)
        #expect(AptArchives.version("Inst x [1] (2 Debian)") == nil, "an upgrade of what is installed")
    }

    @Test func dnfsProgress() {
        let amount = EnterpriseLinuxTree.count("  Installing       : sample-one-1-1.el9.noarch        12/345 ")
        #expect(amount == .init(done: 12, total: 345, unit: .packages))
        #expect(EnterpriseLinuxTree.count("(3/7): bash-5.rpm") == .init(done: 3, total: 7, unit: .packages))
        #expect(EnterpriseLinuxTree.count("Complete!") == nil)
        #expect(EnterpriseLinuxTree.count("a/b 9/3") == nil)
    }

    @Test func longLinesAreCut() {
        var lines: [String] = []
        var splitter = LineSplitter()
        let bytes = Array("one\rtwo\n\n".utf8) + [UInt8](repeating: 0x78, count: 5000) + [0xFF, 10]
        splitter.add(bytes[...]) { lines.append($0) }
        #expect(lines.count == 3)
        #expect(lines.last?.count == 1024)
    }

    @Test(
        arguments: [
            ("boot/vmlinuz-6.1", "6.1"), ("lib/modules/5.14/vmlinuz", "5.14"), ("boot/config-6.1", nil),
            ("usr/boot/vmlinuz-6.1", nil), ("lib/modules/5.14/kernel/vmlinuz", nil),
        ] as [(String, String?)]
    )
    func kernels(path: String, release: String?) { #expect(KernelStage.release(ofKernel: path) == release) }

    @Test("case 28: what is no kernel for x86 is refused") func kernelImages() throws {
        let scratch = try Scratch("kernel")
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        _ = try scratch.write(bytes, to: "none")
        let none = #expect(throws: BuildError.self) { try KernelImage.check(scratch.file("none")) }
        #expect(none?.message.contains("no bzImage") == true)
        bytes[0x3C] = 0x40
        bytes.replaceSubrange(0x40..<0x46, with: Array("PE\0\0".utf8) + [0x64, 0xAA])
        _ = try scratch.write(bytes, to: "arm")
        let arm = #expect(throws: BuildError.self) { try KernelImage.check(scratch.file("arm")) }
        #expect(arm?.message.contains("arm64") == true)
        bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        _ = try scratch.write(bytes, to: "x86")
        try KernelImage.check(scratch.file("x86"))
    }
}
