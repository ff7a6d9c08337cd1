import FoundationEssentials
import Glibc
import ImageBuilder
import SystemPackage
import Testing

/// A definition with a root image whose base is a small tree of its own: a whole build without a registry and without root.
/// Its first stage is `SampleImage`'s.
struct RootSample {
    let sample: SampleImage
    var scratch: Scratch { sample.scratch }

    static let accounts: [(String, String)] = [
        (
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nmail:x:8:8:mail:/var/mail:/bin/false\ntaken:x:107:104::/:/bin/false\n"
        ),
        ("etc/group", "root:x:0:\nmail:x:8:\nkvm:x:104:\ntaken:x:107:\n"),
        ("etc/shadow", "root:*:20000:0:99999:7:::\nmail:*:20000:0:99999:7:::\ntaken:!:20000::::::\n"),
        ("etc/gshadow", "root:*::\nmail:*::\nkvm:!::\ntaken:!::\n"),
    ]
    static let unit = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\n"

    init() async throws {
        sample = try await SampleImage()
        try await makeTree()
        try await pack()
        try writeDefinition()
    }

    private func makeTree() async throws {
        let modules = "usr/lib/modules/\(SampleImage.release)"
        for folder in [
            "etc/ssh", "etc/systemd/system/multi-user.target.wants", "boot", "dev", "proc", "sys", "run", "tmp", "root",
            "var/log/app", "var/cache/apt", "var/lib/dpkg", "usr/bin", "usr/lib/systemd/system", "usr/share/doc/tool",
            "usr/share/man/man1", "usr/share/locale/de", "usr/share/locale/en", "\(modules)/kernel/sound",
            "\(modules)/kernel/keep",
        ] {
            _ = try await output(of: "mkdir", ["-p", tree(folder)])
        }
        for (name, text) in Self.accounts { try write(text, name) }
        try write("kernel image", "boot/vmlinuz-\(SampleImage.release)")
        for (from, to) in [("provider", "keep"), ("user", "keep"), ("unused", "sound")] {
            let source = scratch.file("kernel-root/lib/modules/\(SampleImage.release)/kernel/\(from).ko").string
            _ = try await output(of: "cp", [source, tree("\(modules)/kernel/\(to)/\(from).ko")])
        }
        _ = try await output(of: "depmod", ["-b", tree("usr"), SampleImage.release])
        try write("tool", "usr/bin/tool")
        _ = try await output(of: "chmod", ["755", tree("usr/bin/tool")])
        _ = try await output(of: "ln", [tree("usr/bin/tool"), tree("usr/bin/tool-2")])
        _ = try await output(of: "ln", ["-s", "usr/bin", tree("bin")])
        _ = try await output(of: "ln", ["-s", "usr/lib", tree("lib")])
        try write(Self.unit + "WantedBy=multi-user.target\nAlso=helper.socket\n", "usr/lib/systemd/system/tool.service")
        try write(Self.unit + "WantedBy=sockets.target\n", "usr/lib/systemd/system/helper.socket")
        try write(Self.unit + "WantedBy=getty.target\n", "usr/lib/systemd/system/screen@.service")
        try write(Self.unit, "usr/lib/systemd/system/static.service")
        try write(Self.unit + "WantedBy=multi-user.target\n", "usr/lib/systemd/system/old.service")
        let old = tree("etc/systemd/system/multi-user.target.wants/old.service")
        _ = try await output(of: "ln", ["-s", "/usr/lib/systemd/system/old.service", old])
        for (name, text) in [
            ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"), ("etc/ssh/ssh_host_rsa_key", "secret"),
            ("etc/hostname", "builder\n"), ("var/log/app/log", "line\n"), ("var/cache/apt/pkgcache.bin", "x"),
            ("usr/share/doc/tool/README", "read me"), ("usr/share/doc/tool/copyright", "licence"),
            ("usr/share/man/man1/tool.1", "manual"), ("usr/share/locale/de/tool.mo", "Werkzeug"),
            ("usr/share/locale/en/tool.mo", "tool"), ("var/lib/dpkg/status", Self.status),
        ] { try write(text, name) }
    }

    private static let status = """
        Package: tool
        Status: install ok installed
        Version: 1:2-3

        Package: gone
        Status: deinstall ok config-files
        Version: 1

        """

    func tree(_ name: String) -> String { scratch.file("tree").string + "/" + name }

    func write(_ text: String, _ name: String) throws { _ = try scratch.write(Array(text.utf8), to: "tree/\(name)") }

    /// Packs the tree; `kvm` owns the tool, so that a group that moves can be seen.
    func pack() async throws {
        _ = try await output(
            of: "tar",
            [
                "--create",
                "--file",
                scratch.file("tree.tar").string,
                "--directory",
                scratch.file("tree").string,
                "--sort=name",
                "--numeric-owner",
                "--owner=0",
                "--group=104",
                "--mtime=@1700000000", ".",
            ]
        )
    }

    static let definition = """
        name: root-sample
        architecture: x86_64
        base: {tree: tree.tar}
        stage1: sample.yaml
        agent: usr/bin/muster-agent
        files: root-files
        directories: {rhev: "0711"}
        groups: {kvm: 36, qemu: 107}
        users:
          - {name: vdsm, uid: 36, gid: 36, groups: [qemu]}
          - name: admin
            ssh-keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin@example"]
        services: {enable: [tool, screen@tty1], disable: [old], mask: [static]}
        trim:
          documentation: true
          locales: [en]
          paths: ["usr/share/nothing", "var/**/spool"]
          module-directories: [sound]
        compression: {level: 3, block-kib: 128}
        size-limit-mib: {pxe: 8, root: 8}
        epoch: 1700000000

        """

    func writeDefinition(_ text: String = Self.definition) throws {
        _ = try scratch.write(Array(text.utf8), to: "root-sample.yaml")
        try FileManager.default.createDirectory(
            atPath: scratch.file("root-files/lib/tool").string,
            withIntermediateDirectories: true
        )
        _ = try scratch.write(Array("conf\n".utf8), to: "root-files/lib/tool/conf")
    }

    /// A file of the definition that nothing can compress.
    func addRandomFile(mebibytes: Int) async throws {
        let target = "of=" + scratch.file("root-files/large").string
        _ = try await output(of: "dd", ["if=/dev/urandom", target, "bs=1M", "count=\(mebibytes)", "status=none"])
    }

    func build(_ place: String = "a") -> ImageBuild {
        ImageBuild(
            definition: scratch.file("root-sample.yaml"),
            outputDirectory: scratch.file("\(place)/out"),
            cacheDirectory: scratch.file("\(place)/cache"),
            agent: scratch.file("agent")
        )
    }

    /// What `unsquashfs` lists: permissions, owner and target by path.
    static func list(_ built: BuiltImage) async throws -> [String: String] {
        let image = built.directory.appending("root.squashfs").string
        let text = try await output(of: "unsquashfs", ["-lln", "-d", "", image])
        var entries: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            guard words.count >= 6 else { continue }
            let rest = words[5...].joined(separator: " ").split(separator: " -> ", maxSplits: 1)
            guard let path = rest.first else { continue }
            entries[String(path.dropFirst())] = "\(words[0]) \(words[1])\(rest.count > 1 ? " " + rest[1] : "")"
        }
        return entries
    }

    static func content(_ built: BuiltImage, _ name: String) async throws -> String {
        try await output(
            of: "unsquashfs",
            ["-cat", built.directory.appending("root.squashfs").string, name]
        )
    }
}
