import Archive
import HostModel
package import SystemPackage

extension ImageDefinition {
    /// Reads a definition file and what it includes. Paths in a file are relative to its folder.
    package static func read(_ file: FilePath) throws(ImageDefinitionError) -> ImageDefinition {
        try DefinitionReader.definition(try DefinitionFile.load(file))
    }

    /// Parses the text of the definition that stands at `file`.
    package static func parse(_ text: String, file: FilePath) throws(ImageDefinitionError) -> ImageDefinition {
        try DefinitionReader.definition(try DefinitionFile.load(text, file: file))
    }
}

/// Turns nodes into a definition. Every key that it does not know is an error, so that a typing error does not build
/// another image than the one that was meant.
enum DefinitionReader {
    /// Mebibytes.
    static let sizeLimits = 1...65_536
    static let epochs = 0...0xFFFF_FFFF

    static func definition(_ node: DefinitionNode) throws(ImageDefinitionError) -> ImageDefinition {
        for (key, _) in try node.pairs("keys: \(initramfsKeys.joined(separator: ", "))")
        where try key.text() == "base" { return try rootImage(node) }
        return try initramfsImage(node)
    }

    private static let initramfsKeys = [
        "name", "architecture", "kernel", "packages", "applets", "agent", "files", "directories", "compression",
        "size-limit-mib", "outputs", "secure-boot", "epoch", "rollback-index", "efi",
    ]

    /// Of `kernel`, in every image.
    static let kernelKeys = ["arguments", "module-directories", "exclude-modules", "modules"]

    /// An image that is all initramfs: files out of packages, kernel modules, the agent.
    private static func initramfsImage(_ node: DefinitionNode) throws(ImageDefinitionError) -> ImageDefinition {
        let fields = try node.fields(initramfsKeys)
        let kernel = try fields.required("kernel")
        var definition = ImageDefinition(
            name: try fields.required("name").imageName(),
            architecture: try fields.required("architecture").architecture(),
            kernel: .registry("")
        )
        let kernelFields = try kernel.fields(["package"] + kernelKeys)
        definition.kernel = try kernelFields.required("package").package()
        try readKernel(kernelFields, into: &definition)
        if let packages = fields["packages"] { definition.packages = try selections(packages) }
        definition.applets = try fields.value("applets") { node throws(ImageDefinitionError) in try node.treePath() }
        definition.agent = try fields.value("agent") { node throws(ImageDefinitionError) in try node.treePath() }
        definition.files = try fields.value("files") { node throws(ImageDefinitionError) in try folders(node) } ?? []
        definition.directories = try directories(fields)
        if let level = fields["compression"] { definition.compressionLevel = try level.integer(in: 1...19) }
        if let limit = fields["size-limit-mib"] {
            definition.sizeLimit = Int64(try limit.integer(in: sizeLimits)) << 20
        }
        try readOutputs(fields, &definition)
        definition.epoch = try epoch(fields)
        return definition
    }

    static func readKernel(
        _ fields: DefinitionFields,
        into definition: inout ImageDefinition
    ) throws(ImageDefinitionError) {
        definition.kernelArguments += try fields.list("arguments") { node throws(ImageDefinitionError) in
            try node.kernelArgument()
        }
        definition.modules.directories += try fields.list("module-directories") {
            node throws(ImageDefinitionError) in try node.treePath()
        }
        definition.modules.names += try fields.list("modules") { node throws(ImageDefinitionError) in
            try node.moduleName()
        }
        definition.modules.excluded += try fields.list("exclude-modules") { node throws(ImageDefinitionError) in
            try node.moduleName()
        }
    }

    private static func selections(
        _ node: DefinitionNode
    ) throws(ImageDefinitionError) -> [ImageDefinition.PackageSelection] {
        var selections: [ImageDefinition.PackageSelection] = []
        for (key, value) in try node.pairs("packages, each with its files") {
            let paths = try value.each { node throws(ImageDefinitionError) in try node.treePath() }
            guard !paths.isEmpty else { throw key.failure("expected a list of the files to take from the package") }
            selections.append(.init(package: try key.package(), paths: paths))
        }
        return selections
    }

    /// One folder or a list of them, beside the file that names them.
    static func folders(_ node: DefinitionNode) throws(ImageDefinitionError) -> [FilePath] {
        if case .scalar = node.value { return [node.folder.pushing(FilePath(try node.treePath().text))] }
        return try node.each { node throws(ImageDefinitionError) in
            node.folder.pushing(FilePath(try node.treePath().text))
        }
    }

    static func directories(_ fields: DefinitionFields) throws(ImageDefinitionError) -> [TreePath: UInt16] {
        guard let node = fields["directories"] else { return [:] }
        var directories: [TreePath: UInt16] = [:]
        for (key, value) in try node.pairs("directories with their modes") {
            directories[try key.treePath()] = try value.permissions()
        }
        return directories
    }

    static func readOutputs(
        _ fields: DefinitionFields,
        _ definition: inout ImageDefinition
    ) throws(ImageDefinitionError) {
        let wanted = try fields.list("outputs") { node throws(ImageDefinitionError) in
            guard let medium = ImageMedium(rawValue: try node.text()) else {
                let known = ImageMedium.allCases.map(\.rawValue).joined(separator: ", ")
                throw node.failure("the outputs are \(known)")
            }
            return medium
        }
        if let node = fields["outputs"], wanted.isEmpty { throw node.failure("expected at least one output") }
        definition.outputs = Set(wanted).union([.pxe])
        // The shim and GRUB on a medium are Debian's: they start no kernel that another distribution signed.
        if case .enterpriseLinux? = definition.root?.base { definition.secureBoot = false }
        definition.unifiedKernel = try fields.value("efi") { node throws(ImageDefinitionError) in
            try unifiedKernel(node)
        }
        if let node = fields["outputs"], definition.outputs.contains(.efi), definition.unifiedKernel == nil {
            throw node.failure("the output efi needs the key efi with engine and engine-fingerprint (docs/boot.md)")
        }
        if let node = fields["secure-boot"] { definition.secureBoot = try node.flag() }
        if let node = fields["rollback-index"] {
            definition.rollbackIndex = try node.integer(in: ImageManifest.rollbackIndexes)
        }
    }

    static func epoch(_ fields: DefinitionFields) throws(ImageDefinitionError) -> Int64? {
        try fields.value("epoch") { node throws(ImageDefinitionError) in Int64(try node.integer(in: epochs)) }
    }
}
