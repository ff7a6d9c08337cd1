/// Decides when a disk may be chosen while a machine's disks still turn up one after the other.
///
/// A disk that is named is taken as soon as it is there. A rule fits whatever came first: it is only asked once no disk has
/// come or gone for a while, so that a quick one does not win because a slow controller is still looking for the other.
package struct DiskWait: Hashable, Sendable {
    /// How long all must be quiet before a rule is asked.
    package static let quietSeconds = 10

    private let selector: DiskSelector
    private var known: Set<String> = []
    private var quietSince = 0

    package init(for selector: DiskSelector) { self.selector = selector }

    /// True when the selector may choose from these disks, `second` seconds after the first look.
    package mutating func isOver(_ disks: [DiskReport], at second: Int) -> Bool {
        let names = Set(disks.map { "\($0.name) \($0.bytes) \($0.serial)" })
        if names != known { (known, quietSince) = (names, second) }
        guard (try? selector.choose(from: disks)) != nil else { return false }
        return selector.namesOne || second - quietSince >= Self.quietSeconds
    }
}
