import HostModel
import Logging
import NIOCore
import Synchronization

// What the files of images are checked by, and what nodes check by themselves: manifests and their signatures.
extension ImageStore {
    /// By which the file is checked: known, kept, or the engine's. What the engine has taken back is served on while it is
    /// away only.
    func manifest(of image: BootRoute.ImageFile) async throws -> ImageManifest? {
        let version = ImageShelfFiles.Version(name: image.name, version: image.version)
        if let known = state.withLock({ $0.manifests[version] }) { return known }
        do {
            let manifest = try await source.manifest(image.name, image.version)
            state.withLock { $0.unreachable = nil }
            guard manifest.name == image.name, manifest.version == image.version else { return nil }
            await keep(manifest)
            return manifest
        } catch let failure as RemoteBootDirectory.Failure {
            guard case .unreachable = failure else { throw failure }
            state.withLock { $0.unreachable = clock.now() }
            guard
                let kept = await onDisk({
                    self.manifests.value(
                        ImageManifest.self,
                        in: Self.manifestName(version),
                        bytesMax: Self.manifestBytesMax
                    )
                }) ?? nil, kept.name == image.name, kept.version == image.version
            else { throw failure }
            state.withLock { $0.manifests[version] = kept }
            return kept
        }
    }

    static func manifestName(_ version: ImageShelfFiles.Version) -> String {
        "\(version.name)@\(version.version)"
    }

    func keep(_ manifest: ImageManifest) async {
        let version = ImageShelfFiles.Version(name: manifest.name, version: manifest.version)
        state.withLock { $0.manifests[version] = manifest }
        guard ImageReference.isComponent(manifest.name), ImageReference.isComponent(manifest.version) else { return }
        do {
            try await onDiskThrowing { try self.manifests.write(value: manifest, as: Self.manifestName(version)) }
        } catch { logger.warning("the manifest of \(manifest.name) \(error)") }
    }

    /// A manifest as it was signed, or its signature: the engine's while it is there, for a new key may have signed; else what
    /// it was.
    func describe(_ image: BootRoute.ImageFile) async -> Readiness {
        if await isFresh(image) { return .ready }
        let isThere = (await onDisk { self.files.identity(image) != nil }) ?? false
        if !isThere, await isOutOfReach(image) { return .later(seconds: 10) }
        guard let flight = flight(image, { await self.fetchDescription(image, isThere: isThere) }) else {
            return isThere ? .ready : .later(seconds: 10)
        }
        switch await flight.wait(limits.wait) {
        case .ready: return .ready
        case .missing: return .missing
        case .failed: return isThere ? .ready : .later(seconds: 10)
        case nil: return isThere ? .ready : .later(seconds: 3)
        }
    }

    private func isFresh(_ image: BootRoute.ImageFile) async -> Bool {
        let now = clock.now()
        guard let last = state.withLock({ $0.described[image] }), now - last < limits.descriptionAge else {
            return false
        }
        return (await onDisk { self.files.identity(image) != nil }) ?? false
    }

    private func fetchDescription(_ image: BootRoute.ImageFile, isThere: Bool) async -> Outcome {
        // A fetch that ended since it was looked for has brought it.
        if await isFresh(image) { return .ready }
        do {
            let bytes = try await source.piece(image.name, image.version, image.file, from: 0, upTo: nil)
            guard bytes.readableBytes <= Self.descriptionBytesMax else { return .missing }
            let content = Array(bytes.readableBytesView)
            try await onDiskThrowing { try self.files.put(content, as: image) }
            let now = clock.now()
            state.withLock { state in
                state.unreachable = nil
                if state.described.count > Self.manifestsMax { state.described = [:] }
                state.described[image] = now
            }
            return .ready
        } catch RemoteBootDirectory.Failure.refused(404, _) {
            return .missing
        } catch {
            if case RemoteBootDirectory.Failure.unreachable = error {
                state.withLock { $0.unreachable = clock.now() }
            }
            logger.log(
                level: isThere ? .debug : .warning,
                "\(image.file) of \(image.name) could not be fetched: \(error)"
            )
            return .failed
        }
    }
}
