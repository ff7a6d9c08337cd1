/// A line of `--progress json`: where an installation or an upgrade stands. The last line has `result` or `error`.
package struct InstallProgress: Hashable, Sendable, Codable {
    /// `partition`, `slot`, `verify`, `loaders`, `state`, `boot`.
    package var step: String?
    /// Bytes of the step that are done, and of the whole step.
    package var done: Int64?
    package var total: Int64?
    /// `done`.
    package var result: String?
    /// A sentence without a full stop, and one of what to do.
    package var error: String?
    package var remedy: String?

    package init(step: String, done: Int64 = 0, total: Int64 = 0) {
        (self.step, self.done, self.total) = (step, done, total)
    }

    package init(error: String, remedy: String) { (self.error, self.remedy) = (error, remedy) }

    private init(result: String) { self.result = result }

    package static let finished = InstallProgress(result: "done")
}
