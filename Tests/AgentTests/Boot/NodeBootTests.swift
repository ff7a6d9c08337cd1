import Agent
import Glibc
import HostModel
import Subprocess
import SystemPackage
import Testing

/// The node image itself: what is in it, and what it does on a machine. One guest at a time.
@Suite(.serialized, .enabled(if: getenv("MUSTER_TEST_BOOT").map { String(cString: $0) } == "1"))
struct NodeBootTests {
    /// `word`, as `openssl passwd -6` hashes it.
    private static let adminPassword =
        "adminpw=$6$musternode$v4Xtro9WQ9pOXcnyfvBHHTVZScAehO7GmHpnBl8u6IdC2mqmMh2ieH5llvDDVgrI/zJ2ZKSq6mBJxRfvrRSaC1"

    @Test("the image holds every driver and every script that its definition and its init name")
    func contents() async throws {
        let image = try await NodeImage.build()
        let script = #filePath.replacing("NodeBootTests.swift", with: "list-initramfs.py")
        let list = try await NodeImage.output("python3", [script, image.file("initramfs.zst")])
        let names = Set(list.split(separator: "\n").map(String.init))
        let drivers = Set(
            names.filter { $0.hasSuffix(".ko") }.compactMap { FilePath($0).stem }.map { $0.replacing("-", with: "_") }
        )
        let wanted = [
            "bridge", "8021q", "bonding", "dummy", "virtio_net", "virtio_blk", "e1000e", "igb", "ixgbe", "i40e", "ice",
            "tg3",
            "bnxt_en", "mlx5_core", "kvm_amd", "kvm_intel", "nvme", "ahci", "megaraid_sas", "mpt3sas",
            "usb_storage",
            "uas", "xhci_pci", "usbhid", "hid_generic", "ipmi_si", "iTCO_wdt", "vfat", "ext4",
        ]
        #expect(Set(wanted).subtracting(drivers).isEmpty)
        let scripts = [
            "run", "logged", "boot-network", "console", "hotplug", "device", "settle", "mount-state", "load-drivers",
        ]
        #expect(scripts.allSatisfy { names.contains("usr/lib/muster/\($0)") })
        let applets = ["uevent", "findfs", "readlink", "modprobe", "udhcpc", "setsid", "ping", "stat"]
        for applet in applets {
            #expect(["bin", "sbin", "usr/bin", "usr/sbin"].contains { names.contains("\($0)/\(applet)") }, "\(applet)")
        }
    }

    private func disk(_ type: String, in folder: TemporaryDirectory) async throws -> String {
        let file = folder.directory.file("disk").string
        _ = try await NodeImage.output("truncate", ["-s", "48M", file])
        switch type {
        case "vfat": _ = try await NodeImage.output("/usr/sbin/mkfs.vfat", ["-n", "MUSTERSTATE", file])
        default: _ = try await NodeImage.output("/usr/sbin/mke2fs", ["-q", "-t", type, "-L", "MUSTER-STATE", file])
        }
        return file
    }

    private func engine(_ folder: TemporaryDirectory) async throws -> StandInEngine {
        try await StandInEngine(
            authority: try TestAuthority(),
            run: folder.directory,
            behaviour: StandInEngine.Behaviour(isAttended: false)
        )
    }

    private func arguments(_ engine: StandInEngine) throws -> String {
        let fingerprint = try #require(engine.authority.fingerprint)
        return "management_server=10.0.2.2:\(engine.port) management_server_fingerprint=\(fingerprint)"
    }

    @Test(
        "a state partition keeps key and certificate: after a power cut nobody is asked",
        arguments: ["vfat", "ext4"]
    )
    func rebootKeepsTheCertificate(type: String) async throws {
        let (image, folder) = (try await NodeImage.build(), TemporaryDirectory())
        let (engine, disk) = (try await engine(folder), try await disk(type, in: folder))
        let virtio = ["-drive", "if=virtio,format=raw,file=\(disk)"]
        try await Guest.run(image, arguments: try arguments(engine), options: virtio) { guest in
            engine.show(try await guest.code())
            try await guest.await("State: approved")
        }
        #expect(engine.received.count == 1)
        // ext4: the partition turns up on USB only when the node waits for approval already.
        let isLate = type == "ext4"
        engine.attend(false)
        let usb = ["-drive", "if=none,id=late,format=raw,file=\(disk)"]
        try await Guest.run(image, arguments: try arguments(engine), options: isLate ? usb : virtio) { guest in
            if isLate {
                _ = try await guest.code()
                try await guest.monitor("device_add usb-storage,drive=late")
            }
            try await guest.await("State: approved")
            #expect(isLate || !guest.screen.contains("Approval code"))
        }
        #expect(engine.received.count == (isLate ? 2 : 1))
        try await engine.stop()
    }

    @Test("kill -9 of register, apply and serve brings each back, the claim under the same code; a late keyboard works")
    func respawn() async throws {
        let (image, folder) = (try await NodeImage.build(), TemporaryDirectory())
        let engine = try await engine(folder)
        try await Guest.run(image, arguments: try "\(arguments(engine)) \(Self.adminPassword)") { guest in
            let code = try await guest.code()
            try await guest.monitor("device_add usb-kbd")
            try await guest.openShell()
            let mark = guest.screen.count
            try await guest.type("p() { ps | grep \"[b]in/muster-agent $1\" | awk '{ print $1 }'; }\\r")
            for service in ["register", "apply", "serve"] {
                try await guest.type(
                    "a=$(p \(service)); kill -9 $a; b=$a; while [ -z \"$b\" ] || [ \"$b\" = \"$a\" ]; do sleep 1; "
                        + "b=$(p \(service)); done; echo \(service) is back: $((1 + 1))\\r"
                )
                try await guest.await("\(service) is back: 2", after: mark)
            }
            try await guest.type(
                "until [ -d /sys/module/usbhid ]; do sleep 1; done; echo usbhid is loaded: $((1 + 1))\\r"
            )
            try await guest.await("usbhid is loaded: 2", after: mark)
            try await guest.type("ls -l /var/log; exit\\r")
            try await guest.await("Approval code: ", after: try await guest.await("muster-agent.log", after: mark))
            #expect(try await guest.code() == code && engine.received.count == 1)
            engine.show(code)
            try await guest.await("State: approved", after: mark)
        }
        try await engine.stop()
    }
}
