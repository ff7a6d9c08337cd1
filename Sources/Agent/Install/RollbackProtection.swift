import HostModel
package import SystemPackage

/// Which signed images are too old for this node: those with a lower roll-back index (`ImageManifest.rollbackIndex`) than
/// one that was confirmed on its disk, or than the system that runs. An image that was signed once and has a hole stays
/// signed for ever; this is what keeps it from being installed again.
///
/// The highest index that was confirmed is kept in the state of an installed node. Nothing is compared where a slot of its
/// own disk starts: what is there was taken once, and a node that could start neither slot would be the worse end.
package struct RollbackProtection: Sendable {
    /// `nil` for what does not start from this machine's own disk.
    let state: NodeDirectory?
    /// Of the system that runs.
    let builtIn: FilePath

    package static let fileName = "rollback-index"

    package init(state: NodeDirectory?, builtIn: FilePath = "/etc/muster/rollback-index") {
        (self.state, self.builtIn) = (state, builtIn)
    }

    /// What was confirmed on this node's disk. A file that holds no number counts as none: who can damage it can remove it.
    package var kept: Int { state.map { Self.index($0.file(Self.fileName)) } ?? 0 }

    /// Of the initramfs, or of the root, that runs.
    package var running: Int { Self.index(builtIn) }

    private static func index(_ file: FilePath) -> Int {
        readLine(of: file).flatMap { Int($0) }.map { min(max($0, 0), ImageManifest.rollbackIndexes.upperBound) } ?? 0
    }

    /// A sentence of cause and one of remedy where an image of this index is too old; `nil` where it is not. A way back from
    /// a slot on trial leaves out what runs: that is what is given up.
    package func refusal(
        of title: String,
        index: Int?,
        besidesRunning leavesOutRunning: Bool = false
    ) -> (message: String, remedy: String)? {
        let (index, running) = (index ?? 0, leavesOutRunning ? 0 : running)
        let lowest = max(kept, running)
        guard index < lowest else { return nil }
        // Removing the file helps only where it is the file that says no.
        let removing =
            index < running
            ? "" : state.map { "; to allow older ones, remove \($0.file(Self.fileName)) on the node" } ?? ""
        return (
            "the image \(title) has the roll-back index \(index), and this node takes none below \(lowest): it is older "
                + "than one that closed a hole",
            "use an image with a rollback-index of \(lowest) or more" + removing
        )
    }

    /// An image of this index runs from this node's disk and was confirmed. What cannot be kept is no reason to stop it.
    func confirmed(index: Int?) {
        guard let index, index > kept else { return }
        try? state?.write(Array("\(index)\n".utf8), to: Self.fileName)
    }
}
