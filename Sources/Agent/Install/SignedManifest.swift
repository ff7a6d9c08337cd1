import FoundationEssentials
package import HostModel

/// The manifest of an image whose maker is trusted, with the bytes that were signed.
package struct SignedManifest: Hashable, Sendable {
    package let manifest: ImageManifest
    package let bytes: [UInt8]
    package let signature: [UInt8]

    /// Checks the signature first; nothing of a manifest counts before that.
    package init(_ bytes: [UInt8], signature: [UInt8], trust: ImageTrust) throws(InstallFailure) {
        do throws(ImageSignature.Refusal) {
            try ImageSignature(der: signature).verify(bytes, trusting: trust.certificates)
        } catch {
            throw Self.refused("the signature of the manifest \(error)")
        }
        guard let manifest = try? JSONDecoder().decode(ImageManifest.self, from: Data(bytes)),
            (1...ImageManifest.newestSchema).contains(manifest.schema)
        else { throw Self.refused("the manifest is signed, but not of a form that is known here") }
        guard manifest.architecture == LiveImage.machineArchitecture else {
            throw Self.refused("the image is for \(terminalEscaped(manifest.architecture.prefix(32)))")
        }
        (self.manifest, self.bytes, self.signature) = (manifest, bytes, signature)
    }

    /// What goes into a slot; an image without one of the first two cannot be installed.
    package func slotFiles() throws(InstallFailure) -> [ImageManifest.File] {
        let files = [ImageManifest.File.Role.kernel, .initramfs, .root].compactMap(manifest.file)
        let names = Set(files.map(\.name))
        guard manifest.file(.kernel) != nil, manifest.file(.initramfs) != nil, names.count == files.count,
            files.allSatisfy({ ImageReference.isComponent($0.name) && $0.size > 0 && $0.size <= LiveImage.rootBytesMax }
            )
        else { throw Self.refused("the manifest describes files that cannot be") }
        return files
    }

    /// `node-debian 0123456789ab`, safe on a terminal.
    package var title: String {
        "\(terminalEscaped(manifest.name.prefix(64))) \(terminalEscaped(manifest.version.prefix(64)))"
    }

    private static func refused(_ message: String) -> InstallFailure {
        InstallFailure(
            .refused,
            message,
            remedy: "use an image as it was built and signed, of a key that this node knows"
        )
    }
}
