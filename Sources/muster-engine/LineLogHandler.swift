import Foundation
import HostModel
import Logging

/// One line an entry to standard error: level, message, metadata. Everything is escaped, because names and addresses
/// in it come from machines. The time is the journal's affair where there is one; without one it leads the line.
struct LineLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let label: String

    init(label: String) { self.label = label }

    /// The longest line, in bytes; what is over is cut.
    static let lengthMax = 4096

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        // Hummingbird numbers its requests; ours have correlation ids.
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.filter { $0.key != "hb.request.id" }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let text = terminalEscaped("\(event.message)\(details)").prefix(Self.lengthMax)
        let time = Date.now.formatted(.iso8601)
        Console.error.write("\(time) \(label) \(event.level): \(text)")
    }
}
