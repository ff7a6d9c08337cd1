import Glibc
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct ISOImageTests {
    @Test("xorriso, isoinfo and blkid read the image, and every file comes back")
    func othersReadIt() async throws {
        let sample = try SampleMedium(root: Array("root image".utf8))
        let iso = try await sample.writeISO()
        let pvd = try await sample.report(iso, ["-pvd_info"])
        #expect(pvd.contains("Volume Id    : SAMPLE_01234567"))
        #expect(pvd.contains("Creation Time: 2023111422132000"))
        for name in ["vmlinuz", "initramfs.zst", "root.squashfs"] {
            let copy = sample.scratch.file("copy-\(name)")
            _ = try await sample.report(iso, ["-osirrox", "on", "-extract", "/muster/\(name)", copy.string])
            _ = try await output(of: "cmp", [copy.string, sample.scratch.file(name).string])
        }
        let menu = try await output(of: "isoinfo", ["-i", iso.string, "-R", "-x", "/boot/grub/grub.cfg"])
        #expect(menu.contains("linux /muster/vmlinuz quiet muster.image=medium:SAMPLE_01234567\n"))
        let early = try sample.scratch.write(Array(menu.utf8), to: "grub.cfg")
        _ = try await output(of: "grub-script-check", [early.string])
        let label = try await output(of: "blkid", ["-p", "-o", "value", "-s", "LABEL", iso.string])
        #expect(label == "SAMPLE_01234567\n")
        let listing = try await output(of: "isoinfo", ["-i", iso.string, "-R", "-l"])
        let dates = listing.split(separator: "\n").filter { $0.contains("[") }.map { $0.contains("Nov 14 2023") }
        #expect(dates.count > 10 && dates.allSatisfy { $0 }, "\(listing)")
    }

    @Test("an image without a root file has no argument that names one")
    func withoutRoot() async throws {
        let sample = try SampleMedium()
        let iso = try await sample.writeISO()
        let menu = try await output(of: "isoinfo", ["-i", iso.string, "-R", "-x", "/boot/grub/grub.cfg"])
        #expect(menu.contains("linux /muster/vmlinuz quiet\n"))
    }

    @Test("case 37: the catalogue has a BIOS entry and an EFI section, its sum is zero")
    func catalogue() async throws {
        let sample = try SampleMedium()
        let iso = try await sample.writeISO()
        let report = try await sample.report(iso, ["-report_el_torito", "plain", "-report_system_area", "plain"])
        #expect(report.contains("El Torito boot img :   1  BIOS  y   none  0x0000  0x00      4"), "\(report)")
        #expect(report.contains("El Torito boot img :   2  UEFI  y   none  0x0000  0x00  16384"), "\(report)")
        #expect(report.contains("boot-info-table grub2-boot-info"), "\(report)")
        #expect(report.contains("MBR protective-msdos-label grub2-mbr cyl-align-off GPT"), "\(report)")
        #expect(report.contains("MBR partition      :   1   0x00  0xee"), "\(report)")
    }

    @Test("case 36: an ESP of 33 MiB and of 100 MiB is FAT32; what the 16-bit count cannot hold is entered as 0")
    func largeESP() async throws {
        for (size, count) in [(Int64(33), "    0"), (100, "    0")] {
            var sample = try SampleMedium()
            sample.medium.smallestESP = size << 20
            let iso = try await sample.writeISO()
            let report = try await sample.report(iso, ["-report_el_torito", "plain"])
            #expect(report.contains("2  UEFI  y   none  0x0000  0x00  \(count)"), "\(report)")
            let check = try await output(
                of: "fsck.fat",
                ["-nv", try await sample.extract(partition: 2, of: iso).string]
            )
            #expect(check.contains("32 bit entries"))
            let clusters = check.split(separator: "\n").first { $0.contains("data clusters") }?.split(separator: " ")
                .first
            #expect(clusters.flatMap { Int($0) } ?? 0 >= 65_525, "\(check)")
        }
    }

    @Test("case 38: sgdisk, fdisk and sfdisk find no problem", arguments: [false, true])
    func partitions(forceActive: Bool) async throws {
        var sample = try SampleMedium()
        sample.medium.forceActive = forceActive
        for image in [try await sample.writeISO(), try await sample.writeDisk()] {
            if !forceActive {
                let verdict = try await output(of: "sgdisk", ["-v", image.string])
                #expect(verdict.contains("No problems found"), "\(verdict)")
            }
            let check = try await output(of: "sfdisk", ["--verify", image.string])
            #expect(check.contains("No errors detected"), "\(check)")
            let list = try await output(of: "fdisk", ["-l", image.string])
            #expect(list.contains("Disklabel type: gpt") && list.contains("EFI System"), "\(list)")
        }
    }

    @Test("case 39: whole sectors, and the backup of the GPT in the last one")
    func size() async throws {
        let sample = try SampleMedium()
        for image in [try await sample.writeISO(), try await sample.writeDisk()] {
            let size = try fileSize(image)
            #expect(size % (1 << 20) == 0)
            let file = try FileDescriptor.open(image, .readOnly)
            defer { try? file.close() }
            var sector = [UInt8](repeating: 0, count: 512)
            _ = try sector.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: size - 512, into: $0) }
            #expect(sector.starts(with: "EFI PART".utf8))
            #expect(sector.field(Int64.self, at: 24) == size / 512 - 1)
            #expect(sector.field(Int64.self, at: 32) == 1)
        }
        let iso = try await output(of: "isosize", [sample.scratch.file("sample.iso").string])
        #expect(iso == "\(try fileSize(sample.scratch.file("sample.iso")))\n")
    }

    @Test("case 40: on a larger disk the table is read, and sgdisk -e mends it")
    func larger() async throws {
        let sample = try SampleMedium()
        for image in [try await sample.writeISO(), try await sample.writeDisk()] {
            let size = try fileSize(image)
            #expect(truncate(image.string, off_t(size + (64 << 20))) == 0)
            let list = try await output(of: "sfdisk", ["--list", image.string])
            #expect(list.contains("EFI System"), "\(list)")
            _ = try await output(of: "sgdisk", ["-e", image.string])
            let verdict = try await output(of: "sgdisk", ["-v", image.string])
            #expect(verdict.contains("No problems found"), "\(verdict)")
        }
    }

    @Test("case 33: a root image over 4 GiB has two records, and comes back as it was")
    func multiExtent() async throws {
        var sample = try SampleMedium(root: Array("begin".utf8))
        let root = sample.scratch.file("root.squashfs")
        let size: Int64 = (4 << 30) + 12_345
        #expect(truncate(root.string, off_t(size)) == 0)
        let file = try FileDescriptor.open(root, .writeOnly)
        // Across the place where one extent ends and the next begins, and at the end.
        for offset in [ISOVolume.largestExtent - 4, size - 3] {
            try file.writeAll(toAbsoluteOffset: offset, "boundary".utf8.prefix(Int(min(8, size - offset))))
        }
        try file.close()
        sample.medium.documents.append(.init(name: "zz.json", content: [10]))
        let iso = try await sample.writeISO()
        let records = try await output(of: "isoinfo", ["-i", iso.string, "-R", "-l"])
        #expect(records.contains("zz.json"), "the record after it has moved")
        let report = try await sample.report(iso, ["-find", "/muster/root.squashfs", "-exec", "report_lba"])
        let lines = report.split(separator: "\n").filter { $0.hasPrefix("File data lba:") }
        let blocks = lines.map { $0.split(separator: ",")[2].filter(\.isNumber) }
        #expect(blocks == ["2097151", "\((size - ISOVolume.largestExtent + 2047) / 2048)"], "\(report)")
        guard getenv("MUSTER_TEST_IMAGES") != nil else { return }
        let copy = sample.scratch.file("copy")
        _ = try await sample.report(iso, ["-osirrox", "on", "-extract", "/muster/root.squashfs", copy.string])
        _ = try await output(of: "cmp", [copy.string, root.string])
    }
}
