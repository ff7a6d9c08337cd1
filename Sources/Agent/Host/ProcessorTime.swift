/// Ticks that the processors spent, of /proc/stat.
package struct ProcessorTime: Hashable, Sendable {
    package struct Ticks: Hashable, Sendable {
        package var user = 0
        package var system = 0
        package var idle = 0

        init() {}

        /// user, nice, system, idle, iowait, irq, softirq, steal
        init?(_ words: ArraySlice<Substring>) {
            let values = words.prefix(8).compactMap { Int($0) }
            guard values.count >= 4 else { return nil }
            user = values[0] &+ values[1]
            idle = values[3] &+ (values.count > 4 ? values[4] : 0)
            system = values[2] &+ values.dropFirst(5).reduce(0, &+)
        }
    }

    package private(set) var all = Ticks()
    package private(set) var each: [Int: Ticks] = [:]
    /// Seconds since 1970 at which the host started.
    package private(set) var bootTime = 0

    package init() {}

    package init(stat text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard let name = words.first else { continue }
            if name == "btime", words.count > 1 {
                bootTime = Int(words[1]) ?? 0
            } else if name.hasPrefix("cpu"), let ticks = Ticks(words.dropFirst()) {
                if let number = Int(name.dropFirst(3)) { each[number] = ticks } else { all = ticks }
            }
        }
    }

    /// Shares in percent between two readings; all idle when no time has passed.
    package static func shares(from before: Ticks, to now: Ticks) -> (user: Double, system: Double, idle: Double) {
        let (user, system) = (max(0, now.user &- before.user), max(0, now.system &- before.system))
        let idle = max(0, now.idle &- before.idle)
        let total = Double(user) + Double(system) + Double(idle)
        guard total > 0 else { return (0, 0, 100) }
        return (Double(user) * 100 / total, Double(system) * 100 / total, Double(idle) * 100 / total)
    }
}

/// With two decimals and a point, whatever the locale.
func percentText(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
}
