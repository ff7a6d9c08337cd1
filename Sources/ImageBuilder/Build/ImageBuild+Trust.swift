import Archive
import Signing
import SystemPackage

extension ImageBuild {
    /// What a node checks images by: the certificate of the key that signs this one, and of those before it.
    func addCertificates(to tree: inout FileTree) throws {
        guard let signer, let place = TreePath(ImageSeal.certificatesPath) else { return }
        try tree.add(.file(.bytes(Array(signer.trusted.pem.utf8)), mode: 0o644), at: place)
    }

    /// So that an initramfs takes no root that is older than itself, even on a node that keeps nothing. In the version too:
    /// the file is part of the initramfs.
    func addRollbackIndex(_ wanted: ImageDefinition, to tree: inout FileTree) throws {
        guard wanted.rollbackIndex > 0, let place = TreePath(ImageSeal.rollbackIndexPath) else { return }
        try tree.add(.file(.bytes(Array("\(wanted.rollbackIndex)\n".utf8)), mode: 0o644), at: place)
    }

    /// What makes the signed EFI program, where the definition asks for one: before the work, what is missing for it.
    func unifiedKernel(of wanted: ImageDefinition) throws -> UnifiedKernelImage? {
        guard wanted.outputs.contains(.efi), let settings = wanted.unifiedKernel else { return nil }
        return try UnifiedKernelImage(settings, signer: signer)
    }

    func seal(_ wanted: ImageDefinition, _ inputs: PackageInputs, epoch: Int64) throws -> ImageSeal {
        let inRoot = Set(inputs.root)
        var packages = inputs.pins.map { pin in
            // A file beside the definition is named by its file name, and its version is not known.
            let isOfRegistry = !pin.version.isEmpty
            let ecosystem = inRoot.contains(pin) ? Self.ecosystem(of: wanted.root?.base) : .debian
            return SBOMPackage(
                name: pin.name,
                version: pin.version,
                architecture: pin.architecture,
                ecosystem: isOfRegistry ? ecosystem : .none,
                sha256: pin.sha256
            )
        }
        if wanted.agent != nil || wanted.root?.agent != nil, let agent {
            packages.append(
                SBOMPackage(name: "muster-agent", version: "", ecosystem: .none, sha256: try measure(agent).sha256)
            )
        }
        return ImageSeal(signer: signer, pins: inputs.pins, packages: packages, epoch: epoch)
    }

    private static func ecosystem(of base: RootDefinition.Base?) -> SBOMPackage.Ecosystem {
        switch base {
        case .debian: .debian
        case .enterpriseLinux(let base): .rpm(distribution: base.distribution.rawValue)
        case .tree, nil: .none
        }
    }
}
