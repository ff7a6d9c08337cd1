import Archive
import SystemPackage

/// The trees that the members of an initramfs hold.
enum RootTree {
    /// A taken file is read into memory; the C library is 2 MB.
    private static let largestFile = 64 << 20
    private static let networkDrivers = "/kernel/drivers/net/"

    /// What changes rarely: directories, console, kernel modules, and the files out of packages.
    static func system(
        _ definition: ImageDefinition,
        kernel: FilePath,
        packages: [(selection: ImageDefinition.PackageSelection, file: FilePath)],
        scratch: FilePath
    ) async throws -> FileTree {
        var tree = FileTree()
        for (path, mode) in definition.directories { try tree.add(.directory(mode: mode), at: path) }
        // The kernel opens /dev/console for the first process before anything mounts devtmpfs.
        if let console = TreePath("dev/console") {
            try tree.add(.characterDevice(major: 5, minor: 1, mode: 0o600), at: console)
        }
        if let lib = TreePath("lib") { try add(kernel.appending("lib"), at: lib, to: &tree) }
        for (selection, file) in packages { try add(selection, from: file, to: &tree) }
        if let program = definition.applets { try await addApplets(of: program, to: &tree, scratch: scratch) }
        return tree
    }

    /// Two trees of about the same size, which two processors compress at the same time: drivers of networks, and the rest.
    /// Drivers are alike, so that neither becomes larger without the other.
    static func parts(_ tree: FileTree) throws -> [FileTree] {
        var (drivers, rest) = (FileTree(), FileTree())
        for (path, node) in tree.sorted {
            if case .file = node, path.text.contains(networkDrivers) {
                try drivers.add(node, at: path)
            } else {
                try rest.add(node, at: path)
            }
        }
        return drivers.nodes.isEmpty ? [rest] : [rest, drivers]
    }

    /// What a person changes: the definition's files.
    static func node(_ definition: ImageDefinition) throws -> FileTree {
        var tree = FileTree()
        for folder in definition.files { try add(folder, at: nil, to: &tree) }
        return tree
    }

    /// What changes with every build of the project. By itself, because it takes longest to compress.
    static func agent(_ definition: ImageDefinition, agent: FilePath?) throws -> FileTree {
        var tree = FileTree()
        if let place = definition.agent, let agent { try tree.add(.file(.file(agent), mode: 0o755), at: place) }
        return tree
    }

    /// Adds a folder of this machine. Names are taken in byte order and modes are reduced to the executable bit, so that
    /// umask and checkout do not show in the image.
    private static func add(_ folder: FilePath, at place: TreePath?, to tree: inout FileTree) throws {
        for name in try names(in: folder) {
            let source = folder.appending(name)
            guard let path = TreePath((place.map { $0.text + "/" } ?? "") + name) else { continue }
            switch try FileKind(of: source) {
            case .directory:
                try tree.add(.directory(mode: 0o755), at: path)
                try add(source, at: path, to: &tree)
            case .file(let executable): try tree.add(.file(.file(source), mode: executable ? 0o755 : 0o644), at: path)
            case .symbolicLink(let target): try tree.add(.symbolicLink(target: target), at: path)
            case .other:
                throw BuildError(.files, "\(source) is no file, folder or link", remedy: "remove it and build again")
            }
        }
    }

    private static func add(
        _ selection: ImageDefinition.PackageSelection,
        from file: FilePath,
        to tree: inout FileTree
    ) throws {
        var missing = Set(selection.paths)
        var reader = try DebianPackage.files(of: file)
        while let entry = try reader.nextEntry() {
            guard selection.paths.contains(entry.path) else { continue }
            switch entry.kind {
            case .file:
                let bytes = try reader.readContent(limit: largestFile)
                try tree.add(.file(.bytes(bytes), mode: entry.mode), at: entry.path)
            case .symbolicLink(let target):
                try tree.add(.symbolicLink(target: target), at: entry.path)
            default: continue
            }
            missing.remove(entry.path)
        }
        guard missing.isEmpty else {
            let list = missing.sorted().map(\.text).joined(separator: ", ")
            throw BuildError(
                .definition,
                "the package \(selection.package) has no file \(list)",
                remedy: "correct the definition's packages and build again"
            )
        }
    }

    /// Links for what `busybox --list-full` prints. The program is static and of this machine's architecture.
    private static func addApplets(of program: TreePath, to tree: inout FileTree, scratch: FilePath) async throws {
        guard case .file(.bytes(let bytes), _) = tree.nodes[program] else {
            throw BuildError(.definition, "applets: \(program) comes from no package", remedy: "take it from a package")
        }
        // Under its own name, by which a multi-call binary knows that it is not called as one of its applets.
        let folder = scratch
        try makeDirectory(folder)
        defer { remove(folder) }
        let copy = folder.appending(String(program.name))
        try writeFile(bytes, to: copy, permissions: [.ownerReadWriteExecute])
        for line in try await Tool.run(copy, ["--list-full"]).split(separator: "\n") {
            guard let path = TreePath(line), tree.nodes[path] == nil else { continue }
            try tree.add(.symbolicLink(target: "/\(program)"), at: path)
        }
    }
}
