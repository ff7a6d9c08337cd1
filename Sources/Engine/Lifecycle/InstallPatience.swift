import Synchronization

/// Tells once in a step that it waits, when it has met failures for a while: what ends at once is nobody's news.
final class InstallPatience: Sendable {
    private let begin: Int64
    private let quiet: Int64
    private let tell: @Sendable (AgentFailure) async -> Void
    private let isTold = Atomic(false)

    /// `begin`: when the step began; `quiet`: how long nothing is told; both in milliseconds.
    init(from begin: Int64, _ quiet: Int64, tell: @escaping @Sendable (AgentFailure) async -> Void) {
        (self.begin, self.quiet, self.tell) = (begin, quiet, tell)
    }

    func met(_ failure: AgentFailure, at now: Int64) async {
        guard now - begin >= quiet, !isTold.exchange(true, ordering: .relaxed) else { return }
        await tell(failure)
    }
}
