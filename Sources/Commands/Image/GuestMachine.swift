import Foundation
import HostModel
import SystemPackage

/// The QEMU guest that boots one output of an image: its command line, and nothing of its own on disk.
struct GuestMachine: Hashable, Sendable {
    /// Files of Debian's `ovmf`.
    static let firmwareCode = "/usr/share/OVMF/OVMF_CODE_4M.fd"
    static let firmwareVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd"
    static let program = "qemu-system-x86_64"

    enum Media: Hashable, Sendable {
        case direct(kernel: String, initramfs: String, arguments: String)
        case optical(String)
        case disk(String)
        case stick(String)
    }

    var name: String
    var media: Media
    var isUEFI: Bool
    /// MiB.
    var memory: Int
    var hasNetwork: Bool
    var usesKVM: Bool
    /// The folder whose files the guest gets by HTTP at `webAddress`, over QEMU's own network.
    var webRoot: String?

    /// In the network that QEMU's user mode makes, and neither its gateway nor its name server.
    static let webAddress = "10.0.2.100"
    /// QEMU starts it for each connection, so that nothing listens on this machine and nothing is left over.
    static let webServer = "/usr/bin/busybox"

    /// The arguments, without the program's name. Disks and firmware variables are written to a snapshot that goes with the
    /// machine; a reboot ends it.
    var arguments: [String] {
        var arguments = [
            "-name", name, "-machine", "q35", "-accel", usesKVM ? "kvm" : "tcg", "-cpu", usesKVM ? "host" : "max", "-m",
            String(memory), "-nodefaults", "-no-user-config", "-display", "none", "-serial", "mon:stdio",
            "-no-reboot", "-device", "virtio-rng-pci",
        ]
        if isUEFI {
            arguments += ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=\(Self.firmwareCode)"]
            arguments += ["-drive", "if=pflash,format=raw,unit=1,snapshot=on,file=\(Self.firmwareVariables)"]
        }
        switch media {
        case .direct(let kernel, let initramfs, let line):
            arguments += ["-kernel", kernel, "-initrd", initramfs, "-append", line]
        case .optical(let file):
            arguments += ["-drive", "if=none,id=medium,format=raw,media=cdrom,readonly=on,file=\(Self.escaped(file))"]
            arguments += ["-device", "ide-cd,drive=medium,bootindex=1"]
        case .disk(let file):
            arguments += ["-drive", "if=none,id=medium,format=raw,snapshot=on,file=\(Self.escaped(file))"]
            arguments += ["-device", "virtio-blk-pci,drive=medium,bootindex=1"]
        case .stick: break
        }
        if case .stick(let file) = media {
            arguments += ["-drive", "if=none,id=medium,format=raw,snapshot=on,file=\(Self.escaped(file))"]
            arguments += ["-device", "qemu-xhci", "-device", "usb-storage,drive=medium,bootindex=1"]
        }
        arguments += ["-nic", network]
        return arguments
    }

    private var network: String {
        guard hasNetwork else { return "none" }
        guard let webRoot else { return "user,model=virtio-net-pci" }
        // This machine's own settings could name interpreters. QEMU takes the command apart as a shell would.
        let command = "\(Self.webServer) httpd -i -c /dev/null -h \(ImageRun.quoted(webRoot))"
        return "user,model=virtio-net-pci,guestfwd=tcp:\(Self.webAddress):80-cmd:\(Self.escaped(command))"
    }

    /// A comma ends a value of an option unless it is doubled.
    private static func escaped(_ file: String) -> String { file.replacing(",", with: ",,") }

    /// KVM where this user may use it and the processor has it; a machine without either flag has a /dev/kvm that emulates.
    static var canUseKVM: Bool {
        guard access("/dev/kvm", R_OK | W_OK) == 0,
            let information = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
            let flags = information.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
        else { return false }
        return flags.split(separator: " ").contains { $0 == "vmx" || $0 == "svm" }
    }

    /// Becomes QEMU: the terminal, the signals and the exit status are its own then, and nothing of this program is left to
    /// clean up. Comes back only when it could not be started.
    func become() -> UserError {
        let program = ["/usr/bin", "/usr/local/bin", "/usr/libexec"].map { "\($0)/\(Self.program)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let program else {
            return UserError(
                .unavailable,
                "\(Self.program) is not on this machine",
                remedy: "apt-get install qemu-system-x86"
            )
        }
        var pointers = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        // A thread of the pool has its signals blocked, and a program that it becomes would keep that.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        signal(SIGPIPE, SIG_DFL)
        execv(program, &pointers)
        return UserError(
            .unavailable,
            "\(program) could not be started: \(Errno(rawValue: errno))",
            remedy: "see whether it works by hand"
        )
    }
}
