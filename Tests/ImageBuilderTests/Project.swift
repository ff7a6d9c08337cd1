import SystemPackage

/// Where this checkout stands: the tests read the definitions that users build.
enum Project {
    static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
}
