/// Whether and when a child that fell is started again.
struct RestartPolicy: Sendable {
    enum Decision: Hashable, Sendable {
        case restart(after: Duration)
        case giveUp
    }

    /// The first pause; each following one is twice as long, up to `pauseMax`.
    static let pauseFirst = Duration.milliseconds(500)
    static let pauseMax = Duration.seconds(30)
    /// A child that ran so long was healthy: what follows is a new trouble.
    static let healthy = Duration.seconds(60)
    /// Falls in a row before the supervisor gives up.
    static let fallsMax = 10

    private(set) var falls = 0

    /// The child fell after it ran for `duration`.
    mutating func fell(afterRunning duration: Duration) -> Decision {
        falls = duration >= Self.healthy ? 1 : falls + 1
        guard falls < Self.fallsMax else { return .giveUp }
        let pause = Self.pauseFirst * (1 << (falls - 1))
        return .restart(after: min(pause, Self.pauseMax))
    }
}
