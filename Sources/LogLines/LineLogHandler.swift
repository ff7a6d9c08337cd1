import FoundationEssentials
package import Logging

/// One line an entry to standard error, in the format that the settings say, and into `recent` where somebody may ask for it
/// later.
package struct LineLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let recent: RecentLines?

    package init(label: String, format: LogFormat = .text, recent: RecentLines? = nil) {
        (self.label, self.format, self.recent) = (label, format, recent)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        // Hummingbird numbers its requests; ours have correlation ids.
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.filter { $0.key != "hb.request.id" }
        let line = format.line(.now, label, event.level, "\(event.message)", all.mapValues { "\($0)" })
        recent?.add(line)
        Console.error.write(line)
    }
}
