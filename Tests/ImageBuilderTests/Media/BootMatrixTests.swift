import Glibc
import HostModel
import Subprocess
import SystemPackage
import Testing

@testable import ImageBuilder

/// The media of node-minimal in QEMU; half an hour and more, so only where MUSTER_TEST_IMAGES asks for it. Needs the built
/// agent and a registry (or packages that are there already).
@Suite(.serialized, .enabled(if: getenv("MUSTER_TEST_IMAGES") != nil)) struct BootMatrixTests {
    /// A whole build of the project's own image, in .build, so that the packages are fetched once.
    private static func build() async throws -> BuiltImage {
        let place = Project.root.appending(".build/boot-matrix")
        try makeDirectory(place)
        let files = place.appending("node-minimal")
        remove(files)
        _ = try await output(of: "cp", ["-r", Project.root.appending("images/node-minimal").string, files.string])
        let text = try readText(Project.root.appending("images/node-minimal.yaml"), limit: 1 << 20)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("outputs:") }
        let definition = place.appending("node-minimal.yaml")
        try writeFile((lines.joined(separator: "\n") + "\noutputs: [pxe, iso, disk]\n").utf8, to: definition)
        var build = ImageBuild(
            definition: definition,
            outputDirectory: place.appending("out"),
            cacheDirectory: place.appending("cache"),
            agent: Project.root.appending(".build-agent/muster-agent")
        )
        build.menuTemplate = Project.root.appending("pxe/grub.cfg.template")
        return try await build.run { _ in }
    }

    private func boot(_ iso: FilePath?, _ image: FilePath?, _ cases: [String]) async throws {
        let result = try await run(
            .path(Project.root.appending("packaging/images/boot-matrix")),
            arguments: Arguments([iso?.string ?? "-", image?.string ?? "-"] + cases),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)\(result.standardError)")
    }

    @Test(
        "case 42: SeaBIOS, OVMF and OVMF with Secure Boot start the node from CD, stick and disk",
        arguments: [
            "bios-cd", "bios-usb", "efi-cd", "efi-usb", "secure-cd", "secure-usb", "bios-stick", "bios-disk",
            "efi-stick",
            "efi-disk", "secure-stick",
        ]
    )
    func everyFirmware(name: String) async throws {
        let built = try await Self.build()
        let folder = built.directory
        try await boot(folder.appending("node-minimal.iso"), folder.appending("node-minimal.img"), [name])
    }

    @Test(
        "case 40: on a larger disk the node starts too",
        arguments: ["bios-spare", "efi-spare", "bios-larger", "efi-larger"]
    )
    func larger(name: String) async throws {
        let folder = try await Self.build().directory
        try await boot(folder.appending("node-minimal.iso"), folder.appending("node-minimal.img"), [name])
    }

    @Test(
        "case 36: an ESP of 33 MiB and of 100 MiB starts from CD, and so does a GRUB of our own",
        arguments: [33, 100]
    )
    func largeESP(mebibytes: Int64) async throws {
        let built = try await Self.build()
        let scratch = try Scratch("esp")
        var medium = BootMedium(
            name: built.manifest.name,
            version: built.manifest.version,
            kernelVersion: built.manifest.kernelVersion,
            kernel: built.directory.appending("vmlinuz"),
            initramfs: built.directory.appending("initramfs.zst"),
            kernelArguments: built.manifest.kernelArguments,
            menuTemplate: try readText(Project.root.appending("pxe/grub.cfg.template"), limit: 1 << 20),
            epoch: 1_700_000_000,
            workDirectory: scratch.path
        )
        medium.smallestESP = mebibytes << 20
        medium.secureBoot = mebibytes == 33
        medium.forceActive = mebibytes == 100
        try await medium.writeISO(to: scratch.file("a.iso"))
        try await boot(scratch.file("a.iso"), nil, ["efi-cd"] + (medium.secureBoot ? [] : ["bios-usb", "efi-usb"]))
    }
}
