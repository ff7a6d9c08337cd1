import FoundationEssentials
import Glibc
import HostModel
import Synchronization

/// Says how far an installation is.
package final class InstallReporter: Sendable {
    package enum Form: String, Sendable, CaseIterable {
        case json, lines, bar
    }

    private let form: Form
    private let write: @Sendable (String) -> Void
    private let last: Mutex<(step: String, part: Int64)>

    /// Parts of a step after each of which a line is due: tenths, or hundredths of a bar.
    private var parts: Int64 { form == .lines ? 10 : 100 }

    /// `write` gets whole texts, with the end of their line.
    package init(_ form: Form, write: @escaping @Sendable (String) -> Void = InstallReporter.toStandardOutput) {
        (self.form, self.write) = (form, write)
        last = Mutex((step: "", part: -1))
    }

    package static let toStandardOutput: @Sendable (String) -> Void = { text in
        let bytes = Array(text.utf8)
        _ = Glibc.write(1, bytes, bytes.count)
    }

    /// What each step is called for a person.
    static let words = [
        "image": "reading the manifest", "partition": "partitioning", "slot": "writing the image",
        "verify": "reading it back", "state": "making the state partition", "loaders": "writing the boot loaders",
        "boot": "making it bootable", "trial": "arming the trial",
    ]

    package func tell(_ step: String, _ done: Int64 = 0, _ total: Int64 = 0) {
        let part = total > 0 ? done * parts / total : 0
        let isNews = last.withLock { last in
            guard last.step != step || last.part != part else { return false }
            last = (step, part)
            return true
        }
        guard isNews else { return }
        let words = Self.words[step] ?? step
        let size = total > 0 ? " \(done >> 20) of \(total >> 20) MiB" : ""
        switch form {
        case .json: line(InstallProgress(step: step, done: done, total: total))
        case .lines: write("\(words)\(size)\n")
        case .bar:
            let filled = Int(total > 0 ? done * 30 / total : 0)
            let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled)
            write("\r\u{1B}[K\(words) [\(bar)]\(size)" + (total > 0 && done == total ? "\n" : ""))
        }
    }

    /// A sentence beside the progress.
    package func say(_ sentence: String) {
        guard form != .json else { return }
        write((form == .bar ? "\r\u{1B}[K" : "") + sentence + "\n")
    }

    package func finish(_ sentence: String) {
        if form == .json { line(.finished) } else { say(sentence) }
    }

    package func fail(_ failure: InstallFailure) {
        if form == .json { line(InstallProgress(error: failure.message, remedy: failure.remedy)) }
    }

    private func line(_ progress: InstallProgress) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(progress) else { return }
        write(String(decoding: bytes, as: UTF8.self) + "\n")
    }
}
