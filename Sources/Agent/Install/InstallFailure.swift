import BlockDevices
import HostModel

/// Why nothing was installed: one sentence of cause and one of what to do, each without a full stop, both safe on a terminal.
package struct InstallFailure: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The disk or the image is not one to be used: exit code 65.
        case refused
        /// The disk or the network went away: 69.
        case unavailable
        /// Our own fault, or the system's: 70.
        case fault
        /// It may be better next time: 75.
        case tryAgain
    }

    package var kind: Kind
    package var message: String
    package var remedy: String

    package init(_ kind: Kind, _ message: String, remedy: String) {
        (self.kind, self.message, self.remedy) = (kind, message, remedy)
    }

    /// Whatever was thrown, as a sentence.
    package init(_ error: any Error) {
        switch error {
        case let failure as InstallFailure: self = failure
        case let failure as LiveRootFailure:
            let kind: Kind =
                switch failure.kind {
                case .argument, .refused: .refused
                case .network: .tryAgain
                case .medium: .unavailable
                case .memory, .system: .fault
                }
            self.init(kind, failure.message, remedy: failure.remedy)
        case let refusal as DiskSelector.Refusal:
            self.init(.refused, "\(refusal)", remedy: "name the disk by its serial number: serial=…")
        case let error as BlockDeviceError:
            self.init(
                .unavailable,
                "\(error)",
                remedy: "see the kernel's messages (dmesg); the disk may be failing or in use"
            )
        case let refusal as InstalledLayout.Refusal:
            self.init(.refused, "the disk is too small: \(refusal)", remedy: "choose a larger disk, or set --slot-size")
        case let refusal as SlotArguments.Refusal:
            self.init(
                .refused,
                "\(refusal)",
                remedy: "correct the kernel arguments of the boot profile or of the image"
            )
        case let refusal as DiskLoaders.Refusal:
            self.init(
                .refused,
                "the image's loaders cannot be read: \(refusal)",
                remedy: "build and publish the image again"
            )
        default:
            self.init(.fault, terminalEscaped("\(error)".prefix(300)), remedy: "please report this")
        }
    }
}

extension InstallFailure: CustomStringConvertible {
    package var description: String { "\(message); \(remedy)" }
}
