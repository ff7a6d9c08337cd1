import Archive
import FoundationEssentials
import Glibc
import ImageBuilder
import SystemPackage
import Testing

@Suite struct RootDefinitionTests {
    private static let images = Project.root.appending("images")
    static let small = """
        name: x
        architecture: x86_64
        stage1: \(images)/node-minimal.yaml

        """

    @Test(arguments: [
        ("node-minimal", false), ("node-debian", true), ("node-el9", true), ("node-el9-liveimg", true),
        ("discovery", false),
    ])
    func theProjectsOwnDefinitionsAreGood(name: String, hasRoot: Bool) throws {
        let definition = try ImageDefinition.read(Self.images.appending("\(name).yaml"))
        #expect(definition.name == name)
        #expect((definition.root != nil) == hasRoot)
        // Anaconda takes kernel and loaders out of the tree; a node of ours has them beside it.
        #expect(definition.root?.trim.keepsBoot ?? false == (name == "node-el9-liveimg"))
    }

    @Test("what Anaconda's liveimg needs is node-el9 and more")
    func liveimg() throws {
        let node = try #require(try ImageDefinition.read(Self.images.appending("node-el9.yaml")).root)
        let live = try #require(try ImageDefinition.read(Self.images.appending("node-el9-liveimg.yaml")).root)
        #expect(Set(live.packages).isSuperset(of: node.packages) && live.services == node.services)
        for package in ["grub2-pc", "grub2-efi-x64", "shim-x64", "efibootmgr", "selinux-policy-targeted"] {
            #expect(live.packages.contains(package), "\(package)")
        }
    }

    @Test func bothFullNodesHaveTheSameContents() throws {
        let debian = try #require(try ImageDefinition.read(Self.images.appending("node-debian.yaml")).root)
        let el9 = try #require(try ImageDefinition.read(Self.images.appending("node-el9.yaml")).root)
        #expect(debian.users == el9.users)
        #expect(debian.groups == ["kvm": 36, "qemu": 107, "sanlock": 179])
        #expect(debian.files.first == el9.files.first)
        #expect(debian.agent == el9.agent)
        let own = debian.services.enable.filter { $0.hasPrefix("muster-") }
        #expect(own == el9.services.enable.filter { $0.hasPrefix("muster-") })
        #expect(debian.sizeLimit == 210 << 20)
        // The same programs, under the names that each distribution gives them.
        let pairs = [
            ("qemu-system-x86", "qemu-kvm-core"), ("qemu-utils", "qemu-img"), ("ovmf", "edk2-ovmf"), ("swtpm", "swtpm"),
            ("libvirt-daemon-system", "libvirt-daemon-driver-qemu"), ("libvirt-clients", "libvirt-client"),
            ("lvm2", "lvm2"), ("multipath-tools", "device-mapper-multipath"), ("open-iscsi", "iscsi-initiator-utils"),
            ("nfs-common", "nfs-utils"), ("xfsprogs", "xfsprogs"), ("e2fsprogs", "e2fsprogs"), ("parted", "parted"),
            ("dosfstools", "dosfstools"), ("smartmontools", "smartmontools"), ("dmidecode", "dmidecode"),
            ("openssh-server", "openssh-server"), ("ethtool", "ethtool"), ("nftables", "nftables"),
            ("iproute2", "iproute"), ("busybox-static", "busybox"), ("systemd-timesyncd", "chrony"),
        ]
        for (one, other) in pairs {
            #expect(debian.packages.contains(one) && el9.packages.contains(other), "\(one), \(other)")
        }
    }

