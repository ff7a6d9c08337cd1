import Archive
import Signing
import SystemPackage

extension ImageBuild {
    /// What a node checks images by: the certificate of the key that signs this one, and of those before it.
    func addCertificates(to tree: inout FileTree) throws {
        guard let signer, let place = TreePath(ImageSeal.certificatesPath) else { return }
        try tree.add(.file(.bytes(Array(signer.trusted.pem.utf8)), mode: 0o644), at: place)
    }

    func seal(_ wanted: ImageDefinition, _ inputs: PackageInputs, epoch: Int64) throws -> ImageSeal {
        var packages = inputs.pins.map { pin in
            // A file beside the definition is named by its file name, and its version is not known.
            let isOfRegistry = !pin.version.isEmpty
            return SBOMPackage(
                name: pin.name,
                version: pin.version,
                architecture: isOfRegistry ? "amd64" : "",
                ecosystem: isOfRegistry ? .debian : .none,
                sha256: pin.sha256
            )
        }
        if wanted.agent != nil, let agent {
            packages.append(
                SBOMPackage(name: "muster-agent", version: "", ecosystem: .none, sha256: try measure(agent).sha256)
            )
        }
        return ImageSeal(signer: signer, pins: inputs.pins, packages: packages, epoch: epoch)
    }
}
