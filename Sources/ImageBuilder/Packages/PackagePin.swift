import HostModel

/// One version of one package, down to its bytes.
struct PackagePin: Hashable, Sendable, Codable {
    var name: String
    var version: String
    /// Bytes.
    var size: Int64
    var sha256: Nonce
}

/// What apt says about a package: the stanza of its candidate version (deb-control(5)).
struct PackageRecord {
    var pin: PackagePin
    /// Names of the packages in Depends, first alternatives only.
    var depends: [String]

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
        pin = PackagePin(name: String(name), version: String(version), size: size, sha256: sha256)
        depends = (fields["Depends"] ?? "").split(separator: ",").compactMap { alternative in
            alternative.split { $0 == " " || $0 == "|" || $0 == "(" }.first.map(String.init)
        }
    }
}