    @Test func readsEveryKey() throws {
        let text =
            Self.small + """
                base:
                  debian: {suite: bookworm, components: [main, non-free-firmware], security-mirror: none, updates: no}
                packages: [libvirt-daemon-system, g++]
                kernel: {arguments: [quiet], modules: [squashfs]}
                files: [one, two]
                groups: {kvm: 36}
                users:
                  - {name: root, password-hash: "$6$salt$abcdefghijklmnop"}
                  - {name: root, ssh-keys: ["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB me"]}
                services: {enable: [ssh, "getty@tty1"], mask: [apt-daily.timer]}
                trim: {paths: ["usr/share/*/x", "**/__pycache__"], module-directories: [sound], keep-modules: [ast]}
                compression: {level: 19, block-kib: 1024}
                size-limit-mib: {pxe: 50, root: 300}
                outputs: [iso]
                epoch: 5
                """
        let definition = try ImageDefinition.parse(text, file: "/site/x.yaml")
        let root = try #require(definition.root)
        guard case .debian(let base) = root.base else { return #expect(Bool(false), "no Debian") }
        #expect(base.repositories.map(\.suite) == ["bookworm"])
        #expect(base.repositories.first?.components == ["main", "non-free-firmware"])
        #expect(root.packages == ["libvirt-daemon-system", "g++"])
        #expect(root.files == ["/site/one", "/site/two"])
        #expect(root.users.map(\.name) == ["root"], "one user of one name")
        #expect(root.users.first?.sshKeys.count == 1)
        #expect(root.users.first?.passwordHash == "$6$salt$abcdefghijklmnop")
        #expect(root.services.enable == ["ssh.service", "getty@tty1.service"])
        #expect(definition.modules.names.last == "squashfs", "added to the first stage's")
        #expect(definition.kernelArguments.last == "quiet")
        #expect(definition.sizeLimit == 50 << 20)
        #expect(definition.outputs == [.pxe, .iso])
    }

    /// What a definition must not bring onto a command line, into a file of accounts or into a boot script.
    @Test(
        "case 25: shell signs and options are refused",
        arguments: [
            ("packages: [\"bash; rm -rf /\"]", "names no package"), ("packages: [\"-o\"]", "names no package"),
            ("packages: [\"$(id)\"]", "names no package"), ("packages: [\"bash=1\"]", "names no package"),
            ("packages: [\"../x.deb\"]", "names no package"), ("packages: [\"a/b\"]", "names no package"),
            ("packages: [\"x\\n-y\"]", "names no package"), ("packages: [\"?essential\"]", "names no package"),
            ("kernel: {arguments: [\"a b\"]}", "one word"), ("kernel: {arguments: [\"a\\nb\"]}", "one word"),
            ("kernel: {modules: [\"-a\"]}", "names no kernel module"),
            ("users: [{name: \"root:0\"}]", "no account name"), ("users: [{name: \"-u\"}]", "no account name"),
            ("users: [{name: x, home: \"/a:b\"}]", "no absolute path"),
            ("users: [{name: x, shell: \"sh\"}]", "no absolute path"),
            ("users: [{name: x, home: \"/../etc\"}]", "no absolute path"),
            ("users: [{name: x, comment: \"a:b\"}]", "no colon"),
            ("users: [{name: x, comment: \"a\\nb\"}]", "a line of"),
            ("users: [{name: x, uid: -1}]", "a number from"),
            ("users: [{name: x, password: secret}]", "no password in clear"),
            ("users: [{name: x, password-hash: secret}]", "expected a hash"),
            ("users: [{name: x, password-hash: \"$6$a$b:0:0\"}]", "expected a hash"),
            ("users: [{name: x, ssh-keys: [\"command=id ssh-rsa AAAA\"]}]", "public key"),
            ("users: [{name: x, ssh-keys: [\"ssh-rsa AAAAB3NzaC1yc2EAAAA\\nssh-rsa\"]}]", "a line of"),
            ("groups: {\"a b\": 1}", "no account name"), ("services: {enable: [\"../x\"]}", "no unit"),
            ("services: {enable: [\"-x\"]}", "no unit"), ("services: {mask: [\"a;b\"]}", "no unit"),
            ("files: [\"/etc\", \"../..\"]", "no path below"), ("directories: {\"../x\": \"755\"}", "no path below"),
            ("trim: {paths: [\"..\"]}", "no pattern"), ("trim: {paths: [\"**\"]}", "no pattern"),
            ("trim: {paths: [\"/\"]}", "no pattern"), ("trim: {locales: [\"-x\"]}", "no language"),
            ("rollback-index: -1", "a number from"), ("rollback-index: 2147483648", "a number from"),
            ("compression: {level: 23}", "1 to 22"), ("compression: {block-kib: 100}", "power of two"),
            ("outputs: [\"iso; id\"]", "the outputs are"), ("volume: x", "unknown key \"volume\""),
        ]
    )
    func injection(text: String, words: String) {
        expectError(Self.small + "base: {debian: {suite: bookworm}}\n" + text, words)
    }

    @Test(
        "case 25: bases",
        arguments: [
            ("{debian: {suite: \"book worm\"}}", "is no name"), ("{debian: {suite: \"-t\"}}", "is no name"),
            ("{debian: {suite: a, mirror: \"http://x/ [trusted=yes] y\"}}", "is no address"),
            ("{debian: {suite: a, mirror: \"http://x/[trusted=yes]\"}}", "is no address"),
            ("{debian: {suite: a, mirror: \"ftp://x\"}}", "is no address"),
            ("{debian: {suite: a, mirror: \"-x\"}}", "is no address"),
            ("{debian: {suite: a, components: [\"main\\ndeb\"]}}", "is no name"),
            ("{debian: {}}", "\"suite\" is missing"), ("{}", "a tree has one base"),
            ("{debian: {suite: a}, tree: x}", "a tree has one base"), ("{gentoo: {}}", "unknown key"),
            ("{tree: \"-x\"}", "names no file"), ("{centos-stream: {release: 9, repositories: []}}", "no repositories"),
            ("{rocky: {release: 9, repositories: [{name: a, url: \"http://x\"}]}}", "has a gpgkey"),
            (
                "{rocky: {release: \"9; id\", repositories: [{name: a, url: \"http://x\", gpgcheck: no}]}}",
                "a number from"
            ),
            ("{rocky: {release: 9, repositories: [{name: \"a]\", url: \"http://x\", gpgcheck: no}]}}", "is no name"),
            (
                "{rocky: {release: 9, repositories: [{name: a, url: \"http://x\\ngpgcheck=0\", gpgcheck: no}]}}",
                "is no address"
            ),
        ]
    )
    func bases(base: String, words: String) { expectError(Self.small + "base: \(base)\n", words) }

    @Test func aFirstStageIsNoRootImage() {
        let text = "name: x\narchitecture: x86_64\nbase: {tree: t}\nstage1: \(Self.images)/node-debian.yaml\n"
        expectError(text, "has a root image itself")
    }

    private func expectError(_ text: String, _ words: String) {
        do {
            _ = try ImageDefinition.parse(text, file: "/site/x.yaml")
            Issue.record("taken: \(text)")
        } catch {
            #expect(error.description.contains(words), "\(error)")
            #expect(error.line > 0, "\(error) says where")
        }
    }
}

@Suite struct IncludeTests {
    private func read(_ files: [String: String], _ first: String = "site.yaml") throws -> ImageDefinition {
        let scratch = try Scratch("include")
        for (name, text) in files {
            let folder = scratch.file(name).removingLastComponent()
            try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
            _ = try scratch.write(Array(text.utf8), to: name)
        }
        return try ImageDefinition.read(scratch.file(first))
    }

