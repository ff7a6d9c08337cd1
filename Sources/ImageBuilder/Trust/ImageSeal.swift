import FoundationEssentials
import HostModel
import Signing
import SystemPackage

/// Writes what vouches for an image's files: the bill of materials, the manifest, its signature, and the sums over all.
struct ImageSeal {
    static let manifestName = "manifest.json"
    static let signatureName = "manifest.json.p7s"
    static let sumsName = "SHA256SUMS"
    static let billName = "sbom.spdx.json"
    static let pinsName = "packages.json"
    /// Where the trusted certificates stand in every initramfs.
    static let certificatesPath = "etc/muster/image-signing.pem"
    /// The image's roll-back index, where it is not 0 (`RollbackProtection` of the agent reads it).
    static let rollbackIndexPath = "etc/muster/rollback-index"

    /// `nil` leaves the image unsigned.
    var signer: ImageSigner?
    var pins: [PackagePin]
    var packages: [SBOMPackage]
    /// Seconds since 1970.
    var epoch: Int64

    /// Writes the texts beside the files that the manifest names, and gives the manifest as it is written: with the bill
    /// of materials and the packages among its files, so that the signature covers all.
    func write(_ manifest: ImageManifest, to folder: FilePath) throws -> ImageManifest {
        var manifest = manifest
        let bill = folder.appending(Self.billName)
        try writeFile(try SPDXDocument(manifest, packages: packages, epoch: epoch).encoded(), to: bill)
        try writeFile(try Self.encode(pins), to: folder.appending(Self.pinsName))
        manifest.files.removeAll { [.sbom, .packages].contains($0.role) }
        for (name, role) in [(Self.billName, ImageManifest.File.Role.sbom), (Self.pinsName, .packages)] {
            let measured = try measure(folder.appending(name))
            manifest.files.append(.init(name: name, role: role, size: measured.size, sha256: measured.sha256))
        }
        let text = try Self.encode(manifest)
        try writeFile(text, to: folder.appending(Self.manifestName))
        var names = manifest.files.map(\.name) + [Self.manifestName]
        if let signer {
            try writeFile(try signer.sign(text), to: folder.appending(Self.signatureName))
            names.append(Self.signatureName)
        }
        let digests = Dictionary(manifest.files.map { ($0.name, $0.sha256) }) { first, _ in first }
        let sums = try names.map { name in
            SumsFile.Line(sha256: try digests[name] ?? measure(folder.appending(name)).sha256, name: name)
        }
        try writeFile(SumsFile(lines: sums).text.utf8, to: folder.appending(Self.sumsName))
        return manifest
    }

    /// The manifest and its signature as a medium carries them, which cannot name itself.
    func documents(_ manifest: ImageManifest) throws -> [BootMedium.Document] {
        let text = try Self.encode(manifest)
        let signature = try signer.map { try $0.sign(text) }
        return [BootMedium.Document(name: Self.manifestName, content: text)]
            + (signature.map { [BootMedium.Document(name: Self.signatureName, content: $0)] } ?? [])
    }

    private static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [10]
    }

    /// The texts, all of which depend on the inputs alone: a version is unchanged when each of them is.
    static let textNames = [manifestName, signatureName, pinsName, billName, sumsName]

    /// For the person who waits.
    var report: String {
        guard let signer else { return "not signed: no key" }
        return "signed by \(signer.certificate.name), SHA-256 \(signer.certificate.fingerprint.prefix(16))…"
    }
}
