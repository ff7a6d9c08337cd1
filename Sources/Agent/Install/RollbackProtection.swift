import HostModel
package import SystemPackage

/// Which signed images are too old for this node: those with a lower roll-back index (`ImageManifest.rollbackIndex`) than
/// one that it ran, or than the initramfs that it was started by. An image that was signed once and has a hole stays
/// signed for ever; this is what keeps it from coming back.
///
/// The highest index that ran is kept in the node's state. A node that keeps no state knows its initramfs's only, which
/// whoever can replace the initramfs can replace too: Secure Boot is what protects that one.
package struct RollbackProtection: Sendable {
    let state: NodeDirectory
    /// Of the system that runs.
    let builtIn: FilePath

    package static let fileName = "rollback-index"

    package init(state: NodeDirectory, builtIn: FilePath = "/etc/muster/rollback-index") {
        (self.state, self.builtIn) = (state, builtIn)
    }

    /// The lowest index that is taken. A file that holds no number counts as none: who can damage it can remove it.
    package var lowest: Int { max(Self.index(state.file(Self.fileName)), Self.index(builtIn)) }

    private static func index(_ file: FilePath) -> Int {
        readLine(of: file).flatMap { Int($0) }.map { min(max($0, 0), ImageManifest.rollbackIndexes.upperBound) } ?? 0
    }

    /// A sentence of cause and one of remedy where an image of this index is too old; `nil` where it is not.
    func refusal(of title: String, index: Int?) -> (message: String, remedy: String)? {
        let (index, lowest) = (index ?? 0, lowest)
        guard index < lowest else { return nil }
        return (
            "the image \(title) has the roll-back index \(index), and this node takes none below \(lowest): it is older "
                + "than one that closed a hole",
            "use an image with a rollback-index of \(lowest) or more; to allow older ones, remove "
                + "\(state.file(Self.fileName)) on the node"
        )
    }

    /// An image of this index runs, and is known to be good. What cannot be kept is no reason to stop it.
    func ran(index: Int?) {
        guard let index, index > Self.index(state.file(Self.fileName)) else { return }
        try? state.write(Array("\(index)\n".utf8), to: Self.fileName)
    }
}
