import Agent
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage
import Testing

/// The whole installation and the whole upgrade on a loop device, by the program itself.
@Suite(.serialized, .enabled(if: getuid() == 0, "needs root"))
struct InstallTests {
    private static let slotMebibytes: Int64 = 128
    private static let espMebibytes: Int64 = 64

    private static func install(_ rig: InstallRig, image: String, _ more: [String] = []) -> [String] {
        ["install", "--disk", "serial=\(rig.serial)", "--image", image, "--slot-size", "\(slotMebibytes)"] + more
    }

    private static func with(blocks: Int = 512, _ body: (InstallRig) async throws -> Void) async throws {
        // A disk whose size is no round number.
        let rig = try await InstallRig(sectors: blocks == 512 ? 7 : 8, blocks: blocks)
        do { try await body(rig) } catch {
            try? await rig.close()
            throw error
        }
        try await rig.close()
    }

    @Test("an installation satisfies sgdisk, fsck.fat and e2fsck, and keeps the node's state")
    func whole() async throws {
        try await Self.with { rig in
            let state = try rig.folder.directory("state")
            try state.write("key".utf8, to: "key.pem", permissions: [.ownerReadWrite, .groupRead], group: 36)
            try state.write("id".utf8, to: "host-id")
            let identity = try rig.folder.directory("state/identity")
            try identity.write("secret".utf8, to: "ssh_host_ed25519_key", permissions: [.ownerReadWrite])
            let vdsm = FilePath(rig.path("vdsm"))
            let network = WantedNetwork(name: "ovirtmgmt", southbound: .nic("eth0"), addressing: .dhcp)
            try NetworkConfiguration.persistent(in: vdsm).save(OwnedNetworks(networks: ["ovirtmgmt": network]))
            let image = try await rig.image("one", seed: 3)
            let words = ["--kernel-argument", "ip=dhcp", "--network-configuration", vdsm.string]
            let ended = try await rig.agent(Self.install(rig, image: image, ["--progress", "json"] + words))
            try #require(ended.code == 0, "\(ended.error)")
            #expect(ended.progress.last == .finished)
            #expect(
                Set(ended.progress.compactMap(\.step)) == [
                    "image", "partition", "slot", "verify", "state", "loaders", "boot",
                ]
            )
            let table = try await InstallRig.run(["sgdisk", "--verify", "--print", rig.device]).output
            #expect(table.contains("No problems found"))
            for name in InstalledLayout.names { #expect(table.contains(name)) }
            #expect(try await rig.check(["fsck.fat", "-n"], start: 2, mebibytes: Self.espMebibytes).code == 0)
            let slot = 2 + Self.espMebibytes
            #expect(try await rig.check(["e2fsck", "-f", "-n"], start: slot, mebibytes: Self.slotMebibytes).code == 0)
            let stateStart = slot + 2 * Self.slotMebibytes
            let rest = (rig.size >> 20) - 1 - stateStart
            #expect(try await rig.check(["e2fsck", "-f", "-n"], start: stateStart, mebibytes: rest).code == 0)
            let kept = try await rig.check(["debugfs", "-R", "stat key.pem"], start: stateStart, mebibytes: rest).output
            #expect(kept.contains("Mode:  0640") && kept.contains("Group:    36"))
            let identityKey = try await rig.check(
                ["debugfs", "-R", "stat identity/ssh_host_ed25519_key"],
                start: stateStart,
                mebibytes: rest
            )
            #expect(identityKey.output.contains("Mode:  0600"), "SSH keys and the iSCSI name go along")
            let networks = try await rig.check(
                ["debugfs", "-R", "ls -p networks"],
                start: stateStart,
                mebibytes: rest
            )
            #expect(networks.output.contains("/netconf/"), "the committed networks go along")
            let arguments = try await rig.check(
                ["debugfs", "-R", "cat muster/slot.cfg"],
                start: slot,
                mebibytes: Self.slotMebibytes
            )
            #expect(arguments.output.contains("'console=ttyS0 ip=dhcp muster.disk="))
            let report = try await rig.report()
            #expect(report.muster?.slots["a"] == .init(name: "one", version: "000000000003", state: .good))
            #expect(report.muster?.slots["b"]?.state == .empty)
            #expect(try rig.isBootable())
        }
    }

