import HostModel
import Recipes
import Testing

/// One kickstart of every variant, by the name of its golden.
enum KickstartSamples {
    static let engine = EngineLocation(server: "engine.example:8443", fingerprint: String(repeating: "0f", count: 32))

    private static let hash = "$6$saltsalt$" + String(repeating: "x", count: 86)

    static func all() throws -> [String: Kickstart] {
        let one = try disks("wwn-0x5000c500a1b2c3d4")
        let two = try disks("ata-WDC_WD10EZEX-00_WD-WCC3F0123456", "ata-WDC_WD10EZEX-00_WD-WCC3F0123457")
        let four = try disks("nvme-eui.01", "nvme-eui.02", "nvme-eui.03", "nvme-eui.04")
        return [
            "plain-lvm-dhcp-bios": try plain(storage(one, wipe: true)),
            "plain-lvm-dhcp-uefi": try plain(storage(one), firmware: .uefi),
            "plain-partitions-static": try plain(storage(one, layout: .partitions), network: fixed()),
            "plain-lvm-two-disks-mac": try plain(storage(two), network: fixed(link: .mac(mac()))),
            "plain-raid0-lvm": try plain(storage(two, .stripe)),
            "plain-raid1-lvm-bond-uefi": try plain(storage(two, .mirror), network: bonded(), firmware: .uefi),
            "plain-raid1-partitions": try plain(storage(two, .mirror, .partitions)),
            "plain-raid5-thin": try plain(storage(four, .parity, .thinLVM)),
            "plain-raid6-lvm": try plain(storage(four, .doubleParity)),
            "plain-raid10-lvm-vlan": try plain(storage(four, .stripedMirror), network: tagged(), firmware: .uefiHTTP),
            "plain-bond-vlan": try plain(storage(one), network: bonded(vlan: 100)),
            "node-thin-uefi": try node(storage(one, layout: .thinLVM, wipe: true), firmware: .uefi),
            "node-thin-bios-bond-vlan": try node(storage(one, layout: .thinLVM), network: bonded(vlan: 7)),
            "node-thin-raid1": try node(storage(two, .mirror, .thinLVM)),
        ]
    }

    static func plain(
        _ storage: InstallStorage,
        network: InstallNetwork? = nil,
        firmware: BootFirmware = .bios
    ) throws -> Kickstart {
        Kickstart(
            host: try #require(HostName("kvm-7.example.org")),
            profile: "centos",
            firmware: firmware,
            payload: .packages(agent: try nonce("ab")),
            settings: try settings(),
            machine: HostKickstart(storage: storage, network: network),
            reportToken: try nonce("cd")
        )
    }

    static func node(
        _ storage: InstallStorage,
        network: InstallNetwork? = nil,
        firmware: BootFirmware = .bios
    ) throws -> Kickstart {
        var kickstart = try plain(storage, network: network, firmware: firmware)
        kickstart.payload = .image(
            Kickstart.Image(name: "node-el9", version: "0123456789ab", file: "root.squashfs", sha256: try nonce("ef"))
        )
        kickstart.settings.rootPassword = nil
        return kickstart
    }

    static func settings() throws -> KickstartSettings {
        KickstartSettings(
            tree: try #require(WebLocation("http://mirror.example/9-stream/BaseOS/x86_64/os")),
            repositories: [
                .init(
                    name: "appstream",
                    url: try #require(WebLocation("http://mirror.example/9-stream/AppStream/x86_64/os"))
                )
            ],
            packages: try ["@^minimal-environment", "tcpdump", "-iwl7260-firmware"].map {
                try #require(PackageSelection($0))
            },
            timeZone: try #require(TimeZoneName("Europe/Prague")),
            rootPassword: PasswordDigest(Self.hash),
            sshKeys: [
                try #require(SSHPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEexampleexampleexample admin@example"))
            ]
        )
    }

    static func bootScript(_ recipes: BootRecipes, _ request: BootRequest) throws -> BootScript {
        let profile = BootProfile(
            name: "centos",
            mode: .kickstart,
            kernelArguments: ["console=ttyS0", "inst.ks=http://elsewhere/"],
            kickstart: try settings()
        )
        let answer = BootAnswer(profile: profile, reason: "set for the next boot", host: HostName("kvm-7"))
        let ticket = KickstartTicket(token: try nonce("12"), lifetimeSeconds: 900)
        return try recipes.script(for: answer, ticket: ticket, to: request)
    }

    static func nonce(_ pair: String) throws -> Nonce { try #require(Nonce(hex: String(repeating: pair, count: 32))) }

    static func disks(_ names: String...) throws -> [DiskLink] { try names.map { try #require(DiskLink($0)) } }

    static func storage(
        _ disks: [DiskLink],
        _ raid: InstallStorage.RAID? = nil,
        _ layout: InstallStorage.Layout = .lvm,
        wipe: Bool = false
    ) throws -> InstallStorage {
        try #require(InstallStorage(disks: disks, raid: raid, layout: layout, wipe: wipe))
    }

    static func storage(
        _ disks: [DiskLink],
        layout: InstallStorage.Layout,
        wipe: Bool = false
    ) throws -> InstallStorage {
        try storage(disks, nil, layout, wipe: wipe)
    }

    private static func mac() throws -> MACAddress { try #require(MACAddress("52:54:00:12:34:56")) }

    static func fixed(link: InstallNetwork.Link? = nil) throws -> InstallNetwork {
        InstallNetwork(
            link: link,
            address: IPv4Network("10.20.0.7/22"),
            gateway: IPv4Address("10.20.0.1"),
            nameservers: [try #require(IPv4Address("10.20.0.2")), try #require(IPv4Address("10.20.0.3"))],
            mtu: 9000
        )
    }

    static func bonded(vlan: Int? = nil) throws -> InstallNetwork {
        var network = try fixed()
        let links = try ["eno1", "eno2"].map { try #require(LinkName($0)) }
        network.bond = .init(name: try #require(LinkName("bond0")), links: links, mode: .lacp)
        network.vlan = vlan
        return network
    }

    private static func tagged() throws -> InstallNetwork {
        InstallNetwork(link: .name(try #require(LinkName("eno1"))), vlan: 4094)
    }
}
