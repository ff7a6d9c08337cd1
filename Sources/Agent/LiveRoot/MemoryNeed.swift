/// Whether a machine has the memory for a live root, and how much of it the overlay may take. Mebibytes throughout.
package struct MemoryNeed: Hashable, Sendable {
    /// Memory that the root image takes; 0 when it stays on its medium.
    package var image: Int
    /// What the system needs beside it while it starts: programs, the page cache's working set, a little overlay.
    package static let reserve = 64
    /// The smallest overlay: logs, state, leases.
    package static let smallestOverlay = 16

    /// `rootBytes`: bytes of a root image that is to be held in memory.
    package init(rootBytes: Int64) { image = Int((rootBytes + (1 << 20) - 1) >> 20) }

    package var total: Int { image + Self.reserve }

    /// Throws unless this much is available.
    package func check(_ memory: MemoryInformation) throws(LiveRootFailure) {
        let have = memory.mebibytes("MemAvailable")
        guard have < total else { return }
        let what =
            image > 0 ? "\(image) MiB for the root image and \(Self.reserve) MiB to run" : "\(Self.reserve) MiB to run"
        throw LiveRootFailure(
            .memory,
            "the live root needs \(total) MiB of free memory (\(what)); this machine has \(have) MiB free of "
                + "\(memory.mebibytes("MemTotal")) MiB",
            remedy: "give the machine \(total - have) MiB more, or boot a smaller image"
        )
    }

    /// The size of the overlay, with the image already in memory: half of what is left.
    package static func overlay(_ memory: MemoryInformation) -> Int {
        max(smallestOverlay, memory.mebibytes("MemAvailable") / 2)
    }
}