    @Test("a disk with blocks of 4096 bytes: refused where the machine starts by BIOS; installed, upgraded by UEFI")
    func largeBlocks() async throws {
        try await Self.with(blocks: 4096) { rig in
            let image = try await rig.image("one", seed: 3)
            let refused = try await rig.agent(Self.install(rig, image: image, ["--firmware", rig.path("none")]))
            #expect(refused.code == 65 && refused.error.contains("starts by UEFI only"), "\(refused.error)")
            #expect(try rig.bytes(at: 0, count: 1 << 20).allSatisfy { $0 == 0 })
            let ended = try await rig.agent(Self.install(rig, image: image, ["--firmware", "/sys"]))
            try #require(ended.code == 0, "\(ended.error)")
            let table = try await InstallRig.run(["sgdisk", "--verify", "--print", rig.device]).output
            #expect(table.contains("No problems found") && table.contains("4096"), "\(table)")
            for name in InstalledLayout.names { #expect(table.contains(name)) }
            #expect(try await rig.check(["fsck.fat", "-n"], start: 2, mebibytes: Self.espMebibytes).code == 0)
            try await rig.start(from: .a)
            let second = try await rig.agent(["upgrade", "--image", try await rig.image("two", seed: 4)])
            #expect(second.code == 0, "\(second.error)")
            #expect(try await rig.slots().slots["b"]?.state == .trial)
            try await rig.start(from: .b, "muster.trial")
            #expect(try await rig.agent(["confirm"]).code == 0)
            #expect(try await rig.slots().slots["b"]?.state == .good)
        }
    }

    @Test("F25: a disk that holds data is refused, and not a byte of it is changed")
    func holdsData() async throws {
        try await Self.with { rig in
            let image = try await rig.image("one", seed: 3)
            _ = try await InstallRig.run(["mkfs.ext4", "-q", "-L", "PHOTOS", rig.device])
            let before = try await InstallRig.run(["sha256sum", rig.device]).output
            for more in [[], ["--wipe", "other"], ["--wipe", "\(rig.serial) "]] {
                let ended = try await rig.agent(Self.install(rig, image: image, more))
                #expect(ended.code == 65)
                #expect(ended.error.contains("PHOTOS"))
            }
            #expect(try await InstallRig.run(["sha256sum", rig.device]).output == before)
            #expect(try await rig.agent(Self.install(rig, image: image, ["--wipe", rig.serial])).code == 0)
            // What is there now is data, too.
            #expect(try await rig.agent(Self.install(rig, image: image)).code == 65)
        }
    }

    @Test(
        "F24: a hint that fits no disk, or a dry run, writes nothing; candidates are shown with serial, size and contents"
    )
    func nothingWritten() async throws {
        try await Self.with { rig in
            let image = try await rig.image("one", seed: 3)
            let ended = try await rig.agent(["install", "--disk", "serial=nothing", "--image", image])
            #expect(ended.code == 65)
            #expect(ended.error.contains("serial \(rig.serial)") && ended.error.contains("640 MiB"))
            let dry = try await rig.agent(Self.install(rig, image: image, ["--dry-run"]))
            #expect(dry.code == 0 && dry.output.contains("MUSTER-STATE"))
            #expect(try rig.bytes(at: 0, count: 1 << 20).allSatisfy { $0 == 0 })
            #expect(try await rig.agent(["install", "--image", image]).code == 64)
        }
    }

    @Test("F25: a disk that is mounted is never written to, not even by name")
    func mounted() async throws {
        try await Self.with { rig in
            let image = try await rig.image("one", seed: 3)
            _ = try await InstallRig.run(["mkfs.ext4", "-q", rig.device])
            let place = try rig.folder.directory("mount").path.string
            _ = try await InstallRig.run(["mount", rig.device, place])
            let ended = try await rig.agent(Self.install(rig, image: image, ["--wipe", rig.serial]))
            _ = try await InstallRig.run(["umount", place])
            #expect(ended.code == 65 && ended.error.contains("in use"))
        }
    }

    @Test("A26: an image that is not what was signed is refused before the disk is touched, or before it can be booted")
    func tampered() async throws {
        try await Self.with { rig in
            let image = try await rig.image("one", seed: 3)
            let stranger = try await SigningKey(.ec)
            let manifest = try rig.folder.directory("one").readWhole("manifest.json")
            let signature = try rig.folder.directory("one").readWhole("manifest.json.p7s")
            try rig.folder.directory("one").write(try await stranger.sign(manifest), to: "manifest.json.p7s")
            #expect(try await rig.agent(Self.install(rig, image: image)).code == 65)
            #expect(try rig.bytes(at: 0, count: 1 << 20).allSatisfy { $0 == 0 })
            try rig.folder.directory("one").write(signature, to: "manifest.json.p7s")
            _ = try await InstallRig.run(["truncate", "--size=+1", "\(image)/vmlinuz"])
            let ended = try await rig.agent(Self.install(rig, image: image))
            #expect(ended.code == 65 && ended.error.contains("vmlinuz"))
            #expect(try !rig.isBootable())
            _ = try await rig.image("bare", seed: 5, hasLoaders: false)
            let bare = try await rig.agent(Self.install(rig, image: rig.path("bare")))
            #expect(bare.code == 65 && bare.error.contains("no boot loaders"))
        }
    }

    @Test(
        "F9, F10: killed at any step, half an installation does not boot, says that it is unfinished, and a second run needs no consent",
        arguments: ["partition", "slot", "verify", "state", "loaders", "boot"]
    )
    func killed(step: String) async throws {
        try await Self.with { rig in
            let image = try await rig.image("one", seed: 3)
            try await rig.agentKilled(Self.install(rig, image: image), at: step)
            let report = try await rig.report()
            if report.muster?.slots["a"]?.state == .good {
                #expect(try rig.isBootable(), "the kill came too late")
                return
            }
            if step != "boot" { #expect(try !rig.isBootable()) }
            let ended = try await rig.agent(Self.install(rig, image: image))
            #expect(ended.code == 0, "\(ended.error)")
            #expect(try await rig.report().muster?.slots["a"]?.state == .good)
            #expect(try await InstallRig.run(["sgdisk", "--verify", rig.device]).output.contains("No problems found"))
        }
    }

    @Test("F9: switched off at so many percent of the write", arguments: [1, 25, 50, 75, 99])
    func cutWhileWriting(percent: Int) async throws {
        try await Self.with { rig in
            let image = try await rig.image("one", seed: 3, megabytes: 60)
            try await rig.agentKilled(Self.install(rig, image: image), at: "slot", percent: percent)
            #expect(try await rig.report().muster?.slots["a"]?.state == .unfinished)
            #expect(try !rig.isBootable())
            let ended = try await rig.agent(Self.install(rig, image: image))
            #expect(ended.code == 0, "\(ended.error)")
            #expect(try await rig.report().muster?.slots["a"]?.state == .good && rig.isBootable())
        }
    }

    @Test(
        "case 58: an upgrade writes the other slot alone, arms a trial, and confirm, fall-back and rollback move between them"
    )
    func upgrade() async throws {
        try await Self.with { rig in
            let (one, two) = (try await rig.image("one", seed: 3), try await rig.image("two", seed: 7))
            try #require(
                try await rig.agent(Self.install(rig, image: one, ["--kernel-argument", "ip=dhcp"])).code == 0
            )
            try await rig.start(from: .a)
            let esp = try rig.bytes(at: 2 << 20, count: 8 << 20)
            let ended = try await rig.agent(["upgrade", "--image", two, "--progress", "json"])
            #expect(ended.code == 0 && ended.progress.last == .finished, "\(ended.error)")
            let armed = try await rig.slots()
            #expect(armed.running == "a" && armed.slots["a"]?.state == .good)
            #expect(armed.slots["b"] == .init(name: "two", version: "000000000007", state: .trial))
            // Of the EFI system partition, one sector changed.
            let now = try rig.bytes(at: 2 << 20, count: 8 << 20)
            #expect(Set(esp.indices.filter { esp[$0] != now[$0] }.map { $0 / 512 }).count == 1)
            // The site's words went along.
            let slotB = 2 + Self.espMebibytes + Self.slotMebibytes
            let words = try await rig.check(
                ["debugfs", "-R", "cat muster/slot.cfg"],
                start: slotB,
                mebibytes: Self.slotMebibytes
            )
            #expect(words.output.contains("'console=ttyS0 ip=dhcp muster.disk="))
            // The node came up in b, and is confirmed.
            try await rig.start(from: .b, "muster.trial")
            #expect(try await rig.agent(["upgrade", "--image", one]).code == 65)
            #expect(try await rig.agent(["confirm"]).code == 0)
            #expect(try await rig.slots().slots.mapValues(\.state) == ["a": .good, "b": .good])
            // Back again, by a trial of its own; called off; then for good.
            #expect(try await rig.agent(["rollback"]).output.contains("slot a"))
            #expect(try await rig.slots().slots["a"]?.state == .trial)
            #expect(try await rig.agent(["rollback"]).output.contains("slot b"))
            #expect(try await rig.slots().slots["a"]?.state == .good)
        }
    }

    @Test(
        "A26: after an image that closed a hole, older ones are refused however well signed; before it is confirmed not"
    )
    func rollbackProtection() async throws {
        try await Self.with { rig in
            let old = try await rig.image("old", seed: 3)
            let new = try await rig.image("new", seed: 7, rollbackIndex: 2)
            try #require(try await rig.agent(Self.install(rig, image: old)).code == 0)
            try await rig.start(from: .a)
            try #require(try await rig.agent(["upgrade", "--image", new]).code == 0)
            // On trial it counts for nothing: it may fall back, and the older one is written again.
            try #require(try await rig.agent(["rollback"]).code == 0)
            try #require(try await rig.agent(["upgrade", "--image", old]).code == 0)
            try #require(try await rig.agent(["upgrade", "--image", new]).code == 0)
            // The way back from the trial is open, though what runs is newer.
            try await rig.start(from: .b, "muster.trial")
            #expect(try await rig.agent(["rollback"]).output.contains("slot a"))
            try await rig.start(from: .a)
            try #require(try await rig.agent(["upgrade", "--image", new]).code == 0)
            try await rig.start(from: .b, "muster.trial")
            try #require(try await rig.agent(["confirm"]).code == 0)
            for words in [
                ["upgrade", "--image", old], ["rollback"], Self.install(rig, image: old, ["--wipe", rig.serial]),
            ] {
                let refused = try await rig.agent(words)
                let sentence = "old 000000000003 has the roll-back index 0, and this node takes none below 2"
                #expect(refused.code == 65 && refused.error.contains(sentence), "\(words): \(refused.error)")
            }
            #expect(try await rig.slots().slots.mapValues(\.state) == ["a": .good, "b": .good])
            // What the sentence says helps.
            try FileManager.default.removeItem(atPath: rig.path("state/rollback-index"))
            #expect(try await rig.agent(["upgrade", "--image", old]).code == 0)
        }
    }

    @Test("A26: the first start of what was installed keeps its roll-back index, without a trial")
    func firstStart() async throws {
        try await Self.with { rig in
            let old = try await rig.image("old", seed: 3)
            let new = try await rig.image("new", seed: 7, rollbackIndex: 2)
            try #require(try await rig.agent(Self.install(rig, image: new)).code == 0)
            try await rig.start(from: .a)
            let first = try await rig.agent(["confirm", "--when-ready"])
            #expect(first.code == 0, "\(first.error)")
            #expect(
                try rig.folder.directory("state").read("rollback-index").map { String(decoding: $0, as: UTF8.self) }
                    == "2\n"
            )
            let refused = try await rig.agent(["upgrade", "--image", old])
            #expect(refused.code == 65 && refused.error.contains("takes none below 2"), "\(refused.error)")
        }
    }

