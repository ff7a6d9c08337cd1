import HostModel
import Logging
import Synchronization

extension ImageStore {
    func use(_ image: BootRoute.ImageFile) async {
        let version = ImageShelfFiles.Version(name: image.name, version: image.version)
        let now = clock.now() / 1000
        let isNews = state.withLock { state in
            defer { state.used[version] = now }
            return now - (state.used[version] ?? 0) > 60
        }
        if isNews { await onDisk { self.files.touch(version) } }
    }

    /// Takes versions away, the least recently used first, until the file has room; never one that is used now, nor the file's
    /// own.
    func makeRoom(for file: ImageManifest.File, of image: BootRoute.ImageFile) async -> Bool {
        let own = ImageShelfFiles.Version(name: image.name, version: image.version)
        let now = clock.now() / 1000
        let used = state.withLock(\.used)
        let gone = await onDisk { () -> [ImageShelfFiles.Version]? in
            self.room.withLock { _ in
                let (versions, partial) = self.files.inventory()
                var bytes = versions.values.reduce(partial) { $0 + $1.bytes } - self.files.received(image)
                var gone: [ImageShelfFiles.Version] = []
                for (version, facts) in versions.sorted(by: { $0.value.used < $1.value.used }) {
                    guard bytes + file.size > self.bytesMax else { break }
                    guard version != own, now - (used[version] ?? 0) > self.limits.inUse else { continue }
                    bytes -= facts.bytes
                    gone.append(version)
                }
                // Nothing leaves for a file that has no room even then.
                guard bytes + file.size <= self.bytesMax else { return nil }
                for version in gone { self.files.remove(version) }
                return gone
            }
        }
        guard let gone = gone ?? nil else {
            logger.error(
                "there is no room for \(file.name) of \(image.name), \(file.size) bytes: give a larger --cache-size than \(bytesMax) bytes, or fewer images"
            )
            return false
        }
        for version in gone {
            logger.notice("\(version.name) \(version.version) was taken out of the cache: it was not used for longest")
            manifests.remove(Self.manifestName(version))
            state.withLock { state in
                state.verified = state.verified.filter {
                    $0.key.name != version.name || $0.key.version != version.version
                }
                state.manifests[version] = nil
            }
        }
        return true
    }
}
