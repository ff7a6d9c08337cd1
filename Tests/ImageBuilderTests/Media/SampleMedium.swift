import Glibc
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

/// A boot medium of made-up contents, and what other programs say about it.
struct SampleMedium {
    let scratch: Scratch
    var medium: BootMedium

    init(root: [UInt8]? = nil, name: String = "sample") throws {
        scratch = try Scratch("medium")
        let kernel = try scratch.write((0..<300_001).map { UInt8(truncatingIfNeeded: $0 * 7) }, to: "vmlinuz")
        let initramfs = try scratch.write((0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 5) }, to: "initramfs.zst")
        let template = try readText(Project.root.appending("pxe/grub.cfg.template"), limit: 1 << 20)
        medium = BootMedium(
            name: name,
            version: "0123456789ab",
            kernelVersion: "9.9.9-sample",
            kernel: kernel,
            initramfs: initramfs,
            kernelArguments: ["quiet"],
            menuTemplate: template,
            epoch: 1_700_000_000,
            workDirectory: scratch.path
        )
        medium.documents = [.init(name: "manifest.json", content: Array("{}\n".utf8))]
        if let root { medium.root = try scratch.write(root, to: "root.squashfs") }
    }

    func writeISO() async throws -> FilePath {
        let place = scratch.file("sample.iso")
        try await medium.writeISO(to: place)
        return place
    }

    func writeDisk() async throws -> FilePath {
        let place = scratch.file("sample.img")
        try await medium.writeDisk(to: place)
        return place
    }

    /// Copies a partition, counted from 1, into a file of its own.
    func extract(partition: Int, of image: FilePath) async throws -> FilePath {
        let table = try await output(of: "sfdisk", ["--dump", image.string])
        let line = try #require(table.split(separator: "\n").first { $0.contains("\(image)\(partition) :") })
        func number(_ name: String) -> Int64? {
            line.firstRange(of: name + "=").flatMap {
                Int64(line[$0.upperBound...].drop { $0 == " " }.prefix { $0.isNumber })
            }
        }
        let place = scratch.file("partition")
        let (start, size) = (try #require(number("start")), try #require(number("size")))
        _ = try await output(
            of: "dd",
            ["if=\(image)", "of=\(place)", "bs=512", "skip=\(start)", "count=\(size)", "status=none"]
        )
        return place
    }

    /// xorriso's words on an image.
    func report(_ image: FilePath, _ arguments: [String]) async throws -> String {
        try await output(of: "xorriso", ["-indev", image.string] + arguments)
    }

    /// What stands in the scratch folder.
    func names() throws -> Set<String> { Set(try ImageBuilder.names(in: scratch.path)) }
}
