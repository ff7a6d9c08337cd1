import EngineClient
import FoundationEssentials
package import HostModel
import SwiftASN1
package import X509

/// A root image that its maker signed for exactly this boot.
package struct LiveImage: Hashable, Sendable {
    package let name: String
    package let version: String
    package let root: ImageManifest.File
    package let verity: RootVerity
    /// `ImageManifest.rollbackIndex`.
    package let rollbackIndex: Int?

    /// The longest manifest read, in bytes.
    package static let manifestBytesMax = 1 << 20
    /// The largest root image taken, in bytes.
    package static let rootBytesMax: Int64 = 16 << 30

    /// Checks the signature first; nothing of a manifest counts before that. Then it must be the image and the version
    /// that the kernel argument names: an older one, however well signed, is not what was asked for.
    package init(
        manifest bytes: [UInt8],
        signature: [UInt8],
        trusting certificates: [Certificate],
        for source: LiveImageSource
    ) throws(LiveRootFailure) {
        do throws(ImageSignature.Refusal) {
            try ImageSignature(der: signature).verify(bytes, trusting: certificates)
        } catch {
            throw Self.refused("the signature of the manifest \(error)")
        }
        guard let manifest = try? JSONDecoder().decode(ImageManifest.self, from: Data(bytes)),
            (1...ImageManifest.newestSchema).contains(manifest.schema)
        else { throw Self.refused("the manifest is signed, but not of a form that this initramfs knows") }
        try Self.check(manifest, for: source)
        guard let root = manifest.file(.root) else {
            throw Self.refused("the image \(manifest.name) \(manifest.version) has no root")
        }
        guard let verity = root.verity, verity.fileSize == root.size, root.size <= Self.rootBytesMax,
            ImageReference.isComponent(root.name)
        else { throw Self.refused("the manifest describes a root that cannot be") }
        (name, version, self.root, self.verity) = (manifest.name, manifest.version, root, verity)
        rollbackIndex = manifest.rollbackIndex
    }

    private static func check(_ manifest: ImageManifest, for source: LiveImageSource) throws(LiveRootFailure) {
        let found = "\(terminalEscaped(manifest.name.prefix(64))) \(terminalEscaped(manifest.version.prefix(64)))"
        switch source {
        case .server(let folder):
            guard manifest.name == folder.name, manifest.version == folder.version else {
                throw refused("the manifest is of \(found), asked for was \(folder.name) \(folder.version)")
            }
        case .medium(let volumeID):
            guard VolumeID(image: manifest.name, version: manifest.version) == volumeID else {
                throw refused("the manifest is of \(found), asked for was the medium \(volumeID)")
            }
        // A slot is the image that was installed there.
        case .slot: break
        }
        guard manifest.architecture == machineArchitecture else {
            throw refused("the image is for \(terminalEscaped(manifest.architecture.prefix(32)))")
        }
    }

    private static func refused(_ message: String) -> LiveRootFailure {
        LiveRootFailure(
            .refused,
            message,
            remedy: "publish the image again as it was built, or boot the version that is there"
        )
    }

    #if arch(x86_64)
    static let machineArchitecture = "x86_64"
    #elseif arch(arm64)
    static let machineArchitecture = "aarch64"
    #endif
}

/// The certificates that an initramfs trusts to sign images: `/etc/muster/image-signing.pem`.
package struct ImageTrust: Sendable {
    package let certificates: [Certificate]

    /// One or more certificates in PEM.
    package init(pem text: String) throws(LiveRootFailure) {
        guard let chain = CertificateChain(pem: text) else {
            throw LiveRootFailure(
                .refused,
                "this initramfs holds no certificate that may sign images",
                remedy: "build the image with a signing key (muster image key create)"
            )
        }
        certificates = chain.certificates.compactMap { try? Certificate(derEncoded: $0) }
    }
}
