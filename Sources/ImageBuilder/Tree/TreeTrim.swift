import Archive
import SystemPackage

/// Decides what of a tree stays out of the image: what differs from build to build and from machine to machine always, and
/// what the definition says.
struct TreeTrim {
    var rules: RootDefinition.Trim
    /// Seconds since 1970.
    var epoch: Int64
    let index: TreeIndex
    /// What the definition put in: it stays, whatever the rules say.
    let customised: TreeOverlay

    /// Left out of every image: the kernel's own file systems, what is made anew at every start, secrets that every
    /// machine needs for itself, logs, caches, and traces of the build.
    static let always: [PathPattern] = [
        "dev/*", "proc/*", "sys/*", "run/*", "tmp/*", "var/tmp/*", "usr/lib/modules/*/initramfs*", "boot/init*",
        "boot/loader/entries/*", "usr/lib/modules/*/build", "usr/lib/modules/*/source",
        "etc/ssh/ssh_host_*", "etc/ssl/private/ssl-cert-snakeoil.key", "etc/ssl/certs/ssl-cert-snakeoil.pem",
        "etc/hostname", "etc/resolv.conf", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-",
        "etc/subuid-", "etc/subgid-", "etc/machine-info", "etc/iscsi/initiatorname.iscsi", "etc/apt/sources.list",
        "root/.bash_history", "root/.rnd", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed",
        "var/lib/systemd/credential.secret", "var/lib/systemd/catalog/database", "var/lib/private/*",
        "var/lib/apt/lists/*", "var/lib/dpkg/*-old", "var/lib/dnf/*", "var/lib/rpm/.rpm.lock",
        "var/lib/rpm/rpmdb.sqlite-shm", "var/lib/rpm/rpmdb.sqlite-wal", "usr/lib/sysimage/rpm/.rpm.lock",
        "var/lib/logrotate/*", "**/__pycache__", "var/lib/initramfs-tools/*",
    ].compactMap { PathPattern($0) }
    /// Left out unless the definition keeps it: a node's kernel stands beside its root image. An initramfs is made of one
    /// machine, and goes in any case.
    private static let boot = [
        "boot/*", "usr/lib/modules/*/vmlinuz", "usr/lib/modules/*/.vmlinuz.hmac", "usr/lib/modules/*/System.map",
        "usr/lib/modules/*/config",
    ].compactMap { PathPattern($0) }
    /// The directories stay, the files in them go.
    private static let emptied = ["var/log/", "var/cache/"]
    private static let documentation: [PathPattern] = [
        "usr/share/man", "usr/share/info", "usr/share/lintian", "usr/share/bug", "usr/share/doc-base",
        "usr/share/gtk-doc", "usr/share/linda",
    ].compactMap { PathPattern($0) }
    private static let documents = "usr/share/doc/"
    private static let licence = "copyright"
    private static let translations = "usr/share/locale/"

    /// What is removed, and what takes its place; `scratch` holds the modules for a while.
    func run(base: FilePath, scratch: FilePath) async throws -> TreeOverlay {
        var overlay = TreeOverlay()
        var gone: Set<TreePath> = []
        for path in index.entries.keys.sorted() {
            if let parent = path.parent, gone.contains(parent) {
                gone.insert(path)
            } else if goes(path) {
                gone.insert(path)
            }
        }
        for (path, _) in customised.added { keep(path, &gone) }
        for path in gone { overlay.remove(path) }
        // Empty, not absent: systemd makes one at the first start, and takes nothing for a first start of the system.
        if let path = TreePath("etc/machine-id") {
            overlay.add("", at: path, mode: 0o444, epoch: epoch)
        }
        if rules.keepsBoot { try InstalledKernel(index: index).add(from: base, to: &overlay) }
        if !rules.moduleDirectories.isEmpty {
            try await ModuleTrim(rules: rules, epoch: epoch, index: index).run(base: base, scratch: scratch, &overlay)
        }
        return overlay
    }

    /// What was put in stays, and so does every directory above it.
    private func keep(_ path: TreePath, _ gone: inout Set<TreePath>) {
        var here: TreePath? = path
        while let place = here {
            gone.remove(place)
            here = place.parent
        }
    }

    private func goes(_ path: TreePath) -> Bool {
        if Self.always.contains(where: { $0.matches(path) }) { return true }
        if !rules.keepsBoot, Self.boot.contains(where: { $0.matches(path) }) { return true }
        let kind = index.entries[path]?.kind
        if kind != .directory, Self.emptied.contains(where: { path.text.hasPrefix($0) }) { return true }
        if rules.documentation, isDocumentation(path, kind) { return true }
        if let kept = rules.locales, isTranslation(path, besides: kept) { return true }
        return rules.paths.contains { $0.matches(path) }
    }

    private func isDocumentation(_ path: TreePath, _ kind: ArchiveEntry.Kind?) -> Bool {
        if Self.documentation.contains(where: { $0.matches(path) }) { return true }
        guard path.text.hasPrefix(Self.documents), kind != .directory, path.name != Self.licence else { return false }
        // A package's folder may be a link to another one's, where the licence is.
        if case .symbolicLink? = kind { return path.text.split(separator: "/").count > 4 }
        return true
    }

    private func isTranslation(_ path: TreePath, besides kept: [String]) -> Bool {
        guard path.text.hasPrefix(Self.translations), index.entries[path]?.kind == .directory else { return false }
        let name = path.text.dropFirst(Self.translations.count)
        guard !name.contains("/") else { return false }
        return !kept.contains { language in
            name == language || ["_", "@", "."].contains { name.hasPrefix(language + $0) }
        }
    }
}
