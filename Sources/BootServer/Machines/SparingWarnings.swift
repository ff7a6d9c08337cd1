import Logging
import NIOCore

/// Warnings that anybody on the segment can cause, as often as they like: a few are told, the others at the level `debug`.
struct SparingWarnings: Sendable {
    private let logger: Logger
    private let allowance = Allowance<Int>(burst: burst, interval: .seconds(10), keysMax: 1)

    /// Told at once; then one every ten seconds.
    static let burst = 10

    init(_ logger: Logger) { self.logger = logger }

    func warn(_ text: @autoclosure () -> String) {
        let text = text()
        logger.log(level: allowance.take(0) ? .warning : .debug, "\(text)")
    }
}
