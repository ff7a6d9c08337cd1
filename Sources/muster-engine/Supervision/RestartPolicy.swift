/// When a child that fell is started again: always, after a pause that grows.
struct RestartPolicy: Sendable {
    /// The first pause; each following one is twice as long, up to `pauseMax`.
    static let pauseFirst = Duration.milliseconds(500)
    static let pauseMax = Duration.seconds(30)
    /// A child that ran so long was healthy: what follows is a new trouble.
    static let healthy = Duration.seconds(60)

    /// Falls in a row, as far as they make the pause longer.
    private var doublings = 0

    /// The child fell after it ran for `duration`. The pause before its next start.
    mutating func fell(afterRunning duration: Duration) -> Duration {
        if duration >= Self.healthy { doublings = 0 }
        let pause = Self.pauseFirst * (1 << doublings)
        guard pause < Self.pauseMax else { return Self.pauseMax }
        doublings += 1
        return pause
    }
}
