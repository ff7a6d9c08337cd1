import Crypto
import Engine
import Foundation
import HostModel
import NIOCore
import Testing

/// Uploads that break off, lie, or are repeated.
@Suite struct ImageTests {
    static let kernel = Array("a kernel".utf8)
    static let initramfs = Array(repeating: UInt8(7), count: 100_000)

    static func manifest(version: String = "0123456789ab") throws -> ImageManifest {
        func file(_ name: String, _ role: ImageManifest.File.Role, _ bytes: [UInt8]) throws -> ImageManifest.File {
            ImageManifest.File(
                name: name,
                role: role,
                size: Int64(bytes.count),
                sha256: try require(Nonce(bytes: Array(SHA256.hash(data: bytes))))
            )
        }
        return ImageManifest(
            name: "node-minimal",
            version: version,
            architecture: "x86_64",
            kernelVersion: "6.1.0",
            kernelArguments: ["console=ttyS0"],
            files: [try file("vmlinuz", .kernel, kernel), try file("initramfs", .initramfs, initramfs)]
        )
    }

    private static func send(
        _ engine: HostEngine,
        _ file: String,
        _ bytes: ArraySlice<UInt8>,
        of total: Int,
        version: String = "0123456789ab"
    ) async throws {
        try await engine.append(
            image: "node-minimal",
            version: version,
            file: file,
            offset: Int64(bytes.startIndex),
            total: Int64(total),
            bytes: ByteBuffer(bytes: bytes)
        )
    }

    static func upload(_ engine: HostEngine, version: String = "0123456789ab") async throws {
        _ = try await engine.openUpload(try manifest(version: version))
        try await send(engine, "vmlinuz", kernel[...], of: kernel.count, version: version)
        try await send(engine, "initramfs", initramfs[...], of: initramfs.count, version: version)
        _ = try await engine.publish(image: "node-minimal", version: version, by: "admin@internal")
    }

