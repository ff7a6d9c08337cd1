import Archive
import Crypto
import FoundationEssentials
import Glibc
import HostModel
import SystemPackage

/// Packages by their SHA-256, fetched with `apt-get download` and never installed.
struct PackageStore {
    /// Holds `SHA256.deb` and `pins-KEY.json`.
    let directory: FilePath
    private static let aptLists: FilePath = "/var/lib/apt/lists"

    /// The candidate versions of the packages; for a package that only points to a kernel (`linux-image-amd64`), the
    /// kernel's own. Asks apt again only when its lists have changed.
    func resolve(_ names: [String]) async throws -> [PackagePin] {
        let memory = directory.appending("pins-\(try memoryKey(names)).json")
        if let text = try? readText(memory, limit: 1 << 20),
            let pins = try? JSONDecoder().decode([PackagePin].self, from: Data(text.utf8))
        {
            return pins
        }
        let records = try await records(names)
        var pins: [PackagePin] = []
        for name in names {
            guard let record = records[name] else { throw Self.unknown(name) }
            pins.append(try await followKernel(record).pin)
        }
        try writeWhole(try JSONEncoder().encode(pins), to: memory)
        return pins
    }

    /// The package's file, fetched if it is not here yet.
    func fetch(_ pin: PackagePin) async throws -> FilePath {
        let file = file(of: pin)
        if exists(file) { return file }
        let work = directory.appending("work-\(pin.sha256.description.prefix(16))")
        remove(work)
        try makeDirectory(work)
        defer { remove(work) }
        do {
            _ = try await Tool.aptGet.run(
                ["download", "-q", "-o", "APT::Sandbox::User=", "\(pin.name)=\(pin.version)"],
                in: work
            )
        } catch {
            guard error.kind == .files else { throw error }
            throw BuildError(
                .packages,
                "could not fetch \(pin.name) \(pin.version): \(error.message)",
                remedy: "run apt-get update, see that the registry answers, and build again"
            )
        }
        guard let name = try names(in: work).first(where: { $0.hasSuffix(".deb") }) else {
            throw BuildError(.packages, "apt-get fetched no \(pin.name)", remedy: "run apt-get update and build again")
        }
        let fetched = work.appending(name)
        let measured = try measure(fetched)
        guard measured.sha256 == pin.sha256 else {
            throw BuildError(
                .packages,
                "\(pin.name) \(pin.version) has the SHA-256 \(measured.sha256), not \(pin.sha256) as the registry lists it",
                remedy: "run apt-get update and build again; if it stays, do not trust the mirror"
            )
        }
        try rename(fetched, to: file)
        return file
    }

    func has(_ pin: PackagePin) -> Bool { exists(file(of: pin)) }

    /// Takes a `.deb` from beside the definition.
    func take(_ file: FilePath) throws -> PackagePin {
        let measured = try measure(file)
        let name = file.lastComponent?.string ?? file.string
        return PackagePin(name: name, version: "", size: measured.size, sha256: measured.sha256)
    }

    private func file(of pin: PackagePin) -> FilePath { directory.appending("\(pin.sha256).deb") }

    private func followKernel(_ record: PackageRecord) async throws -> PackageRecord {
        guard record.pin.name.hasPrefix("linux-image-"), record.pin.size < 1 << 20,
            let real = record.depends.first(where: { $0.hasPrefix("linux-image-") })
        else { return record }
        guard let kernel = try await records([real])[real] else { throw Self.unknown(real) }
        return kernel
    }

    private func records(_ names: [String]) async throws -> [String: PackageRecord] {
        let output: String
        do {
            output = try await Tool.aptCache.run(["show", "--no-all-versions"] + names)
        } catch {
            guard error.kind == .files else { throw error }
            throw BuildError(
                .packages,
                "apt knows no package by one of these names: \(names.joined(separator: ", "))",
                remedy: "run apt-get update, check the names, and build again"
            )
        }
        return Dictionary(PackageRecord.parse(output).map { ($0.pin.name, $0) }) { first, _ in first }
    }

    private static func unknown(_ name: String) -> BuildError {
        BuildError(
            .packages,
            "apt has no package \(name) to fetch",
            remedy: "run apt-get update, check the name, and build again"
        )
    }

    /// Changes whenever `apt-get update` has brought something.
    private func memoryKey(_ wanted: [String]) throws -> String {
        var key = StageKey("pins")
        for name in wanted { key.add(name) }
        for name in try names(in: Self.aptLists) {
            var status = stat()
            guard stat(Self.aptLists.appending(name).string, &status) == 0 else { continue }
            key.add("\(name) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
        }
        return key.digest
    }

    private func writeWhole(_ bytes: Data, to file: FilePath) throws {
        let new = FilePath(file.string + ".new")
        try writeFile(bytes, to: new)
        try rename(new, to: file)
    }
}
