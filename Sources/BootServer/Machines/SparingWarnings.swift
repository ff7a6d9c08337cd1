import BootWire
import HostModel
import Logging
import NIOCore

/// Warnings that anybody on the segment can cause, as often as they like: a few are told, the others at the level `debug`.
struct SparingWarnings: Sendable {
    private let logger: Logger
    private let allowance = Allowance<Int>(burst: burst, interval: .seconds(10), keysMax: 1)

    /// Told at once; then one every ten seconds.
    static let burst = 10

    init(_ logger: Logger) { self.logger = logger }

    /// True when it was told as a warning.
    @discardableResult
    func warn(_ text: @autoclosure () -> String) -> Bool {
        let text = text()
        let isTold = allowance.take(0)
        logger.log(level: isTold ? .warning : .debug, "\(text)")
        return isTold
    }

    /// A relay that is not believed: nobody behind it boots, so that it is an event of the machine too.
    ///
    /// `summary` names the message for the log.
    func tell(
        ofUnknown relay: IPAddress,
        _ summary: @autoclosure () -> String,
        of mac: MACAddress?,
        _ onEvent: (BootEvent) -> Void
    ) {
        let isTold = warn("\(summary()): no answer, the relay \(relay) is not known; name it with --relay")
        guard isTold, let mac else { return }
        let detail =
            "was not answered: nobody knows its relay \(relay); name it with --boot-relay (muster-boot --relay)"
        onEvent(BootEvent(mac: mac, stage: .failed, detail: detail, address: relay.v4))
    }
}
