import SystemPackage

/// What a base tree will be made of, decided and at hand: from here on nothing needs the network.
struct BaseInputs: Sendable {
    /// The packages, by name.
    var packages: [PackagePin]
    /// When the newest of them was built, in seconds since 1970: the natural time stamp of an image.
    var date: Int64
    /// Bytes that the tree will have on a disk.
    var installedSize: Int64
    /// Everything else that the tree depends on.
    var key: [String]
}

/// A base tree, ready to be read.
struct BaseTree: Sendable {
    static let treeName = "tree.tar"
    static let packagesName = "packages.json"

    /// A tar archive.
    var tar: FilePath
    /// True for what a tool of this machine has just made.
    var isTrusted: Bool
    /// Keeps other builds from removing it.
    var result: StageResult?
    var cached: Bool
    var key: String
    var epoch: Int64
    var packages: [PackagePin]
    /// Bytes of its files, where that is known before it is read.
    var installedSize: Int64
}