    @Test(
        "case 58: an upgrade that is killed leaves the running slot as it is, and nothing on trial",
        arguments: ["slot", "verify", "trial"]
    )
    func upgradeKilled(step: String) async throws {
        try await Self.with { rig in
            let (one, two) = (try await rig.image("one", seed: 3), try await rig.image("two", seed: 7, megabytes: 40))
            try #require(try await rig.agent(Self.install(rig, image: one)).code == 0)
            try await rig.start(from: .a)
            try await rig.agentKilled(["upgrade", "--image", two], at: step)
            let slots = try await rig.slots()
            #expect(slots.slots["a"]?.state == .good)
            // Told before it is armed: killed there, the slot is whole or on trial, and never half of either.
            #expect(slots.slots["b"]?.state == .unfinished || step == "trial", "\(slots)")
            #expect(try await rig.agent(["upgrade", "--image", two]).code == 0)
            #expect(try await rig.slots().slots["b"]?.state == .trial)
        }
    }

    @Test("the good slot is not written over from one that was started by hand, before that is confirmed")
    func startedByHand() async throws {
        try await Self.with { rig in
            let (one, two) = (try await rig.image("one", seed: 3), try await rig.image("two", seed: 7))
            try #require(try await rig.agent(Self.install(rig, image: one)).code == 0)
            try await rig.start(from: .a)
            try #require(try await rig.agent(["upgrade", "--image", two]).code == 0)
            try await rig.start(from: .b, "muster.trial")
            try #require(try await rig.agent(["confirm"]).code == 0)
            try await rig.start(from: .a)
            let refused = try await rig.agent(["upgrade", "--image", two])
            #expect(refused.code == 65 && refused.error.contains("slot b is the one that is known to be good"))
            #expect(try await rig.slots().slots.mapValues(\.state) == ["a": .good, "b": .good])
            try #require(try await rig.agent(["confirm"]).code == 0)
            #expect(try await rig.agent(["upgrade", "--image", two]).code == 0)
        }
    }

