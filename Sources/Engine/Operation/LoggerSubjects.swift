import HostModel
import Logging

extension Logger {
    /// A log of which every entry says whose host it is about.
    func of(host: UniqueID) -> Logger { with("host", host.rawValue) }

    /// A log of which every entry names the job, and what was asked for when it began.
    func of(job: UniqueID, _ correlation: String? = nil) -> Logger {
        let logger = with("job", job.rawValue)
        return correlation.map { logger.with("correlation", $0) } ?? logger
    }

    private func with(_ key: String, _ value: String) -> Logger {
        var logger = self
        logger[metadataKey: key] = "\(value)"
        return logger
    }
}