    private static let base = """
        name: base
        architecture: x86_64
        kernel: {package: linux-image-amd64, arguments: [quiet], modules: [bridge]}
        compression: 3

        """

    @Test func listsAppendAndScalarsOverride() throws {
        let definition = try read([
            "parts/base.yaml": Self.base + "files: [own]\n",
            "site.yaml": "include: [parts/base.yaml]\nname: site\nkernel: {modules: [tun]}\nfiles: [mine]\n",
        ])
        #expect(definition.name == "site")
        #expect(definition.modules.names == ["bridge", "tun"])
        #expect(definition.kernelArguments == ["quiet"])
        #expect(definition.compressionLevel == 3)
        let last = definition.files.map { $0.string.split(separator: "/").suffix(2).joined(separator: "/") }
        #expect(last.first == "parts/own", "a path is relative to its own file")
    }

    @Test func errorsNameTheFileThatIsWrong() {
        let error = #expect(throws: ImageDefinitionError.self) {
            try read(["parts/base.yaml": Self.base + "compresion: 3\n", "site.yaml": "include: [parts/base.yaml]\n"])
        }
        #expect(
            error?.description.contains("parts/base.yaml:5:1: unknown key \"compresion\"") == true,
            "\(error as Any)"
        )
    }

    @Test(
        arguments: [
            (["site.yaml": "include: [site.yaml]\n"], "includes itself"),
            (["site.yaml": "include: [a.yaml]\n", "a.yaml": "include: [site.yaml]\n"], "includes itself"),
            (["site.yaml": "include: [../a.yaml]\n"], "leads out of the folder"),
            (["site.yaml": "include: [/etc/passwd]\n"], "leads out of the folder"),
            (
                ["site.yaml": "include: [parts/a.yaml]\n", "parts/a.yaml": "include: [../b.yaml]\n"],
                "leads out of the folder"
            ),
            (["site.yaml": "include: [absent.yaml]\n"], "cannot be read"),
            (["site.yaml": "include: a.yaml\n"], "expected a list"),
            (["site.yaml": "include: [a.yaml]\nkernel: x\n", "a.yaml": base], "a value of another kind"),
        ] as [([String: String], String)]
    )
    func isRefused(files: [String: String], words: String) {
        let error = #expect(throws: ImageDefinitionError.self) { try read(files) }
        #expect(error?.description.contains(words) == true, "\(error as Any)")
    }

    @Test func aLinkOutOfTheFolderIsRefused() throws {
        let scratch = try Scratch("include-link")
        _ = try scratch.write(Array("include: [a.yaml]\n".utf8), to: "site.yaml")
        #expect(symlink("/etc/hostname", scratch.file("a.yaml").string) == 0)
        let error = #expect(throws: ImageDefinitionError.self) { try ImageDefinition.read(scratch.file("site.yaml")) }
        #expect(error?.description.contains("a link that leads out") == true)
    }

    @Test func depthIsBounded() {
        var files = ["site.yaml": "include: [f0.yaml]\n"]
        for number in 0..<20 { files["f\(number).yaml"] = "include: [f\(number + 1).yaml]\n" }
        let error = #expect(throws: ImageDefinitionError.self) { try read(files) }
        #expect(error?.description.contains("nest more than") == true, "\(error as Any)")
    }

    @Test func aliasesDoNotExplode() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            let alias = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        let error = #expect(throws: ImageDefinitionError.self) { try ImageDefinition.parse(text, file: "/d.yaml") }
        #expect(error?.description.contains("alias") == true, "\(error as Any)")
    }
}
