/// What a build is doing, for the person who waits.
package struct BuildProgress: Hashable, Sendable {
    /// In the order in which they run; an image without a root image has no `base` to `root`.
    package enum Stage: String, CaseIterable, Hashable, Sendable {
        /// Versions are decided and packages fetched.
        case packages
        /// The tree with its packages, as the distribution makes it.
        case base
        /// Files, accounts and services of the definition.
        case customise
        /// What is left out.
        case trim
        /// The root image.
        case root
        /// The kernel and the modules of the first stage.
        case kernel
        /// The first stage's rarely changing part.
        case system
        /// The agent in the first stage.
        case agent
        /// The first stage's own files.
        case node
        /// What makes a disk boot that the image is installed to.
        case loaders
        /// ISO and disk images.
        case media
        /// Everything together, with its manifest.
        case image
    }

    /// How far a stage is, in a unit of its own.
    package struct Amount: Hashable, Sendable {
        package enum Unit: String, Hashable, Sendable {
            case bytes
            case packages
        }

        package var done: Int64
        package var total: Int64
        package var unit: Unit

        package init(done: Int64, total: Int64, unit: Unit) { (self.done, self.total, self.unit) = (done, total, unit) }
    }

    package var stage: Stage
    /// A sentence: "unpacking linux-image-6.1.0-56-amd64".
    package var detail: String
    /// True when the stage's result was at hand from an earlier build.
    package var cached: Bool
    /// `nil` for what cannot be counted.
    package var amount: Amount?
    /// True when the stage is done; one such progress for each stage that a build has.
    package var isFinished: Bool

    package init(
        stage: Stage,
        detail: String,
        cached: Bool = false,
        amount: Amount? = nil,
        isFinished: Bool = false
    ) {
        (self.stage, self.detail, self.cached) = (stage, detail, cached)
        (self.amount, self.isFinished) = (amount, isFinished)
    }
}

extension BuildProgress: CustomStringConvertible {
    /// One line for a log: `kernel    329 modules of 6.1.0-56-amd64 (cached)`.
    package var description: String {
        let padding = String(repeating: " ", count: max(1, 10 - stage.rawValue.utf8.count))
        return stage.rawValue + padding + detail + (cached ? " (cached)" : "")
    }
}
