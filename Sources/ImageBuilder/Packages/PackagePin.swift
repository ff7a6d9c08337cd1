import HostModel

/// One version of one package, down to its bytes.
struct PackagePin: Hashable, Sendable, Codable {
    var name: String
    var version: String
    /// Bytes.
    var size: Int64
    var sha256: Nonce
    /// The package manager's word: `amd64`, `all`, `x86_64`, `noarch`; empty where it is not known.
    var architecture = ""
}

/// What apt says about a package: the stanza of its candidate version (deb-control(5)).
struct PackageRecord {
    var pin: PackagePin
    /// Names of the packages in Depends, first alternatives only.
    var depends: [String]
    /// Bytes on a disk, by the maintainer's word.
    var installedSize: Int64

    /// Reads the stanzas that `apt-cache show` prints; those without a size and a hash (installed by hand) are left out.
    static func parse(_ text: String) -> [PackageRecord] {
        var records: [PackageRecord] = []
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard !line.isEmpty else {
                PackageRecord(fields).map { records.append($0) }
                fields = [:]
                continue
            }
            guard let colon = line.firstIndex(of: ":"), line.first != " " else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
        }
        PackageRecord(fields).map { records.append($0) }
        return records
    }

    private init?(_ fields: [Substring: Substring]) {
        guard let name = fields["Package"], let version = fields["Version"], PackageRequest.isPackageName(name),
            let size = fields["Size"].flatMap({ Int64($0) }), let sha256 = fields["SHA256"].flatMap({ Nonce(hex: $0) })
        else { return nil }
        pin = PackagePin(
            name: String(name),
            version: String(version),
            size: size,
            sha256: sha256,
            architecture: String(fields["Architecture"] ?? "")
        )
        installedSize = (fields["Installed-Size"].flatMap { Int64($0) } ?? 0) << 10
        depends = (fields["Depends"] ?? "").split(separator: ",").compactMap { alternative in
            alternative.split { $0 == " " || $0 == "|" || $0 == "(" }.first.map(String.init)
        }
    }

    /// The installed packages and their versions by dpkg's `status`.
    static func installed(_ status: String) -> [String: String] {
        var packages: [String: String] = [:]
        var (name, version, isInstalled) = ("", "", false)
        let lines: [Substring] = status.split(separator: "\n", omittingEmptySubsequences: false) + [""]
        for line in lines {
            let value = line.drop { $0 != " " }.dropFirst()
            if line.hasPrefix("Package: ") { name = String(value) }
            if line.hasPrefix("Version: ") { version = String(value) }
            if line.hasPrefix("Status: ") { isInstalled = value.hasSuffix(" installed") }
            guard line.isEmpty else { continue }
            if isInstalled, !name.isEmpty { packages[name] = version }
            (name, version, isInstalled) = ("", "", false)
        }
        return packages
    }

    /// The name under which apt keeps the package's file.
    var fileName: String { "\(pin.name)_\(pin.version.replacing(":", with: "%3a"))_\(pin.architecture).deb" }

    /// The same stanzas for an archive that is a flat folder of such files.
    static func relocated(_ text: String) -> String {
        var result = ""
        var name = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let value = line.drop { $0 != " " }.dropFirst()
            if line.hasPrefix("Package: ") { name = String(value) }
            if line.hasPrefix("Version: ") { name += "_" + value.replacing(":", with: "%3a") }
            if line.hasPrefix("Architecture: ") { name += "_\(value).deb" }
            // In Debian's order these three come before it.
            result += line.hasPrefix("Filename: ") ? "Filename: ./\(name)\n" : "\(line)\n"
        }
        return result
    }
}
