/// The steps of work on a host's disks. Each may be run again after it was done: a killed engine starts the stored step
/// anew.
enum ImageJobStep: String, CaseIterable, Hashable, Sendable, Codable {
    /// Looks whether the host can do it now, and notes what runs on it.
    case prepare
    /// The node writes; or, of a rollback, arms the other slot.
    case write
    case reboot
    /// Waits until the node is back and has shown that the image does its work.
    case comeBack = "come_back"

    func title(_ kind: ImageJobRow.Kind) -> String {
        switch (self, kind) {
        case (.prepare, _): "Look at the host"
        case (.write, .installDisk): "Write the image to the disk"
        case (.write, .upgrade): "Write the image to the other slot"
        case (.write, .rollback): "Choose the other slot"
        case (.write, .reboot): "Write nothing"
        case (.reboot, _): "Reboot"
        case (.comeBack, .installDisk): "Come back from the disk"
        case (.comeBack, .reboot): "Come back"
        case (.comeBack, _): "Come back with the image, and prove it"
        }
    }

    /// What such a job does, in this order.
    static func all(of kind: ImageJobRow.Kind) -> [ImageJobStep] {
        kind == .reboot ? [.prepare, .reboot, .comeBack] : allCases
    }

    func next(_ kind: ImageJobRow.Kind) -> ImageJobStep? {
        Self.all(of: kind).drop { $0 != self }.dropFirst().first
    }
}

/// Why work on a host's disks ended without what was wanted.
struct ImageJobFailure: Error, Hashable, Sendable {
    /// A sentence, escaped.
    var reason: String
    var remedy: String

    init(_ reason: String, remedy: String) { (self.reason, self.remedy) = (reason, remedy) }
}

/// How long the steps may take, in milliseconds.
package struct ImageWorkTimes: Sendable {
    package var prepare: Int64 = 180_000
    /// As long as the agent lets it run, and a little more.
    package var write: Int64 = 11_400_000
    /// ServerRebootTimeout.
    package var reboot: Int64 = 600_000
    /// Three tries of a new image, ten minutes each until it must have proved itself, and the way back; firmware of servers
    /// takes minutes.
    package var comeBack: Int64 = 3_600_000
    /// The pause between two looks at the node.
    package var poll: Int64 = 2000
    /// A node that is still there so long after its reboot was ordered is told again.
    package var rebootAgain: Int64 = 120_000
    /// How often one work is ordered of a node that does not know it any more: it was switched off in the middle.
    package var ordersMax = 3

    package init() {}
}
