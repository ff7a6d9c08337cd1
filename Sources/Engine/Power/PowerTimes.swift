/// oVirt's timers of fencing (engine-config defaults), in milliseconds.
package struct PowerTimes: Sendable, Hashable {
    /// How long an agent that was restarted over SSH may take to answer.
    package var soft: Int64 = 60_000
    /// Between two looks while something is waited for.
    package var poll: Int64 = 3000
    /// FenceStart/StopStatusDelayBetweenRetries: between two questions whether a machine is on.
    package var ask: Int64 = 10_000
    /// FenceStart/StopStatusRetries × the above: how long a machine may take to be on or off.
    package var confirm: Int64 = 180_000
    /// ServerRebootTimeout.
    package var comeBack: Int64 = 600_000
    /// DisableFenceAtStartupInSec.
    package var quietStart: Int64 = 300_000
    /// FenceQuietTimeBetweenOperationsInSec: how long the engine leaves a machine alone that was just switched.
    package var quietBetween: Int64 = 180_000
    /// KdumpStartedTimeout: how long a crash dump may take to be heard of.
    package var kdump: Int64 = 30_000
    /// After so long without a word of it a dump is over.
    package var kdumpSilence: Int64 = 30_000
    /// How long a dump may hold the power up.
    package var kdumpMax: Int64 = 3_600_000
    /// Orders that a board may fail, and questions in a row.
    package var ordersMax = 2
    package var asksMax = 3
    /// After a failure, until the engine tries by itself again; doubled by each failure up to the other.
    package var retry: Int64 = 60_000
    package var retryMax: Int64 = 3_600_000
    /// Boards that are asked at once, and how long one more waits for its turn.
    package var atOnce = 64
    package var turn: Int64 = 120_000

    package init() {}
}
