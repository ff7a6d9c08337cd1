import FoundationEssentials
package import HostModel
import Recipes
package import Signing
package import SystemPackage

/// One build: a definition in, a kernel, an initramfs and a manifest out. The same inputs give the same bytes.
///
/// The output stands whole or not at all: it is written beside its place and renamed. Stages are kept in the cache
/// by a hash of what went into them, so that an unchanged build only puts them together. Nothing is mounted or installed
/// on this machine; only the base tree of a distribution takes privilege, and is made in namespaces that end with it.
package struct ImageBuild: Sendable {
    /// The definition file.
    package var definition: FilePath
    /// Gets `NAME/VERSION/` with vmlinuz, initramfs.zst, manifest.json, manifest.json.p7s, sbom.spdx.json, packages.json and
    /// SHA256SUMS, and `NAME/current`, a link to the newest version.
    package var outputDirectory: FilePath
    /// Keeps packages and stages between builds; may be shared by builds, and deleted at any time between them.
    /// Absolute.
    package var cacheDirectory: FilePath
    /// The static agent (`packaging/agent/build`); needed when the definition gives it a place.
    package var agent: FilePath?
    /// Packs the root image quickly and larger, for a person who waits for every build.
    package var isFast = false
    /// SOURCE_DATE_EPOCH as the environment has it: the time stamp of everything, unless the definition has one.
    package var sourceDateEpoch: String?
    /// The template of the media's start menu (`pxe/grub.cfg.template`); needed when the definition asks for a medium.
    package var menuTemplate: FilePath?
    /// Signs the manifest, and has its certificates put into the initramfs; `nil` leaves the image unsigned.
    package var signer: ImageSigner?

    /// The template's name in the directory of boot scripts.
    package static let menuTemplateName = BootMenu.fileName

    package init(
        definition: FilePath,
        outputDirectory: FilePath,
        cacheDirectory: FilePath,
        agent: FilePath? = nil,
        signer: ImageSigner? = nil
    ) {
        (self.definition, self.outputDirectory) = (definition, outputDirectory)
        // Tools that work elsewhere get names of files below it; apt takes a relative one from the root directory.
        self.cacheDirectory = FilePath(FileManager.default.currentDirectoryPath).pushing(cacheDirectory)
        (self.agent, self.signer) = (agent, signer)
    }
}

/// What a build made.
package struct BuiltImage: Hashable, Sendable {
    /// `OUTPUT/NAME/VERSION`; holds `manifest.json` and the files that it names.
    package var directory: FilePath
    package var manifest: ImageManifest
    /// True when the very same version stood there already.
    package var isUnchanged: Bool
}
