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

    /// Takes versions away, the least recently used first, until the file has room; never one that is used or fetched now, nor
    /// the file's own. Parts that nobody fetches any more leave before any version. The room is the file's until `reserved`
    /// forgets it: what another fetch was granted cannot be granted twice.
    func makeRoom(for file: ImageManifest.File, of image: BootRoute.ImageFile) async -> Bool {
        let gone = await onDisk { () -> [ImageShelfFiles.Version]? in
            self.room.withLock { _ in self.reserve(file, image) }
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

    /// What has left for the file; `nil` when it has no room even then, and nothing has left. Called under the lock of the
    /// room; may block on the disk.
    private func reserve(_ file: ImageManifest.File, _ image: BootRoute.ImageFile) -> [ImageShelfFiles.Version]? {
        let now = clock.now() / 1000
        // Read before the disk is: what ends meanwhile counts twice, rather than not at all.
        let (used, flying, reserved) = state.withLock { ($0.used, Array($0.flights.keys), $0.reserved) }
        let others = reserved.filter { $0.key != image }
        // What has arrived counts by what lies there.
        let coming = others.filter { files.identity($0.key) == nil }
        let (versions, partials) = files.inventory()
        let own = ImageShelfFiles.Version(name: image.name, version: image.version)
        let granted = Set((others.keys + [image]).map(files.partialName))
        let wanted = granted.union(flying.map(files.partialName))
        var bytes = versions.values.reduce(coming.values.reduce(0, +)) { $0 + $1.bytes }
        bytes += partials.reduce(0) { $0 + (granted.contains($1.key) ? 0 : $1.value) }
        let isTight = file.size > bytesMax - bytes
        if isTight { bytes -= partials.reduce(0) { $0 + (wanted.contains($1.key) ? 0 : $1.value) } }
        let fetched = Set(others.keys.map { ImageShelfFiles.Version(name: $0.name, version: $0.version) })
        var gone: [ImageShelfFiles.Version] = []
        for (version, facts) in versions.sorted(by: { $0.value.used < $1.value.used }) {
            guard file.size > bytesMax - bytes else { break }
            guard version != own, !fetched.contains(version), now - (used[version] ?? 0) > limits.inUse else {
                continue
            }
            bytes -= facts.bytes
            gone.append(version)
        }
        // Nothing leaves for a file that has no room even then.
        guard file.size <= bytesMax - bytes else { return nil }
        if isTight { files.dropPartials(except: wanted) }
        for version in gone { files.remove(version) }
        state.withLock { $0.reserved[image] = file.size }
        return gone
    }
}
