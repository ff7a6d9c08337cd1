import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// A tree of CentOS Stream, AlmaLinux or Rocky Linux, made by dnf(8) with `--installroot`: once to decide and fetch, with
/// the network and the keys of the repositories; once to install just these files, with neither.
struct EnterpriseLinuxTree {
    private static let tools = [Tool.dnf, .rpm, .unshare, .setpriv, .tar]
    /// How old metadata may be before the repositories are asked again, in seconds.
    private static let metadataAge = 24 * 3600
    /// Bytes of the metadata's index.
    private static let largestIndex = 16 << 20
    private static let query = #"%{NAME}\t%{EPOCHNUM}\t%{VERSION}-%{RELEASE}\t%{BUILDTIME}\t%{SIZE}\t%{ARCH}\n"#

    var base: EnterpriseLinuxBase
    var packages: [String]
    var cache: FilePath

    /// What a set of repositories came to for a set of packages.
    struct Resolution: Codable, Sendable {
        /// Of the files; the versions are `EPOCH:VERSION-RELEASE` as rpm orders them.
        var pins: [PackagePin]
        /// File names, in the order of `pins`.
        var files: [String]
        var date: Int64
        var installedSize: Int64
    }

    func resolve(report: (BuildProgress) -> Void) async throws -> (inputs: BaseInputs, make: Make) {
        try Tool.require(Self.tools)
        var key = StageKey("dnf")
        key.add("\(base)")
        let folder = cache.appending("packages").appending("dnf-\(key.digest)")
        try makeDirectory(folder)
        let lock = try await FileLock.take(folder.appending(".lock")) {
            report(BuildProgress(stage: .packages, detail: "waiting for another build"))
        }
        defer { withExtendedLifetime(lock) {} }
        try writeConfiguration(in: folder)
        if let notice = try await refresh(folder) { report(BuildProgress(stage: .packages, detail: notice)) }
        let resolution = try await fetch(folder, report)
        let version = try await Tool.dnf.run(["--version"]).split(separator: "\n").first ?? ""
        let rpm = try await Tool.rpm.run(["--version"])
        let inputs = BaseInputs(
            packages: resolution.pins.sorted { $0.name < $1.name },
            date: resolution.date,
            installedSize: resolution.installedSize,
            key: ["enterprise linux", base.distribution.rawValue, "\(base.release)", String(version), rpm] + packages
        )
        return (inputs, Make(tree: self, folder: folder, resolution: resolution))
    }

    /// What dnf needs to know, and where rpm keeps its database: Debian's rpm would keep it in the home directory.
    private func writeConfiguration(in folder: FilePath) throws {
        var text = """
            [main]
            install_weak_deps=0
            tsflags=nodocs
            best=1
            skip_broken=0
            reposdir=/dev/null
            varsdir=/dev/null
            cachedir=/var/cache/dnf
            logdir=/var/log
            persistdir=/var/lib/dnf
            plugins=0
            keepcache=0
            metadata_expire=\(Self.metadataAge)

            """
        for repository in base.repositories {
            text += "[\(repository.name)]\nname=\(repository.name)\nbaseurl=\(repository.url)\n"
            text += "gpgcheck=\(repository.key == nil ? 0 : 1)\n"
            guard let key = repository.key else { continue }
            guard exists(key) else {
                throw BuildError(
                    .packages,
                    "there is no key \(key) to check the packages of \(repository.name) by",
                    remedy: "get the distribution's key, and name it as gpgkey"
                )
            }
            text += "gpgkey=file://\(FilePath(URL(filePath: key.string).path))\n"
        }
        try writeFile(text.utf8, to: folder.appending("dnf.conf"))
        try writeFile("%_dbpath /var/lib/rpm\n".utf8, to: folder.appending(".rpmmacros"))
    }

    private func options(_ folder: FilePath, root: FilePath) -> [String] {
        [
            "--assumeyes", "--config=\(folder)/dnf.conf", "--installroot=\(root)", "--releasever=\(base.release)",
            "--forcearch=x86_64",
        ]
    }

    private func refresh(_ folder: FilePath) async throws -> String? {
        let root = folder.appending("empty")
        try makeDirectory(root)
        let isKnown = try !metadata(root).isEmpty
        do {
            _ = try await Tool.dnf.run(options(folder, root: root) + ["makecache"], environment: environment(folder))
            return nil
        } catch {
            guard error.kind == .files else { throw error }
            guard isKnown else {
                throw BuildError(
                    .packages,
                    "the repositories do not answer: \(error.message)",
                    remedy: "see that their addresses are right and can be reached, and build again"
                )
            }
            return "the repositories do not answer; using their metadata of an earlier build"
        }
    }

    private func environment(_ folder: FilePath) -> [String: String] { ["HOME": folder.string] }

    /// The checksum of every repository's metadata: it changes with any package in it.
    private func metadata(_ root: FilePath) throws -> [String] {
        let cache = root.pushing("var/cache/dnf")
        return try names(in: cache).compactMap { name in
            let file = cache.appending(name).pushing("repodata/repomd.xml")
            guard exists(file) else { return nil }
            return "\(name) \(try measure(file).sha256)"
        }
    }

