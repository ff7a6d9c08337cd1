import FoundationEssentials
import Glibc
import SystemPackage
import Testing

@testable import ImageBuilder

/// Writing an ISO with a root image of 1 GiB, ours and xorriso's in turn from the same files on the same file system; both
/// times include waiting for the disk. `Benchmarks/image/iso` sets MUSTER_BENCH to the number of rounds.
@Suite(.enabled(if: getenv("MUSTER_BENCH") != nil)) struct ISOBenchmark {
    private struct Row: Encodable {
        var `case` = "write an ISO of 1 GiB"
        var unit = "s"
        var ours: Double
        var peer: Double
        var peerName = "xorriso"
        var ratio: Double
        var goal = 1.0
    }

    @Test func gibibyte() async throws {
        let rounds = Int(String(cString: try #require(getenv("MUSTER_BENCH")))) ?? 5
        let place = Project.root.appending(".build/bench")
        try makeDirectory(place)
        var sample = try SampleMedium(root: [1])
        sample.medium.root = place.appending("root.squashfs")
        defer { for name in ["root.squashfs", "ours.iso", "peer.iso", "tree"] { remove(place.appending(name)) } }
        _ = try await output(of: "dd", ["if=/dev/urandom", "of=\(place)/root.squashfs", "bs=1M", "count=1024"])
        try await makeTree(place, sample)
        let clock = ContinuousClock()
        var (ours, peer): ([Duration], [Duration]) = ([], [])
        for _ in 0..<max(1, rounds) {
            for name in ["ours.iso", "peer.iso"] { remove(place.appending(name)) }
            _ = try await output(of: "sync", [])
            ours.append(try await clock.measure { try await sample.medium.writeISO(to: place.appending("ours.iso")) })
            remove(place.appending("ours.iso"))
            _ = try await output(of: "sync", [])
            peer.append(try await clock.measure { try await runPeer(place) })
        }
        let medians = [ours, peer].map { $0.sorted()[$0.count / 2] / .seconds(1) }
        let row = Row(ours: medians[0], peer: medians[1], ratio: medians[1] / medians[0])
        try writeFile(try JSONEncoder().encode([row]), to: place.appending("image-iso.json"))
        print("write an ISO of 1 GiB: ours \(medians[0]) s, xorriso \(medians[1]) s, ratio \(row.ratio), goal 1.0")
    }

    private func makeTree(_ place: FilePath, _ sample: SampleMedium) async throws {
        let loader = GRUBLoader(folder: place, search: "search.fs_label V root")
        for folder in ["boot/grub", "muster"] { try makeDirectory(place.appending("tree").pushing(FilePath(folder))) }
        try writeFile(try await loader.elTorito(), to: place.appending("tree/boot/grub/eltorito.img"))
        for (name, file) in sample.medium.files {
            _ = try await output(of: "cp", [file.string, place.appending("tree/muster/\(name)").string])
        }
    }

    private func runPeer(_ place: FilePath) async throws {
        _ = try await output(
            of: "xorriso",
            [
                "-as", "mkisofs", "-quiet", "-R", "-iso-level", "3", "-V", "V", "-b", "boot/grub/eltorito.img",
                "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info", "--grub2-mbr",
                "/usr/lib/grub/i386-pc/boot_hybrid.img", "-o", place.appending("peer.iso").string,
                place.appending("tree").string,
            ]
        )
        // What we do too: the time ends when the image is on the disk.
        _ = try await output(of: "sync", [place.appending("peer.iso").string])
    }
}