    @Test("F24: a byte for byte copy of the node's disk: nothing is written to either")
    func copiedDisk() async throws {
        try await Self.with { rig in
            let (one, two) = (try await rig.image("one", seed: 3), try await rig.image("two", seed: 7))
            try #require(try await rig.agent(Self.install(rig, image: one)).code == 0)
            try await rig.start(from: .a)
            let copy = try await rig.copy()
            let refused = try await rig.agent(["upgrade", "--image", two])
            #expect(refused.code == 65 && refused.error.contains("are copies of one disk"), "\(refused.error)")
            try await rig.detach(copy)
            #expect(try await rig.agent(["upgrade", "--image", two]).code == 0)
        }
    }

    @Test("an image that the slots of the disk cannot hold is refused before the other slot is touched")
    func tooLarge() async throws {
        try await Self.with { rig in
            let (one, two) = (try await rig.image("one", seed: 3), try await rig.image("two", seed: 7, megabytes: 120))
            try #require(try await rig.agent(Self.install(rig, image: one)).code == 0)
            try await rig.start(from: .a)
            let ended = try await rig.agent(["upgrade", "--image", two])
            #expect(ended.code == 65 && ended.error.contains("--slot-size"))
            #expect(try await rig.slots().slots["b"]?.state == .empty)
        }
    }
}
