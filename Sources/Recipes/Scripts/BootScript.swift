import HostModel

/// A finished script for one machine.
package struct BootScript: Hashable, Sendable {
    /// What the script does.
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Loads a kernel and an initramfs and starts them.
        case run
        /// Loads the image's signed EFI program, which the firmware checks.
        case verified
        /// The same as `run`, and the node installs itself on a disk of the machine.
        case install
        /// Loads an installer, which fetches its kickstart from here.
        case kickstart
        /// Hands over to the machine's own disk.
        case local
        /// Gives the machine nothing; its firmware goes on by itself.
        case deny
        /// Shows why there is nothing to boot yet, waits, and asks again.
        case wait

        /// The file of the `pxe` directory.
        package var fileName: String { "\(rawValue).ipxe.template" }

        var placeholders: Set<String> {
            switch self {
            case .run, .install:
                ["mac", "host", "profile", "reason", "image", "kernel", "initramfs", "arguments", "event"]
            case .verified: ["mac", "host", "profile", "reason", "image", "program", "event"]
            case .kickstart:
                [
                    "mac", "host", "profile", "reason", "image", "kernel", "initramfs", "arguments", "event",
                    "first_stage",
                ]
            case .local: ["mac", "host", "profile", "reason", "event"]
            case .deny: ["mac", "host", "reason"]
            case .wait: ["mac", "reason", "first_stage"]
            }
        }
    }

    package var kind: Kind
    package var text: String
}
