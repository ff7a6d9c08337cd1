import Archive
import SystemPackage

/// The packages of a definition, pinned and fetched.
struct PackageInputs {
    var kernel: (pin: PackagePin, file: FilePath)
    var packages: [(selection: ImageDefinition.PackageSelection, pin: PackagePin, file: FilePath)]

    /// The image's bill of materials, by name.
    var pins: [PackagePin] { ([kernel.pin] + packages.map(\.pin)).sorted { $0.name < $1.name } }

    static func fetch(
        _ definition: ImageDefinition,
        _ store: PackageStore,
        report: (String, Bool) -> Void
    ) async throws -> PackageInputs {
        let requests = [definition.kernel] + definition.packages.map(\.package)
        var registry: [String] = []
        for case .registry(let name) in requests { registry.append(name) }
        let resolved = registry.isEmpty ? [] : try await store.resolve(registry)
        let pins = Dictionary(zip(registry, resolved)) { first, _ in first }
        var fetched: [(pin: PackagePin, file: FilePath)] = []
        for request in requests {
            switch request {
            case .file(let file): fetched.append((try store.take(file), file))
            case .registry(let name):
                guard let pin = pins[name] else { continue }
                if !store.has(pin) { report("fetching \(pin.name) \(pin.version), \(pin.size >> 20) MiB", false) }
                fetched.append((pin, try await store.fetch(pin)))
            }
        }
        guard let kernel = fetched.first, fetched.count == requests.count else {
            throw BuildError(.packages, "a package was not resolved", remedy: "run apt-get update and build again")
        }
        report("\(fetched.count) packages, kernel \(kernel.pin.version)", true)
        let rest = zip(definition.packages, fetched.dropFirst()).map { (selection: $0, pin: $1.pin, file: $1.file) }
        return PackageInputs(kernel: kernel, packages: rest)
    }
}
