import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct DiskImageTests {
    @Test("the ESP holds loaders, menu and image; fsck.fat and e2fsck find nothing", arguments: [true, false])
    func contents(secureBoot: Bool) async throws {
        var sample = try SampleMedium(root: [UInt8](repeating: 1, count: 70_000))
        sample.medium.secureBoot = secureBoot
        let image = try await sample.writeDisk()
        let esp = try await sample.extract(partition: 2, of: image)
        let check = try await output(of: "fsck.fat", ["-nv", esp.string])
        #expect(!check.contains("Dirty") && !check.contains("free cluster summary wrong"), "\(check)")
        let listing = try await output(of: "mdir", ["-i", esp.string, "-/", "-b", "::/"])
        let expected = [
            "EFI/BOOT/BOOTX64.EFI", "boot/grub/grub.cfg", "muster/vmlinuz", "muster/initramfs.zst",
            "muster/root.squashfs",
            "muster/manifest.json",
        ]
        for path in expected + (secureBoot ? ["EFI/BOOT/grubx64.efi", "EFI/debian/grub.cfg"] : []) {
            #expect(listing.contains("::/\(path)\n"), "\(listing)")
        }
        for name in ["vmlinuz", "initramfs.zst", "root.squashfs"] {
            let copy = sample.scratch.file("copy-\(name)")
            _ = try await output(of: "mcopy", ["-i", esp.string, "::/muster/\(name)", copy.string])
            _ = try await output(of: "cmp", [copy.string, sample.scratch.file(name).string])
        }
        let menu = try await output(of: "mtype", ["-i", esp.string, "::/boot/grub/grub.cfg"])
        #expect(menu.contains("vmlinuz quiet muster.image=medium:SAMPLE_01234567 muster.state=wait\n"), "\(menu)")
        let dates = try await output(of: "mdir", ["-i", esp.string, "-/", "::/"])
        #expect(
            dates.split(separator: "\n").filter { $0.contains("<DIR>") }.allSatisfy { $0.contains("2023-11-14  22:13") }
        )
    }

    @Test("the state partition is ext4 with a journal, labelled as the node looks for it")
    func state() async throws {
        let sample = try SampleMedium()
        let state = try await sample.extract(partition: 3, of: try await sample.writeDisk())
        _ = try await output(of: "e2fsck", ["-fn", state.string])
        let words = try await output(of: "blkid", ["-p", "-o", "export", state.string])
        #expect(words.contains("LABEL=MUSTER-STATE\n") && words.contains("TYPE=ext4\n"), "\(words)")
        let features = try await output(of: "dumpe2fs", ["-h", state.string])
        #expect(features.contains("has_journal"))
    }

    @Test("a root image that FAT cannot hold is one clear sentence, and nothing is left")
    func tooLarge() async throws {
        let sample = try SampleMedium(root: [1])
        _ = try await output(of: "truncate", ["-s", "4G", sample.scratch.file("root.squashfs").string])
        let error = await #expect(throws: BuildError.self) { _ = try await sample.writeDisk() }
        #expect(error?.message.contains("4 GiB") == true, "\(error?.message ?? "")")
        #expect(try sample.names() == ["vmlinuz", "initramfs.zst", "root.squashfs"])
    }
}
