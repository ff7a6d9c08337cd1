import Foundation

/// What the kernel says of this process (/proc/self), as Prometheus's clients name it.
struct ProcessFigures: Sendable {
    var cpuSeconds = 0.0
    var residentBytes = 0.0
    var openFiles = 0
    /// Since 1970.
    var startSeconds = 0.0

    /// What cannot be read is 0.
    static func read() -> ProcessFigures {
        var figures = ProcessFigures()
        let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
        // The name in parentheses may hold anything; the fields after it are numbers.
        let stat = text("/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        if stat.count > 19, let user = Double(stat[11]), let system = Double(stat[12]), let start = Double(stat[19]) {
            figures.cpuSeconds = (user + system) / ticks
            figures.startSeconds = bootSeconds + start / ticks
        }
        let pages = text("/proc/self/statm").split(separator: " ")
        if pages.count > 1, let resident = Double(pages[1]) {
            figures.residentBytes = resident * Double(sysconf(Int32(_SC_PAGESIZE)))
        }
        figures.openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        return figures
    }

    private static var bootSeconds: Double {
        let line = text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst(6)) } ?? 0
    }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
