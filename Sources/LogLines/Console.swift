import Glibc

/// Standard output or standard error, a line at a time: one write(2) each, so that lines of several tasks do not mix.
package enum Console: Int32, Sendable {
    case output = 1
    case error = 2

    /// What cannot be written is lost: there is nobody left to tell.
    package func write(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = Glibc.write(rawValue, bytes, bytes.count)
    }
}
