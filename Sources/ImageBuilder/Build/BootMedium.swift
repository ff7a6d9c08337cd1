package import HostModel
package import SystemPackage

/// Makes one bootable medium of an image's files: an ISO, a disk image.
package protocol BootMedium: Sendable {
    /// The word in a definition's `outputs` that asks for it.
    var medium: ImageMedium { get }

    /// Writes the medium into `folder`, where the files of `manifest` are, and gives its entry for the manifest. `epoch` is
    /// every time stamp on it, in seconds since 1970. What it leaves in the folder beside its file is published too.
    func write(_ manifest: ImageManifest, in folder: FilePath, epoch: Int64) async throws -> ImageManifest.File
}
