/// The name of a unit of systemd: `ssh.service`, `getty@tty1.service` (systemd.unit(5)).
package struct UnitName: Hashable, Sendable {
    private static let suffixes = [
        "service", "socket", "timer", "target", "mount", "automount", "path", "swap", "slice",
    ]
    /// systemd's UNIT_NAME_MAX, in bytes.
    private static let longest = 255

    package let text: String

    /// Takes a name without a suffix for a service.
    package init?(_ text: some StringProtocol) {
        let hasSuffix = Self.suffixes.contains { text.hasSuffix("." + $0) }
        let name = hasSuffix ? String(text) : text + ".service"
        func isAllowed(_ byte: UInt8) -> Bool {
            (97...122).contains(byte | 0x20) || (48...57).contains(byte) || [45, 46, 58, 64, 92, 95].contains(byte)
        }
        guard name.utf8.count <= Self.longest, !text.isEmpty, !name.hasPrefix("-"), !name.hasPrefix("."),
            name.utf8.allSatisfy(isAllowed)
        else { return nil }
        self.text = name
    }

    /// `getty@.service` for `getty@tty1.service`; `nil` for what is no instance.
    package var template: String? {
        guard let at = text.firstIndex(of: "@"), let dot = text.lastIndex(of: "."), text.index(after: at) < dot else {
            return nil
        }
        return String(text[...at]) + String(text[dot...])
    }
}

/// The `[Install]` section of a unit file: the links that enabling it makes.
struct UnitFile: Hashable {
    var wantedBy: [String] = []
    var requiredBy: [String] = []
    var aliases: [String] = []
    /// Units that are enabled along with it.
    var also: [String] = []

    /// Reads what counts here out of a unit file; everything else is systemd's.
    init(_ text: String) {
        var isInstall = false
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingPrefix { $0 == " " || $0 == "\t" }
            if line.hasPrefix("[") { isInstall = line.hasPrefix("[Install]") }
            guard isInstall, let equals = line.firstIndex(of: "=") else { continue }
            let key = line[..<equals].split(separator: " ").first ?? ""
            let names = line[line.index(after: equals)...].split(separator: " ").compactMap { UnitName($0)?.text }
            switch key {
            case "WantedBy": wantedBy += names
            case "RequiredBy": requiredBy += names
            case "Alias": aliases += names
            case "Also": also += names
            default: break
            }
        }
    }
}
