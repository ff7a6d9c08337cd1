/// What a build is doing, for the person who waits.
package struct BuildProgress: Hashable, Sendable {
    package enum Stage: String, CaseIterable, Hashable, Sendable {
        case packages
        case kernel
        case system
        case node
        case media
        case image
    }

    package var stage: Stage
    /// A sentence: "unpacking linux-image-6.1.0-56-amd64".
    package var detail: String
    /// True when the stage's result was at hand from an earlier build.
    package var cached: Bool

    package init(stage: Stage, detail: String, cached: Bool = false) {
        (self.stage, self.detail, self.cached) = (stage, detail, cached)
    }
}

extension BuildProgress: CustomStringConvertible {
    /// One line for a log: `kernel    329 modules of 6.1.0-56-amd64 (cached)`.
    package var description: String {
        let padding = String(repeating: " ", count: max(1, 10 - stage.rawValue.utf8.count))
        return stage.rawValue + padding + detail + (cached ? " (cached)" : "")
    }
}