    private func fetch(_ folder: FilePath, _ report: (BuildProgress) -> Void) async throws -> Resolution {
        let root = folder.appending("empty")
        var key = StageKey("rpms")
        for text in try metadata(root) + packages { key.add(text) }
        let place = folder.appending("rpms-\(key.digest)")
        let memory = place.appending("resolution.json")
        if let text = try? readText(memory, limit: 16 << 20),
            let known = try? JSONDecoder().decode(Resolution.self, from: Data(text.utf8))
        {
            return known
        }
        let new = FilePath(place.string + ".new")
        remove(new)
        try makeDirectory(new)
        report(BuildProgress(stage: .packages, detail: "fetching packages of \(base.distribution.rawValue)"))
        do {
            let arguments = ["--downloadonly", "--destdir=\(new)", "install", "--"] + packages
            let options = options(folder, root: root) + arguments
            let log = folder.appending("fetch.log")
            try await Tool.dnf.watch(options, environment: environment(folder), log: log) { line in
                guard let amount = Self.count(line) else { return }
                report(BuildProgress(stage: .packages, detail: "fetching packages", amount: amount))
            }
        } catch {
            guard error.kind == .files else { throw error }
            throw BuildError(
                .packages,
                "these packages cannot be installed together: \(error.message)",
                remedy: "check their names, the repositories and their keys, and build again"
            )
        }
        let resolution = try await describe(new, folder)
        try writeFile(try JSONEncoder().encode(resolution), to: new.appending("resolution.json"))
        remove(place)
        try rename(new, to: place)
        return resolution
    }

    /// `(12/345): name-1-1.el9.x86_64.rpm …`, and ` Installing : name 12/345`.
    static func count(_ line: String) -> BuildProgress.Amount? {
        for word in line.split(whereSeparator: { " ():".contains($0) }) where word.contains("/") {
            let parts = word.split(separator: "/")
            guard parts.count == 2, let done = Int64(parts[0]), let total = Int64(parts[1]), done <= total, total > 0
            else { continue }
            return BuildProgress.Amount(done: done, total: total, unit: .packages)
        }
        return nil
    }

    private func describe(_ rpms: FilePath, _ folder: FilePath) async throws -> Resolution {
        var resolution = Resolution(pins: [], files: [], date: 0, installedSize: 0)
        let files = try names(in: rpms).filter { $0.hasSuffix(".rpm") }
        guard !files.isEmpty else {
            throw BuildError(.packages, "dnf fetched nothing", remedy: "name packages, and build again")
        }
        // rpm queries nothing by signature here: dnf has checked it, and the file's hash is taken now.
        let paths = files.map { rpms.appending($0).string }
        let text = try await Tool.rpm.run(
            ["--query", "--nosignature", "--queryformat", Self.query, "--package", "--"] + paths,
            environment: environment(folder)
        )
        let lines = text.split(separator: "\n")
        guard lines.count == files.count else {
            throw BuildError(.packages, "rpm cannot read what dnf fetched", remedy: "remove \(folder) and build again")
        }
        for (file, line) in zip(files, lines) {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 6 else { continue }
            let measured = try measure(rpms.appending(file))
            let version = fields[1] == "0" ? String(fields[2]) : "\(fields[1]):\(fields[2])"
            resolution.pins.append(
                PackagePin(
                    name: String(fields[0]),
                    version: version,
                    size: measured.size,
                    sha256: measured.sha256,
                    architecture: String(fields[5])
                )
            )
            resolution.files.append(file)
            resolution.date = max(resolution.date, Int64(fields[3]) ?? 0)
            resolution.installedSize += Int64(fields[4]) ?? 0
        }
        return resolution
    }

    /// Makes the tree; the network is not needed, and not there.
    struct Make {
        var tree: EnterpriseLinuxTree
        var folder: FilePath
        var resolution: Resolution

        /// `target` gets the tree's tar archive and the list of its packages.
        func run(at target: FilePath, epoch: Int64, report: (BuildProgress) -> Void) async throws {
            let root = target.appending("root")
            for directory in ["proc", "dev", "var/lib/rpm"] { try makeDirectory(root.pushing(FilePath(directory))) }
            try makeNullDevice(root.pushing("dev/null"))
            let rpms = try rpmFiles()
            let install = tree.options(folder, root: root) + ["--disablerepo=*", "install"] + rpms
            var environment = tree.environment(folder)
            environment["SOURCE_DATE_EPOCH"] = String(epoch)
            let sandboxed = try Sandbox(root: root).tool(.dnf, install)
            let log = tree.cache.appending("dnf.log")
            try await Tool.unshare.watch(sandboxed, environment: environment, log: log) { line in
                guard line.contains("Installing"), let amount = EnterpriseLinuxTree.count(line) else { return }
                let name = line.split(separator: " ").dropFirst(2).first ?? ""
                report(BuildProgress(stage: .base, detail: "installing \(name)", amount: amount))
            }
            let tar = target.appending(BaseTree.treeName)
            try await SiteTree.pack(root, to: tar, epoch: epoch)
            remove(root)
            try flush(tar)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let pins = resolution.pins.sorted { $0.name < $1.name }
            try writeFile(try encoder.encode(pins), to: target.appending(BaseTree.packagesName))
        }

        private func rpmFiles() throws -> [String] {
            var key = StageKey("rpms")
            for text in try tree.metadata(folder.appending("empty")) + tree.packages { key.add(text) }
            let place = folder.appending("rpms-\(key.digest)")
            return resolution.files.map { place.appending($0).string }
        }

        /// Scripts write there. The kernel makes /dev on the machine; nothing of this reaches the image.
        private func makeNullDevice(_ path: FilePath) throws {
            // Device 1:3 (null(4)).
            guard mknod(path.string, 0o020666, 1 << 8 | 3) == 0 else { throw Errno(rawValue: errno) }
        }
    }
}
