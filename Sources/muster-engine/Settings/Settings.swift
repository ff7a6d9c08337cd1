import HostModel

/// The settings that hold, each with where it came from: flags > environment > file > defaults.
struct Settings: Sendable {
    enum Origin: String, Sendable {
        case flag
        case environment
        case file
        case `default`
    }

    struct Entry: Hashable, Sendable {
        var text: String
        var origin: Origin
    }

    private(set) var entries: [Setting: Entry] = [:]

    /// - Parameters:
    ///   - flags: What the command line says.
    ///   - environment: The process's environment; a variable `MUSTER_ENGINE_…` that names no setting is an error.
    ///   - file: What the settings file says.
    /// - Throws: `StartFailure` for a variable, a key or a value that is none.
    init(flags: [Setting: String], environment: [String: String], file: [Setting: String]) throws(StartFailure) {
        try Self.refuseUnknown(environment)
        for setting in Setting.allCases {
            if let text = flags[setting] {
                entries[setting] = Entry(text: text, origin: .flag)
            } else if let text = environment[setting.variable] {
                entries[setting] = Entry(text: text, origin: .environment)
            } else if let text = file[setting] {
                entries[setting] = Entry(text: text, origin: .file)
            } else if let text = setting.fallback {
                entries[setting] = Entry(text: text, origin: .default)
            }
        }
    }

    subscript(_ setting: Setting) -> String? { entries[setting]?.text }

    /// The value of a setting that has a default.
    func text(_ setting: Setting) -> String { self[setting] ?? setting.fallback ?? "" }

    /// As a settings file, each line with where the value came from.
    var listing: String {
        Setting.allCases.map { setting in
            guard let entry = entries[setting] else { return "# \(setting.rawValue): not set" }
            return "\(setting.rawValue): \(terminalEscaped(entry.text))  # \(entry.origin.rawValue)"
        }
        .joined(separator: "\n")
    }

    private static func refuseUnknown(_ environment: [String: String]) throws(StartFailure) {
        let known = Set(Setting.allCases.map(\.variable))
        let ours = environment.keys.filter { $0.hasPrefix("MUSTER_ENGINE_") }
        guard let unknown = ours.sorted().first(where: { !known.contains($0) }) else { return }
        throw StartFailure(
            .configuration,
            "The environment variable \(unknown) names no setting.",
            remedy: "Run muster-engine serve --print-settings to see what there is."
        )
    }
}
