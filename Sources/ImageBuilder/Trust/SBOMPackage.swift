package import HostModel

/// One package in an image's bill of materials.
package struct SBOMPackage: Hashable, Sendable {
    /// Whose naming a package follows; the type and namespace of its purl.
    package enum Ecosystem: Hashable, Sendable {
        case debian
        /// An RPM of a distribution: `centos`, `almalinux`, `rocky`.
        case rpm(distribution: String)
        /// Of no registry: Muster's own programs, files beside a definition.
        case none
    }

    package var name: String
    /// As the package manager prints it, epoch included; empty where it is not known.
    package var version: String
    /// The package manager's word: `amd64`, `x86_64`, `noarch`; empty where it is not known.
    package var architecture: String
    package var ecosystem: Ecosystem
    /// Of the package's file.
    package var sha256: Nonce?
    /// Installed, in bytes.
    package var installedSize: Int64?

    package init(
        name: String,
        version: String,
        architecture: String = "",
        ecosystem: Ecosystem,
        sha256: Nonce? = nil,
        installedSize: Int64? = nil
    ) {
        (self.name, self.version, self.architecture) = (name, version, architecture)
        (self.ecosystem, self.sha256, self.installedSize) = (ecosystem, sha256, installedSize)
    }

    /// The packages of dpkg's `var/lib/dpkg/status` that are installed, by name: what `dpkg-query -W` lists.
    package static func parse(dpkgStatus text: String) -> [SBOMPackage] {
        var packages: [SBOMPackage] = []
        var fields: [Substring: Substring] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                SBOMPackage(stanza: fields).map { packages.append($0) }
                fields = [:]
            } else if let colon = line.firstIndex(of: ":"), line.first != " ", line.first != "\t" {
                fields[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
            }
        }
        SBOMPackage(stanza: fields).map { packages.append($0) }
        return packages.sorted(by: precedes)
    }

    private init?(stanza fields: [Substring: Substring]) {
        // "install ok installed": wanted, without error, and there (dpkg(1)).
        guard let name = fields["Package"], fields["Status"]?.hasSuffix(" installed") == true else { return nil }
        self.init(
            name: String(name),
            version: String(fields["Version"] ?? ""),
            architecture: String(fields["Architecture"] ?? ""),
            ecosystem: .debian,
            installedSize: fields["Installed-Size"].flatMap { Int64($0) }.map { $0 << 10 }
        )
    }

    /// What `rpm -qa` prints with this `--queryformat` is what `parse(rpmList:)` reads.
    package static let rpmQueryFormat = #"%{NAME}\t%{EPOCHNUM}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SIZE}\n"#

    /// The packages of an RPM database, by name. The keys that rpm lists as packages (`gpg-pubkey`) are left out; `nil`
    /// when a line has another form.
    package static func parse(rpmList text: String, distribution: String) -> [SBOMPackage]? {
        var packages: [SBOMPackage] = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 5, !fields[0].isEmpty, let size = Int64(fields[4]) else { return nil }
            guard fields[0] != "gpg-pubkey" else { continue }
            let epoch = fields[1] == "0" ? "" : "\(fields[1]):"
            packages.append(
                SBOMPackage(
                    name: String(fields[0]),
                    version: epoch + fields[2],
                    architecture: String(fields[3]),
                    ecosystem: .rpm(distribution: distribution),
                    installedSize: size
                )
            )
        }
        return packages.sorted(by: precedes)
    }

    /// By the bytes of name, version and architecture: the same order everywhere.
    static func precedes(_ left: SBOMPackage, _ right: SBOMPackage) -> Bool {
        for (one, other) in [
            (left.name, right.name), (left.version, right.version), (left.architecture, right.architecture),
        ] where one != other {
            return one.utf8.lexicographicallyPrecedes(other.utf8)
        }
        return false
    }
}

extension SBOMPackage {
    /// The package's URL (package-url/purl-spec); `nil` for what is of no registry.
    package var purl: String? {
        let place: String
        switch ecosystem {
        case .none: return nil
        case .debian: place = "deb/debian"
        case .rpm(let distribution): place = "rpm/\(Self.encoded(distribution))"
        }
        let version = version.isEmpty ? "" : "@\(Self.encoded(version))"
        let architecture = architecture.isEmpty ? "" : "?arch=\(Self.encoded(architecture))"
        return "pkg:\(place)/\(Self.encoded(name))\(version)\(architecture)"
    }

    /// Percent-encoded, but for RFC 3986's unreserved characters.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
