import Archive
import ImageBuilder
import SystemPackage
import Testing

@Suite struct DefinitionTests {
    static let small = "name: x\narchitecture: x86_64\nkernel:\n  package: linux-image-amd64\n"

    @Test func readsEveryKey() throws {
        let text = """
            name: node
            architecture: x86_64
            kernel:
              package: ./kernel.deb
              arguments: [quiet, "console=ttyS0,115200n8"]
              module-directories: [drivers/net/ethernet]
              exclude-modules: [sungem]
              modules: [bridge, hid-generic]
            packages:
              busybox-static: [bin/busybox]
            applets: bin/busybox
            agent: usr/bin/muster-agent
            files: node
            directories: {tmp: "1777", /var/log: "755"}
            compression: 3
            size-limit-mib: 40
            epoch: 1700000000
            outputs: [iso, disk]
            secure-boot: false
            """
        let definition = try ImageDefinition.parse(text, file: "/images/node.yaml")
        #expect(definition.kernel == .file("/images/./kernel.deb"))
        #expect(definition.kernelArguments == ["quiet", "console=ttyS0,115200n8"])
        #expect(definition.modules.directories.map(\.text) == ["drivers/net/ethernet"])
        #expect(definition.modules.names == ["bridge", "hid-generic"])
        #expect(definition.modules.excluded == ["sungem"])
        #expect(definition.packages.map(\.package) == [.registry("busybox-static")])
        #expect(definition.packages.map(\.paths) == [[try #require(TreePath("bin/busybox"))]])
        #expect(definition.agent?.text == "usr/bin/muster-agent")
        #expect(definition.files == ["/images/node"])
        #expect(definition.directories == [try path("tmp"): 0o1777, try path("var/log"): 0o755])
        #expect(definition.compressionLevel == 3)
        #expect(definition.sizeLimit == 40 << 20)
        #expect(definition.epoch == 1_700_000_000)
        #expect(definition.outputs == [.pxe, .iso, .disk])
        #expect(definition.secureBoot == false)
    }

    @Test func theProjectsOwnDefinitionsAreGood() throws {
        let definition = try ImageDefinition.read(Project.root.appending("images/node-minimal.yaml"))
        #expect(definition.name == "node-minimal")
        #expect(definition.sizeLimit == 30 << 20)
        #expect(definition.kernelArguments == ["console=tty0", "console=ttyS0,115200n8"])
    }

    /// Text to append to a small definition, and the line, the column and a word of the error.
    @Test(arguments: [
        ("kernal: 1\n", 5, 1, "kernal"),
        ("packages:\n  -o: [x]\n", 6, 3, "-o"),
        ("packages:\n  Busybox: [x]\n", 6, 3, "Busybox"),
        ("packages:\n  bash: []\n", 6, 3, "list of the files"),
        ("packages:\n  bash: [../x]\n", 6, 10, "../x"),
        ("directories: {tmp: rwx}\n", 5, 20, "octal"),
        ("directories: {tmp: \"77777\"}\n", 5, 20, "octal"),
        ("compression: 20\n", 5, 14, "1 to 19"),
        ("compression: [1]\n", 5, 14, "one word"),
        ("epoch: -1\n", 5, 8, "0 to"),
        ("outputs: [cd]\n", 5, 11, "pxe, iso, disk"),
        ("outputs: []\n", 5, 10, "at least one"),
        ("secure-boot: maybe\n", 5, 14, "true or false"),
        ("name: y\n", 0, 0, "name"),
        ("files: /\n", 5, 8, "path"),
        ("agent: [\n", 6, 1, "expected node"),
    ])
    func wrongDefinitionsSayWhere(addition: String, line: Int, column: Int, word: String) throws {
        let error = #expect(throws: ImageDefinitionError.self) {
            try ImageDefinition.parse(Self.small + addition, file: "d.yaml")
        }
        let description = try #require(error).description
        #expect(error?.line == line, "\(description)")
        #expect(error?.column == column, "\(description)")
        #expect(description.contains(word), "\(description)")
        #expect(description.hasPrefix("d.yaml"))
    }

    @Test(arguments: [
        ("name: Bad\narchitecture: x86_64\nkernel: {package: ab}\n", "lower-case"),
        ("name: ../x\narchitecture: x86_64\nkernel: {package: ab}\n", "lower-case"),
        ("name: x\narchitecture: s390x\nkernel: {package: ab}\n", "x86_64"),
        ("name: x\narchitecture: x86_64\n", "\"kernel\" is missing"),
        ("name: x\narchitecture: x86_64\nkernel: {package: ab, arguments: [\"a b\"]}\n", "one word"),
        ("name: x\narchitecture: x86_64\nkernel: {package: ab, arguments: [\"a\\n\"]}\n", "one word"),
        ("name: x\narchitecture: x86_64\nkernel: {package: ab, modules: [\"--all\", \"a/b\"]}\n", "no kernel module"),
        ("", "empty"),
        ("- list\n", "expected keys"),
    ])
    func wrongBeginningsAreRefused(text: String, word: String) throws {
        let error = #expect(throws: ImageDefinitionError.self) { try ImageDefinition.parse(text, file: "d.yaml") }
        let description = try #require(error).description
        #expect(description.contains(word), "\(description)")
    }

    @Test func aMissingFileIsNamed() throws {
        let error = #expect(throws: ImageDefinitionError.self) { try ImageDefinition.read("/no/such.yaml") }
        #expect(error?.description.hasPrefix("/no/such.yaml: cannot be read") == true)
    }

    private func path(_ text: String) throws -> TreePath { try #require(TreePath(text)) }
}
