import Archive
import SystemPackage

extension DefinitionReader {
    private static let rootKeys = [
        "name", "architecture", "base", "packages", "stage1", "kernel", "agent", "files", "directories", "groups",
        "users",
        "services", "trim", "compression", "size-limit-mib", "outputs", "secure-boot", "epoch", "rollback-index", "efi",
    ]

    /// An image with a root image; the initramfs that starts it comes from the definition `stage1`.
    static func rootImage(_ node: DefinitionNode) throws(ImageDefinitionError) -> ImageDefinition {
        let fields = try node.fields(rootKeys)
        var root = RootDefinition(base: try base(try fields.required("base")))
        root.packages = try fields.list("packages") { node throws(ImageDefinitionError) in try node.rootPackage() }
        root.files = try fields.value("files") { node throws(ImageDefinitionError) in try folders(node) } ?? []
        root.directories = try directories(fields)
        root.agent = try fields.value("agent") { node throws(ImageDefinitionError) in try node.treePath() }
        root.groups = try groups(fields)
        root.users = try users(fields)
        if let node = fields["services"] { root.services = try services(node) }
        if let node = fields["trim"] { root.trim = try trim(node) }
        if let node = fields["compression"] { root.compression = try compression(node) }
        var definition = try stage1(try fields.required("stage1"))
        definition.name = try fields.required("name").imageName()
        definition.architecture = try fields.required("architecture").architecture()
        if let kernel = fields["kernel"] {
            let fields = try kernel.fields(kernelKeys)
            try readKernel(fields, into: &definition)
        }
        try readSizes(fields, &definition, &root)
        definition.root = root
        try readOutputs(fields, &definition)
        definition.epoch = try epoch(fields)
        return definition
    }

    private static func stage1(_ node: DefinitionNode) throws(ImageDefinitionError) -> ImageDefinition {
        let file = try node.sitePath()
        let definition: ImageDefinition
        do {
            definition = try ImageDefinition.read(file)
        } catch {
            throw node.failure("the first stage cannot be used: \(error)")
        }
        guard definition.root == nil else {
            throw node.failure("\(file) has a root image itself; the first stage is an initramfs only")
        }
        return definition
    }

    private static func readSizes(
        _ fields: DefinitionFields,
        _ definition: inout ImageDefinition,
        _ root: inout RootDefinition
    ) throws(ImageDefinitionError) {
        guard let node = fields["size-limit-mib"] else { return }
        let limits = try node.fields(["pxe", "root"])
        if let limit = limits["pxe"] { definition.sizeLimit = Int64(try limit.integer(in: sizeLimits)) << 20 }
        if let limit = limits["root"] { root.sizeLimit = Int64(try limit.integer(in: sizeLimits)) << 20 }
    }

    private static func services(_ node: DefinitionNode) throws(ImageDefinitionError) -> RootDefinition.Services {
        let fields = try node.fields(["enable", "disable", "mask"])
        func units(_ name: String) throws(ImageDefinitionError) -> [String] {
            try fields.list(name) { node throws(ImageDefinitionError) in try node.unitName() }
        }
        return .init(enable: try units("enable"), disable: try units("disable"), mask: try units("mask"))
    }

    private static func trim(_ node: DefinitionNode) throws(ImageDefinitionError) -> RootDefinition.Trim {
        let fields = try node.fields([
            "paths", "module-directories", "keep-modules", "keep-boot", "documentation", "locales",
        ])
        var trim = RootDefinition.Trim()
        trim.paths = try fields.list("paths") { node throws(ImageDefinitionError) in
            let text = try node.text()
            guard let pattern = PathPattern(text) else {
                throw node.failure("\(text.debugDescription) is no pattern of paths below the root")
            }
            return pattern
        }
        trim.moduleDirectories = try fields.list("module-directories") { node throws(ImageDefinitionError) in
            try node.treePath()
        }
        trim.keptModules = try fields.list("keep-modules") { node throws(ImageDefinitionError) in
            try node.moduleName()
        }
        trim.keepsBoot =
            try fields.value("keep-boot") { node throws(ImageDefinitionError) in try node.flag() } ?? false
        trim.documentation =
            try fields.value("documentation") { node throws(ImageDefinitionError) in try node.flag() } ?? false
        trim.locales = try fields.value("locales") { node throws(ImageDefinitionError) in
            try node.each { node throws(ImageDefinitionError) in try node.localeName() }
        }
        return trim
    }

    private static func compression(
        _ node: DefinitionNode
    ) throws(ImageDefinitionError) -> RootDefinition.Compression {
        let fields = try node.fields(["level", "block-kib"])
        var compression = RootDefinition.Compression()
        if let level = fields["level"] { compression.level = try level.integer(in: 1...22) }
        if let block = fields["block-kib"] {
            compression.blockKiB = try block.integer(in: 4...1024)
            guard compression.blockKiB & (compression.blockKiB - 1) == 0 else {
                throw block.failure("a block is a power of two, 4 to 1024")
            }
        }
        return compression
    }
}

extension DefinitionNode {
    /// A package by name, as both dpkg and rpm know them: no version, no option, no file, no shell.
    func rootPackage() throws(ImageDefinitionError) -> String {
        let text = try text()
        func isAlphanumeric(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) || (48...57).contains(byte) }
        let bytes = Array(text.utf8)
        guard (2...128).contains(bytes.count), let first = bytes.first, isAlphanumeric(first),
            bytes.allSatisfy({ isAlphanumeric($0) || [43, 45, 46, 95].contains($0) })
        else { throw failure("\(text.debugDescription) names no package") }
        return text
    }

    /// A unit of systemd; without a suffix a service.
    func unitName() throws(ImageDefinitionError) -> String {
        let text = try text()
        guard let unit = UnitName(text) else { throw failure("\(text.debugDescription) names no unit of systemd") }
        return unit.text
    }

    /// `en`, `de_DE`, `pt_BR.UTF-8`, `sr@latin`.
    func localeName() throws(ImageDefinitionError) -> String {
        let text = try text()
        let isLocale = text.utf8.allSatisfy { byte in
            (97...122).contains(byte | 0x20) || (48...57).contains(byte) || [45, 46, 64, 95].contains(byte)
        }
        guard (1...32).contains(text.utf8.count), isLocale, !text.hasPrefix("-"), !text.hasPrefix(".") else {
            throw failure("\(text.debugDescription) names no language")
        }
        return text
    }
}
