import Foundation
import HostModel
import Testing

/// What people may write into the settings of an installation, and what is refused by name.
@Suite struct InstallSettingsTests {
    @Test(
        "a disk is named by its WWN or serial number, whole",
        arguments: [
            "wwn-0x5000c500a1b2c3d4", "nvme-eui.0025388b010203ff", "ata-WDC_WD10EZEX_WD-WCC3F0123456",
            "virtio-DISK0001",
            "scsi-3600508b1001c5e0f", "dm-uuid-mpath-2416CD96995134CA5D787F00A5AA11017",
        ]
    )
    func disks(text: String) throws {
        #expect(try #require(DiskLink(text)).path == "/dev/disk/by-id/\(text)")
    }

    @Test(arguments: [
        "", "sda", "/dev/sda", "wwn-0x", "wwn-0x5000c500a1b2c3d4-part1", "ata-*", "ata-a,ata-b", "ata-a b",
        "ata-a/../b",
        "ata-a|b", "ata-$x", "ata-ü", "ata-a\n", "dm-name-root", "lvm-pv-uuid-x",
    ])
    func disksThatAreRefused(text: String) {
        #expect(DiskLink(text) == nil)
    }

    @Test(arguments: [
        ("http://mirror.example/os", "http://mirror.example/os"),
        ("http://10.0.0.1:8080/a/b/", "http://10.0.0.1:8080/a/b"),
        ("https://m/9-stream/BaseOS/x86_64/os", "https://m/9-stream/BaseOS/x86_64/os"), ("http://m", "http://m"),
    ])
    func locations(text: String, read: String) {
        #expect(WebLocation(text)?.rawValue == read)
    }

    @Test(arguments: [
        "", "ftp://m/os", "http://", "http:///os", "http://u:p@m/os", "http://m/a b", "http://m/?x", "http://m/#x",
        "http://m/../x", "http://m/a//b", "http://m/$x", "http://m/{{x}}", "http://m:0/", "http://m/\n", "http://m/é",
    ])
    func locationsThatAreRefused(text: String) {
        #expect(WebLocation(text) == nil)
    }

    @Test(arguments: [
        ("$6$salt$abc", true), ("$5$rounds=5000$salt$abc", true), ("$y$j9T$salt$abc", true), ("secret", false),
        ("$1$salt$abc", false), ("$6$salt", false), ("$6$$", false), ("$6$sa lt$abc", false), ("$6$salt$abc\n", false),
    ])
    func hashesOnly(text: String, isHash: Bool) {
        #expect((PasswordDigest(text) != nil) == isHash)
    }

    @Test(arguments: [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA admin@example", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA admin@example"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA \"; reboot", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"),
        ("command=\"x\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", nil), ("ssh-dss AAAAC3NzaC1lZDI1NTE5AAAA", nil),
        ("ssh-ed25519 short", nil), ("", nil),
    ])
    func keys(text: String, read: String?) {
        #expect(SSHPublicKey(text)?.rawValue == read)
    }

    @Test(arguments: [
        ("tcpdump", true), ("@core", true), ("@^minimal-environment", true), ("-iwl7260-firmware", true),
        ("gcc-c++", true),
        ("%end", false), ("", false), ("--", false), ("a b", false), ("a\n%post", false), ("@", false), ("$x", false),
    ])
    func packages(text: String, isName: Bool) {
        #expect((PackageSelection(text) != nil) == isName)
    }

    @Test(arguments: [
        ("UTC", true), ("Europe/Prague", true), ("America/Argentina/Buenos_Aires", true), ("Etc/GMT+2", true),
        ("", false), ("/etc", false), ("../x", false), ("a b", false), ("Europe/", false),
    ])
    func zones(text: String, isName: Bool) {
        #expect((TimeZoneName(text) != nil) == isName)
    }

    // MARK: Whole settings

    @Test("settings survive JSON, and every strict prefix of them is an error")
    func roundTrip() throws {
        let text = """
            {"network":{"address":"10.0.0.7/24","bond":{"links":["eno1","eno2"],"mode":"802.3ad","name":"bond0"},\
            "gateway":"10.0.0.1","mtu":9000,"nameservers":["10.0.0.2"],"vlan":7},\
            "storage":{"disks":["virtio-A","virtio-B"],"layout":"thin_lvm","raid":1,"wipe":true}}
            """
        let settings = try JSONDecoder().decode(HostKickstart.self, from: Data(text.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(settings), as: UTF8.self) == text)
        for count in 0..<text.utf8.count {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(HostKickstart.self, from: Data(text.utf8.prefix(count)))
            }
        }
    }

    @Test(
        "what does not go together is refused with a reason",
        arguments: [
            (#"{"storage":{"disks":[]}}"#, "expected 1 to 16 disks"),
            (#"{"storage":{"disks":["virtio-A","virtio-A"]}}"#, "a disk is named twice"),
            (#"{"storage":{"disks":["virtio-A"],"raid":1}}"#, "RAID 1 needs 2 disks"),
            (#"{"storage":{"disks":["virtio-A","virtio-B"],"layout":"partitions"}}"#, "take one disk"),
            (#"{"storage":{"disks":["virtio-A"]},"network":{"vlan":4095}}"#, "a VLAN is 1 to 4094"),
            (#"{"storage":{"disks":["virtio-A"]},"network":{"mtu":60}}"#, "an MTU is 68 to 65535"),
            (#"{"storage":{"disks":["virtio-A"]},"network":{"gateway":"10.0.0.1"}}"#, "a gateway goes with an address"),
            (
                #"{"storage":{"disks":["virtio-A"]},"network":{"address":"10.0.0.7/24","gateway":"10.0.1.1"}}"#,
                "the gateway 10.0.1.1 is not in 10.0.0.7/24"
            ),
            (#"{"storage":{"disks":["virtio-A"]},"network":{"link":"a,b"}}"#, "the interface name a,b has other signs"),
            (
                #"{"storage":{"disks":["virtio-A"]},"network":{"bond":{"name":"b0","links":[],"mode":"802.3ad"}}}"#,
                "a bond has 1 to 16 different interfaces"
            ),
        ]
    )
    func contradictions(text: String, reason: String) {
        #expect {
            try JSONDecoder().decode(HostKickstart.self, from: Data(text.utf8))
        } throws: { error in
            guard case .dataCorrupted(let context) = error as? DecodingError else { return false }
            return context.debugDescription.contains(reason)
        }
    }
}
