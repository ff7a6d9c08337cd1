import Archive
import FoundationEssentials
import SystemPackage

/// A Debian tree, made by mmdebstrap(1) out of packages that are at hand.
struct DebianTree {
    private static let tools = [
        Tool.aptGet, .aptCache, .mmdebstrap, .unshare, .setpriv, .tar, Tool(name: "dpkg", package: "dpkg"),
    ]

    var base: DebianBase
    var packages: [String]
    var cache: FilePath

    func resolve(report: (BuildProgress) -> Void) async throws -> (inputs: BaseInputs, make: Make) {
        try Tool.require(Self.tools)
        let archives = try AptArchives(base.repositories, cache: cache)
        let lock = try await FileLock.take(archives.folder.appending(".lock")) {
            report(BuildProgress(stage: .packages, detail: "waiting for another build"))
        }
        defer { withExtendedLifetime(lock) {} }
        if let notice = try await archives.refresh() { report(BuildProgress(stage: .packages, detail: notice)) }
        let resolution = try await archives.resolve(packages)
        let total = resolution.pins.reduce(0) { $0 + $1.size }
        let detail = "\(resolution.pins.count) packages of \(base.suite), \(total >> 20) MiB"
        try await archives.fetch(resolution, packages) { done, total in
            let amount = BuildProgress.Amount(done: done, total: total, unit: .bytes)
            report(BuildProgress(stage: .packages, detail: "fetching \(detail)", amount: amount))
        }
        let files = resolution.files.map { archives.packages.appending($0) }
        let inputs = BaseInputs(
            packages: resolution.pins,
            date: try files.map(DebianPackage.date).max() ?? 0,
            installedSize: resolution.installedSize,
            key: try await key()
        )
        return (inputs, Make(tree: self, archives: archives, resolution: resolution))
    }

    private func key() async throws -> [String] {
        let version = try await Tool.mmdebstrap.run(["--version"])
        let tar = try await Tool.tar.run(["--version"]).split(separator: "\n").first ?? ""
        return ["debian", base.suite, version, String(tar)] + packages
    }

    /// Makes the tree; the network is not needed, and not there.
    struct Make {
        var tree: DebianTree
        var archives: AptArchives
        var resolution: AptArchives.Resolution

        /// `folder` gets the tree's tar archive and the list of its packages.
        func run(at folder: FilePath, epoch: Int64, report: (BuildProgress) -> Void) async throws {
            let (repository, scratch) = (folder.appending("repository"), folder.appending("tmp"))
            try makeDirectory(scratch)
            try archives.makeArchive(resolution, tree.packages, at: repository)
            let target = folder.appending(BaseTree.treeName)
            var arguments = [
                "--mode=root", "--architectures=amd64", "--variant=apt", "--format=tar", "--verbose",
                "--aptopt=APT::Sandbox::User \"root\"", "--aptopt=APT::Install-Recommends \"false\"",
                "--dpkgopt=force-unsafe-io",
            ]
            if !tree.packages.isEmpty { arguments.append("--include=\(tree.packages.joined(separator: ","))") }
            arguments += ["--", tree.base.suite, target.string, "deb [trusted=yes] \(Self.url(of: repository)) ./"]
            // INITRD=No: the kernel's package makes no initramfs, which nothing would read.
            let environment = [
                "SOURCE_DATE_EPOCH": String(epoch), "INITRD": "No", "TMPDIR": scratch.string, "HOME": "/nonexistent",
            ]
            var done: Set<Substring> = []
            let count = Int64(resolution.pins.count)
            let sandboxed = try Sandbox().tool(.mmdebstrap, arguments)
            let log = tree.cache.appending("mmdebstrap.log")
            try await Tool.unshare.watch(sandboxed, in: folder, environment: environment, log: log) { line in
                guard let name = Self.configured(line), done.insert(name).inserted else { return }
                let amount = BuildProgress.Amount(done: Int64(done.count), total: count, unit: .packages)
                report(BuildProgress(stage: .base, detail: "installing \(name)", amount: amount))
            }
            for name in ["repository", "tmp"] { remove(folder.appending(name)) }
            try flush(target)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try writeFile(try encoder.encode(resolution.pins), to: folder.appending(BaseTree.packagesName))
        }

        /// `Setting up libc6:amd64 (2.36-9) ...`
        static func configured(_ line: String) -> Substring? {
            guard line.hasPrefix("Setting up ") else { return nil }
            return line.dropFirst("Setting up ".count).prefix { $0 != " " && $0 != ":" }
        }

        private static func url(of folder: FilePath) -> String {
            let path = folder.string.utf8.map { byte -> String in
                let isPlain = (97...122).contains(byte | 0x20) || (45...57).contains(byte) || byte == 95
                return isPlain
                    ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            return "copy://" + path.joined()
        }
    }
}
