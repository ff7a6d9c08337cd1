import FoundationEssentials
import HostModel
package import Signing
package import SystemPackage

/// One line of a verification.
package struct ImageCheck: Hashable, Sendable {
    /// A file's name, or what was checked of it: `root.squashfs dm-verity`.
    package var subject: String
    package var isPassed: Bool
    /// What was found; a sentence without a full stop.
    package var detail: String
}

/// Checks the folder of a built image: every file against SHA256SUMS and the manifest, the manifest's signature, the
/// hash tree of the root image. Nothing in the folder is trusted for the answer but what the certificates vouch for.
package struct ImageVerification: Sendable {
    /// The largest manifest, in bytes.
    static let manifestBytesMax = 1 << 20

    /// Holds `manifest.json`.
    package var folder: FilePath
    /// Whose signatures count; `nil` where there are no certificates, which fails unless `allowsUnsigned`.
    package var trusted: TrustedCertificates?
    /// Passes an image without a signature, and one whose signature nobody can check; not one with a wrong signature.
    package var allowsUnsigned = false

    package init(folder: FilePath, trusted: TrustedCertificates?, allowsUnsigned: Bool = false) {
        (self.folder, self.trusted, self.allowsUnsigned) = (folder, trusted, allowsUnsigned)
    }

    /// The checks in the order in which they were made; `each` hears of them as they are. The image is as it should be
    /// when every one is passed. Throws `BuildError` when there is no image at all.
    package func run(each: (ImageCheck) -> Void = { _ in }) throws -> [ImageCheck] {
        guard exists(folder.appending(ImageSeal.manifestName)) else {
            throw BuildError(
                .files,
                "there is no \(ImageSeal.manifestName) in \(folder)",
                remedy: "name the folder that muster image build made"
            )
        }
        var checks: [ImageCheck] = []
        func note(_ subject: String, _ complaint: String?, _ otherwise: String) {
            let check = ImageCheck(subject: subject, isPassed: complaint == nil, detail: complaint ?? otherwise)
            checks.append(check)
            each(check)
        }
        let manifest = try? readManifest()
        let sums = try? readSums()
        note(
            ImageSeal.sumsName,
            sums == nil ? "it is missing, or not in its form" : nil,
            "\(sums?.lines.count ?? 0) files"
        )
        for name in try names(sums, manifest) {
            let (complaint, detail) = check(name, sums, manifest)
            note(name, complaint, detail)
        }
        note("manifest", manifest == nil ? "it is no manifest that this version knows" : nil, describe(manifest))
        let (complaint, detail) = checkSignature()
        note("signature", complaint, detail)
        if let file = manifest?.file(.efi) {
            let (complaint, detail) = checkProgram(file)
            note("\(file.name) Authenticode", complaint, detail)
        }
        for file in manifest?.files ?? [] {
            guard let verity = file.verity else { continue }
            let complaint = verityComplaint(verity, file)
            note("\(file.name) dm-verity", complaint, "root hash \(verity.rootHash.description.prefix(16))…")
        }
        return checks
    }

    private func describe(_ manifest: ImageManifest?) -> String {
        manifest.map { "\($0.name)@\($0.version), kernel \($0.kernelVersion)" } ?? ""
    }

    private func readManifest() throws -> ImageManifest? {
        let bytes = try readBytes(folder.appending(ImageSeal.manifestName), limit: Self.manifestBytesMax)
        let manifest = try JSONDecoder().decode(ImageManifest.self, from: Data(bytes))
        let isNamed = manifest.files.allSatisfy { ImageReference.isComponent($0.name) }
        return (1...2).contains(manifest.schema) && isNamed && !manifest.files.isEmpty ? manifest : nil
    }

    private func readSums() throws -> SumsFile? {
        let bytes = try readBytes(folder.appending(ImageSeal.sumsName), limit: SumsFile.bytesMax)
        return SumsFile(String(decoding: bytes, as: UTF8.self))
    }

    /// Everything that is listed somewhere, or is in the folder.
    private func names(_ sums: SumsFile?, _ manifest: ImageManifest?) throws -> [String] {
        var names = sums?.lines.map(\.name) ?? []
        for name in (manifest?.files.map(\.name) ?? []) + (try ImageBuilder.names(in: folder))
        where ![ImageSeal.sumsName, MediaOutput.keysName].contains(name) && !names.contains(name) {
            names.append(name)
        }
        return names
    }

    /// What the manifest cannot name: itself and its signature.
    private static let beside = [ImageSeal.manifestName, ImageSeal.signatureName]

    private func check(_ name: String, _ sums: SumsFile?, _ manifest: ImageManifest?) -> (String?, String) {
        let path = folder.appending(name)
        guard case .file? = try? FileKind(of: path) else { return ("it is missing, or no plain file", "") }
        let listed = manifest?.files.first { $0.name == name }
        guard listed != nil || Self.beside.contains(name) || manifest == nil else {
            return ("the manifest does not name it, so that no signature vouches for it", "")
        }
        guard let sum = sums?.lines.first(where: { $0.name == name })?.sha256 else {
            return ("\(ImageSeal.sumsName) does not list it", "")
        }
        guard let measured = try? measure(path) else { return ("it cannot be read", "") }
        guard listed.map({ $0.sha256 == sum }) ?? true else {
            return ("manifest and \(ImageSeal.sumsName) name different SHA-256", "")
        }
        guard measured.sha256 == sum else {
            guard let original = try? SiteImage(path).originalDigest(), original == sum else {
                return ("its SHA-256 is \(measured.sha256)", "")
            }
            return (nil, "as built, but for the values of a site (muster image embed show)")
        }
        guard listed.map({ $0.size == measured.size }) ?? true else { return ("its size is not the manifest's", "") }
        return (nil, "\(measured.size) bytes")
    }

    /// A complaint, or what was found.
    private func checkSignature() -> (String?, String) {
        let place = folder.appending(ImageSeal.signatureName)
        guard exists(place) else {
            let words = "the image is not signed"
            return allowsUnsigned ? (nil, words) : (words, "")
        }
        guard let trusted else {
            let words = "there are no certificates to check it by"
            return allowsUnsigned ? (nil, words) : (words, "")
        }
        do {
            let signature = try readBytes(place, limit: TrustedCertificates.signatureBytesMax)
            let content = try readBytes(folder.appending(ImageSeal.manifestName), limit: Self.manifestBytesMax)
            let signer = try trusted.verify(signature, over: content)
            return (nil, "by \(signer.name), SHA-256 \(signer.fingerprint.prefix(16))…")
        } catch {
            return ("\(error)", "")
        }
    }

    /// As UEFI firmware will, which has one of the certificates in its variables.
    private func checkProgram(_ file: ImageManifest.File) -> (String?, String) {
        guard let trusted else {
            let words = "there are no certificates to check it by"
            return allowsUnsigned ? (nil, words) : (words, "")
        }
        do {
            let bytes = try readBytes(folder.appending(file.name), limit: EFIProgram.bytesMax)
            let signer = try trusted.verify(program: bytes)
            return (nil, "by \(signer.name), SHA-256 \(signer.fingerprint.prefix(16))…")
        } catch {
            return ("\(error)", "")
        }
    }

    private func verityComplaint(_ verity: RootVerity, _ file: ImageManifest.File) -> String? {
        do { return try verity.complaint(about: folder.appending(file.name)) } catch { return "\(error)" }
    }
}
