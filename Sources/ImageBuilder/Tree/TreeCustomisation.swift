import Archive
import SystemPackage

/// Puts a definition's files, accounts and services into a tree, as an overlay of it.
struct TreeCustomisation {
    var definition: RootDefinition
    var agent: FilePath?
    /// Seconds since 1970.
    var epoch: Int64
    let index: TreeIndex
    private(set) var overlay = TreeOverlay()

    init(_ definition: RootDefinition, agent: FilePath?, epoch: Int64, index: TreeIndex) {
        (self.definition, self.agent, self.epoch, self.index) = (definition, agent, epoch, index)
    }

    private static let accountFiles = ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"]

    /// The files whose content the build reads: accounts, units, the lists of packages and modules.
    static func isWanted(_ path: TreePath) -> Bool {
        if accountFiles.contains(path.text) || path.text == "var/lib/dpkg/status" { return true }
        if path.name == "modules.dep" { return true }
        return ["usr/lib/systemd/system", "lib/systemd/system", "etc/systemd/system"].contains(path.parent?.text)
    }

    mutating func run() throws -> TreeOverlay {
        try addMissingDirectories()
        for (path, mode) in definition.directories.sorted(by: { $0.key < $1.key }) {
            try add(.init(path: path, kind: .directory, mode: mode, modified: epoch))
        }
        for folder in definition.files { try add(folder, at: nil) }
        if let place = definition.agent, let agent {
            try add(
                .init(path: place, kind: .file(size: try fileSize(agent)), mode: 0o755, modified: epoch),
                .file(agent)
            )
        }
        try addAccounts()
        var services = ServiceLinks(index: index, overlay: overlay, epoch: epoch)
        overlay = try services.run(definition.services)
        return overlay
    }

    /// An archive need not name every directory; what makes file systems of it would make up modes and times for those.
    private mutating func addMissingDirectories() throws {
        for path in index.entries.keys.sorted() {
            var ancestor = path.parent
            while let directory = ancestor, index.entries[directory] == nil, overlay.added[directory] == nil {
                overlay.add(.init(path: directory, kind: .directory, mode: 0o755, modified: epoch))
                ancestor = directory.parent
            }
        }
    }

    /// Adds a folder of this machine: byte order, owner root, modes by the executable bit, so that umask and checkout do
    /// not show.
    private mutating func add(_ folder: FilePath, at place: TreePath?) throws {
        for name in try names(in: folder) {
            let source = folder.appending(name)
            guard let path = TreePath((place.map { $0.text + "/" } ?? "") + name) else { continue }
            switch try FileKind(of: source) {
            case .directory:
                try add(.init(path: path, kind: .directory, mode: 0o755, modified: epoch))
                try add(source, at: path)
            case .file(let executable):
                let kind = ArchiveEntry.Kind.file(size: try fileSize(source))
                let mode: UInt16 = executable ? 0o755 : 0o644
                try add(.init(path: path, kind: kind, mode: mode, modified: epoch), .file(source))
            case .symbolicLink(let target):
                try add(.init(path: path, kind: .symbolicLink(target: target), mode: 0o777, modified: epoch))
            case .other:
                throw BuildError(.files, "\(source) is no file, folder or link", remedy: "remove it and build again")
            }
        }
    }

    /// Adds an entry where its directory really is, with the directories above it. A directory that is there keeps its
    /// mode and owner.
    private mutating func add(_ entry: ArchiveEntry, _ content: TreeOverlay.Content = .none) throws {
        let path = try resolved(entry.path)
        var entry = entry
        entry.path = path
        let present = overlay.added[path]?.entry.kind ?? index.entries[path]?.kind
        if case .directory? = present {
            guard entry.kind == .directory else {
                throw BuildError(
                    .definition,
                    "\(path) is a directory in the tree, and no file can take its place",
                    remedy: "correct the definition's files and build again"
                )
            }
            if index.entries[path] != nil, !definition.directories.keys.contains(entry.path) { return }
        }
        var ancestor = path.parent
        while let directory = ancestor, index.entries[directory] == nil, overlay.added[directory] == nil {
            overlay.add(.init(path: directory, kind: .directory, mode: 0o755, modified: epoch))
            ancestor = directory.parent
        }
        overlay.add(entry, content)
    }

    private func resolved(_ path: TreePath) throws -> TreePath {
        do {
            return try index.resolve(path)
        } catch let problem as TreeIndex.TreeProblem {
            throw BuildError(.definition, "\(path) \(problem.reason)", remedy: "name another place for it")
        }
    }

    private mutating func addAccounts() throws {
        guard !definition.users.isEmpty || !definition.groups.isEmpty else { return }
        func text(_ name: String) -> String {
            guard let path = TreePath(name) else { return "" }
            if case .bytes(let bytes)? = overlay.added[path]?.content { return String(decoding: bytes, as: UTF8.self) }
            return index.text(name) ?? ""
        }
        let texts = Self.accountFiles.map(text)
        var database = UserDatabase(
            passwd: texts[0],
            group: texts[1],
            shadow: texts[2],
            gshadow: texts[3],
            epoch: epoch
        )
        do throws(UserDatabase.Conflict) {
            for (name, gid) in definition.groups.sorted(by: { $0.key < $1.key }) {
                try database.ensureGroup(name, gid: gid)
            }
            for user in definition.users { try database.ensureUser(user) }
        } catch {
            throw BuildError(.definition, error.description, remedy: "choose another number or name, and build again")
        }
        overlay.owners = .init(users: database.movedUsers, groups: database.movedGroups)
        try write(database)
        for user in definition.users { try addKeys(of: user, database) }
    }

    private mutating func write(_ database: UserDatabase) throws {
        let texts = [database.passwdText, database.groupText, database.shadowText, database.gshadowText]
        for (name, text) in zip(Self.accountFiles, texts) {
            guard let path = TreePath(name) else { continue }
            let isSecret = name.hasSuffix("shadow")
            let old = index.entry(path)
            let entry = ArchiveEntry(
                path: path,
                kind: .file(size: Int64(text.utf8.count)),
                mode: old?.mode ?? (isSecret ? 0o640 : 0o644),
                modified: epoch,
                user: old.map { overlay.owners.users[$0.user] ?? $0.user } ?? 0,
                group: old.map { overlay.owners.groups[$0.group] ?? $0.group } ?? 0
            )
            try add(entry, .bytes(Array(text.utf8)))
        }
    }

    /// The home of a person, where it is missing, and the keys that open it.
    private mutating func addKeys(of user: UserDefinition, _ database: UserDatabase) throws {
        guard let account = database.account(user.name), let home = TreePath(account.home) else { return }
        let isPersons = home.text.hasPrefix("home/") || home.text == "root"
        guard isPersons || !user.sshKeys.isEmpty else { return }
        func entry(_ path: TreePath, _ kind: ArchiveEntry.Kind, _ mode: UInt16) -> ArchiveEntry {
            .init(path: path, kind: kind, mode: mode, modified: epoch, user: account.uid, group: account.gid)
        }
        try add(entry(home, .directory, 0o700))
        guard !user.sshKeys.isEmpty, let folder = TreePath("\(home)/.ssh"),
            let file = TreePath("\(home)/.ssh/authorized_keys")
        else { return }
        let text = user.sshKeys.joined(separator: "\n") + "\n"
        try add(entry(folder, .directory, 0o700))
        try add(entry(file, .file(size: Int64(text.utf8.count)), 0o600), .bytes(Array(text.utf8)))
    }
}
