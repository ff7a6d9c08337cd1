import FoundationEssentials
import HostModel

/// The bill of materials of an image: SPDX 2.3 in JSON (spdx.github.io/spdx-spec/v2.3). The same packages give the same
/// bytes: its time is the image's epoch, its namespace is made of the image's name and version.
struct SPDXDocument: Encodable {
    private struct CreationInfo: Encodable {
        var created: String
        var creators = ["Tool: muster"]
    }

    private struct Checksum: Encodable {
        var algorithm = "SHA256"
        var checksumValue: String
    }

    private struct Reference: Encodable {
        var referenceCategory = "PACKAGE-MANAGER"
        var referenceType = "purl"
        var referenceLocator: String
    }

    private struct Package: Encodable {
        var SPDXID: String
        var name: String
        var versionInfo: String?
        var primaryPackagePurpose: String?
        var downloadLocation = "NOASSERTION"
        var filesAnalyzed = false
        var licenseConcluded = "NOASSERTION"
        var licenseDeclared = "NOASSERTION"
        var copyrightText = "NOASSERTION"
        var checksums: [Checksum]?
        var externalRefs: [Reference]?
    }

    private struct Relationship: Encodable {
        var spdxElementId: String
        var relationshipType: String
        var relatedSpdxElement: String
    }

    private var spdxVersion = "SPDX-2.3"
    private var dataLicense = "CC0-1.0"
    private var SPDXID = "SPDXRef-DOCUMENT"
    private var name: String
    private var documentNamespace: String
    private var creationInfo: CreationInfo
    private var packages: [Package]
    private var relationships: [Relationship]

    /// `epoch` is in seconds since 1970.
    init(_ manifest: ImageManifest, packages contents: [SBOMPackage], epoch: Int64) {
        let image = "SPDXRef-Image"
        name = "\(manifest.name)-\(manifest.version)"
        documentNamespace = "https://spdx.org/spdxdocs/\(manifest.name)-\(manifest.version)"
        creationInfo = CreationInfo(created: Date(timeIntervalSince1970: Double(epoch)).formatted(.iso8601))
        packages = [
            Package(
                SPDXID: image,
                name: manifest.name,
                versionInfo: manifest.version,
                primaryPackagePurpose: "OPERATING-SYSTEM"
            )
        ]
        relationships = [
            Relationship(spdxElementId: SPDXID, relationshipType: "DESCRIBES", relatedSpdxElement: image)
        ]
        for (number, package) in contents.sorted(by: SBOMPackage.precedes).enumerated() {
            // Numbered, because two versions or architectures of one name may stand side by side.
            let identifier = "SPDXRef-Package-\(number + 1)-\(Self.identifier(package.name))"
            packages.append(Self.entry(package, identifier))
            relationships.append(
                Relationship(spdxElementId: image, relationshipType: "CONTAINS", relatedSpdxElement: identifier)
            )
        }
    }

    /// The file's bytes, with a final newline.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [10]
    }

    private static func entry(_ package: SBOMPackage, _ identifier: String) -> Package {
        Package(
            SPDXID: identifier,
            name: package.name,
            versionInfo: package.version.isEmpty ? nil : package.version,
            checksums: package.sha256.map { [Checksum(checksumValue: $0.description)] },
            externalRefs: package.purl.map { [Reference(referenceLocator: $0)] }
        )
    }

    /// Letters, digits, `.` and `-` are what an SPDX identifier may hold.
    private static func identifier(_ name: String) -> String {
        String(
            name.unicodeScalars.map { scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain || scalar == "." ? Character(scalar) : "-"
            }
        )
    }
}

/// What is read back of a bill of materials, ours or another's.
struct SPDXPackageList: Decodable {
    struct Entry: Decodable {
        var SPDXID: String
        var name: String
        var versionInfo: String?
        var primaryPackagePurpose: String?
    }

    var packages: [Entry]

    /// The packages in the image, the image's own entry left out.
    static func read(_ bytes: [UInt8]) throws -> [(name: String, version: String)] {
        try JSONDecoder().decode(SPDXPackageList.self, from: Data(bytes)).packages
            .filter { $0.primaryPackagePurpose != "OPERATING-SYSTEM" }
            .map { (name: $0.name, version: $0.versionInfo ?? "") }
    }
}
