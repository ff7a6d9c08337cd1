import Archive
import SystemPackage

/// The packages of an initramfs, pinned and fetched.
struct PackageInputs {
    /// `nil` when the kernel comes out of a root tree.
    var kernel: (pin: PackagePin, file: FilePath)?
    var packages: [(selection: ImageDefinition.PackageSelection, pin: PackagePin, file: FilePath)]
    /// Those of the root tree.
    var root: [PackagePin] = []

    /// The image's bill of materials, by name. A package may be in the tree and in the initramfs.
    var pins: [PackagePin] {
        let all = (kernel.map { [$0.pin] } ?? []) + packages.map(\.pin) + root
        return Set(all).sorted { ($0.name, $0.version, "\($0.sha256)") < ($1.name, $1.version, "\($1.sha256)") }
    }

    static func fetch(
        _ definition: ImageDefinition,
        _ store: PackageStore,
        report: (String, Bool) -> Void
    ) async throws -> PackageInputs {
        let needsKernel = definition.root == nil
        let requests = (needsKernel ? [definition.kernel] : []) + definition.packages.map(\.package)
        var registry: [String] = []
        for case .registry(let name) in requests { registry.append(name) }
        let resolved = registry.isEmpty ? [] : try await store.resolve(registry)
        var plan = SpacePlan()
        let missing = resolved.filter { !store.has($0) }.reduce(0) { $0 + $1.size }
        plan.add(missing, in: store.directory, for: "the packages that are not here yet")
        try plan.check()
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
        guard fetched.count == requests.count else {
            throw BuildError(.packages, "a package was not resolved", remedy: "run apt-get update and build again")
        }
        let kernel = needsKernel ? fetched.removeFirst() : nil
        report("\(requests.count) packages\(kernel.map { ", kernel \($0.pin.version)" } ?? "")", true)
        let rest = zip(definition.packages, fetched).map { (selection: $0, pin: $1.pin, file: $1.file) }
        return PackageInputs(kernel: kernel, packages: rest)
    }
}