    @Test func anUploadGoesOnAfterARestart() async throws {
        let installation = try await TestInstallation()
        var engine: HostEngine? = try await installation.open()
        if let engine {
            _ = try await engine.openUpload(try Self.manifest())
            try await Self.send(engine, "vmlinuz", Self.kernel[...], of: Self.kernel.count)
            try await Self.send(engine, "initramfs", Self.initramfs[..<60_000], of: Self.initramfs.count)
        }
        engine = nil
        let again = try await installation.open()
        let received = try await again.receivedBytes(image: "node-minimal", version: "0123456789ab", file: "initramfs")
        #expect(received == 60_000)
        let early = await #expect(throws: EngineError.self) {
            try await again.publish(image: "node-minimal", version: "0123456789ab", by: "admin@internal")
        }
        #expect(early?.kind == .conflict)
        try await Self.send(again, "initramfs", Self.initramfs[60_000...], of: Self.initramfs.count)
        let image = try await again.publish(image: "node-minimal", version: "0123456789ab", by: "admin@internal")
        #expect(image.state == .published)
        #expect(image.isActive, "the first version of a name")
        let path = "\(installation.settings.imageDirectory)/node-minimal/0123456789ab"
        #expect(FileManager.default.contents(atPath: "\(path)/initramfs") == Data(Self.initramfs))
        let text = try #require(FileManager.default.contents(atPath: "\(path)/manifest.json"))
        #expect(try JSONDecoder().decode(ImageManifest.self, from: text) == Self.manifest())
        let answer = try await again.answer(BootRequest(mac: try TestNode().mac, firmware: .bios))
        #expect(answer.manifest == image.manifest)
    }

    @Test func onlyTheNextBytesAreTaken() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        _ = try await engine.openUpload(try Self.manifest())
        try await Self.send(engine, "initramfs", Self.initramfs[..<10], of: Self.initramfs.count)
        for range in [0..<10, 5..<15, 20..<30] {
            let refusal = await #expect(throws: EngineError.self) {
                try await Self.send(engine, "initramfs", Self.initramfs[range], of: Self.initramfs.count)
            }
            #expect(refusal?.kind == .conflict)
        }
        let long = await #expect(throws: EngineError.self) {
            try await engine.append(
                image: "node-minimal",
                version: "0123456789ab",
                file: "vmlinuz",
                offset: 0,
                total: 8,
                bytes: ByteBuffer(bytes: Self.initramfs)
            )
        }
        #expect(long?.kind == .invalid)
        let unknown = await #expect(throws: EngineError.self) {
            try await Self.send(engine, "../../../etc/passwd", Self.kernel[...], of: Self.kernel.count)
        }
        #expect(unknown?.kind == .notFound)
    }

    @Test func wrongContentIsDiscarded() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        _ = try await engine.openUpload(try Self.manifest())
        try await Self.send(engine, "vmlinuz", Array("A KERNEL".utf8)[...], of: Self.kernel.count)
        try await Self.send(engine, "initramfs", Self.initramfs[...], of: Self.initramfs.count)
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.publish(image: "node-minimal", version: "0123456789ab", by: "admin@internal")
        }
        #expect(refusal?.detail.contains("SHA-256") == true)
        #expect(try await engine.receivedBytes(image: "node-minimal", version: "0123456789ab", file: "vmlinuz") == 0)
        try await Self.send(engine, "vmlinuz", Self.kernel[...], of: Self.kernel.count)
        _ = try await engine.publish(image: "node-minimal", version: "0123456789ab", by: "admin@internal")
    }

    @Test func versionsAreKeptAndOneIsActive() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        try await Self.upload(engine)
        try await Self.upload(engine, version: "ba9876543210")
        #expect(try await engine.images().filter(\.isActive).map(\.version) == ["0123456789ab"])
        let active = try await engine.activate(image: "node-minimal", version: "ba9876543210", by: "admin@internal")
        #expect(active.isActive)
        #expect(try await engine.images().filter(\.isActive).map(\.version) == ["ba9876543210"])
        // Publishing again is not an error: the answer to the first one may have been lost.
        _ = try await engine.publish(image: "node-minimal", version: "ba9876543210", by: "admin@internal")
        var other = try Self.manifest()
        other.kernelArguments = []
        let refusal = await #expect(throws: EngineError.self) { try await engine.openUpload(other) }
        #expect(refusal?.kind == .conflict, "a version is its content")
    }

    private static func rooted() throws -> ImageManifest {
        var manifest = try manifest()
        let digest = try require(Nonce(bytes: Array(SHA256.hash(data: root))))
        let verity = RootVerity(rootHash: digest, salt: digest, dataSize: 8192)
        manifest.files.append(
            .init(name: "root.squashfs", role: .root, size: 12_288, sha256: digest, verity: verity)
        )
        return manifest
    }

    private static let root = [UInt8](repeating: 3, count: 12_288)

    private func put(_ engine: HostEngine, _ file: String, _ bytes: [UInt8]) async throws {
        try await engine.putDescription(
            image: "node-minimal",
            version: "0123456789ab",
            file: file,
            bytes: ByteBuffer(bytes: bytes)
        )
    }

    @Test(
        "A26: a root image is published with the bytes that were signed, and a new signature takes the old one's place"
    )
    func signedRoot() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let manifest = try Self.rooted()
        _ = try await engine.openUpload(manifest)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let signed = Array(try encoder.encode(manifest)) + [10]
        try await put(engine, "manifest.json", signed)
        try await put(engine, "manifest.json.p7s", [0x30, 1])
        try await Self.send(engine, "vmlinuz", Self.kernel[...], of: Self.kernel.count)
        try await Self.send(engine, "initramfs", Self.initramfs[...], of: Self.initramfs.count)
        try await Self.send(engine, "root.squashfs", Self.root[...], of: Self.root.count)
        _ = try await engine.publish(image: "node-minimal", version: "0123456789ab", by: "admin@internal")
        let path = "\(installation.settings.imageDirectory)/node-minimal/0123456789ab"
        #expect(FileManager.default.contents(atPath: "\(path)/manifest.json") == Data(signed))
        #expect(FileManager.default.contents(atPath: "\(path)/manifest.json.p7s") == Data([0x30, 1]))
        try await put(engine, "manifest.json.p7s", [0x30, 2])
        #expect(FileManager.default.contents(atPath: "\(path)/manifest.json.p7s") == Data([0x30, 2]))
        #expect(try await engine.images().first?.manifest == manifest)
    }

    @Test("a manifest of something else, a signature that is none, and other names are refused")
    func foreignDescriptions() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var manifest = try Self.rooted()
        _ = try await engine.openUpload(manifest)
        manifest.kernelArguments = ["other"]
        let other = Array(try JSONEncoder().encode(manifest))
        for (file, bytes, kind) in [
            ("manifest.json", other, EngineError.Kind.conflict), ("manifest.json", Array("{".utf8), .conflict),
            ("manifest.json.p7s", [], .invalid), ("manifest.json.p7s", [0x31], .invalid),
            ("manifest.json.p7s", [0x30] + [UInt8](repeating: 0, count: 64 << 10), .invalid),
            ("../../../etc/passwd", [0x30], .notFound),
        ] {
            let refusal = await #expect(throws: EngineError.self) { try await put(engine, file, bytes) }
            #expect(refusal?.kind == kind, "\(file)")
        }
    }

    struct Bad: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout ImageManifest) -> Void
    }

    @Test(arguments: [
        Bad(testDescription: "a path as name") { $0.name = "../etc" },
        Bad(testDescription: "a path as version") { $0.version = "a/b" },
        Bad(testDescription: "a hidden name") { $0.name = ".uploads" },
        Bad(testDescription: "a path as file") { $0.files[0].name = "../../ca.key" },
        Bad(testDescription: "the manifest as file") { $0.files[0].name = "manifest.json" },
        Bad(testDescription: "the same file twice") { $0.files[1].name = $0.files[0].name },
        Bad(testDescription: "no files") { $0.files = [] },
        Bad(testDescription: "a signature as file") { $0.files[0].name = "manifest.json.p7s" },
        Bad(testDescription: "a root without a hash tree") { $0.files[1].role = .root },
        Bad(testDescription: "no kernel") { $0.files.removeFirst() },
        Bad(testDescription: "an empty file") { $0.files[0].size = 0 },
        Bad(testDescription: "a negative size") { $0.files[0].size = -1 },
        Bad(testDescription: "a huge file") { $0.files[0].size = .max },
        Bad(testDescription: "an argument with a line end") { $0.kernelArguments = ["a\n#!ipxe"] },
        Bad(testDescription: "a newer schema") { $0.schema = ImageManifest.newestSchema + 1 },
    ])
    func aManifestThatIsNotSafeIsRefused(_ sample: Bad) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        var manifest = try Self.manifest()
        sample.change(&manifest)
        let refusal = await #expect(throws: EngineError.self) { try await engine.openUpload(manifest) }
        #expect(refusal?.kind == .invalid)
        #expect(try await engine.images().isEmpty)
    }
}
