import EngineClient

/// Shows how far an upload is: one line that changes on a terminal, one line a finished file elsewhere.
struct UploadMeter: Sendable {
    var isLive: Bool
    var write: @Sendable (String) -> Void

    func report(_ progress: ImageUpload.Progress) {
        let isDone = progress.sentBytes >= progress.totalBytes
        let line = "\(progress.file)  \(mebibytes(progress.sentBytes)) of \(mebibytes(progress.totalBytes))"
        if isLive {
            write("\r\u{1B}[K\(line)\(isDone ? "\n" : "")")
        } else if isDone {
            write(line + "\n")
        }
    }
}
