package import HostModel
package import NIOCore

extension HostEngine {
    package func images() async throws(EngineError) -> [ImageRecord] { try await store.images() }

    /// Opens an upload, or finds the one with the same manifest.
    package func openUpload(_ manifest: ImageManifest) async throws(EngineError) -> ImageRecord {
        try manifest.check()
        let image = try await store.openUpload(manifest, at: settings.clock.now())
        if image.state == .uploading { try images.openUpload(manifest) }
        return image
    }

    /// The manifest of a published version, for boot servers on other segments.
    package func imageManifest(_ image: String, version: String) async throws(EngineError) -> ImageManifest {
        let record = try await store.image(image, version)
        guard record.state == .published else {
            throw EngineError(.notFound, "Version \(record.version) of image \(record.name) is not published.")
        }
        return record.manifest
    }

    /// A part of one of its files, from a byte up to another one, or shorter.
    package func imagePiece(
        _ image: String,
        version: String,
        file: String,
        from offset: Int64,
        upTo end: Int64
    ) async throws(EngineError) -> ImagePiece {
        let manifest = try await imageManifest(image, version: version)
        if !LiveImageSource.descriptionNames.contains(file) { _ = try manifest.file(named: file) }
        return try await images.piece(of: file, manifest, from: offset, upTo: end)
    }

    /// Bytes of a file that are received.
    package func receivedBytes(image: String, version: String, file: String) async throws(EngineError) -> Int64 {
        let image = try await store.image(image, version)
        return images.receivedBytes(try image.manifest.file(named: file), of: image)
    }

    /// Appends a chunk. `offset` must be the bytes received so far; `total` the size that the manifest says.
    package func append(
        image: String,
        version: String,
        file: String,
        offset: Int64,
        total: Int64,
        bytes: ByteBuffer
    ) async throws(EngineError) {
        let image = try await store.image(image, version)
        let file = try image.manifest.file(named: file)
        guard image.state == .uploading else {
            throw EngineError(.conflict, "Version \(image.version) of image \(image.name) is published already.")
        }
        guard total == file.size, offset >= 0, offset <= file.size - Int64(bytes.readableBytes) else {
            throw EngineError(
                .invalid,
                "The upload does not fit: the manifest says that \(file.name) has \(file.size) bytes."
            )
        }
        try await images.append(bytes, at: offset, to: file, of: image)
    }

    /// Keeps the manifest as it was signed, or its signature, beside the image's files: the node verifies these very bytes.
    /// Taken of a published version too, so that a new key can sign what is there.
    package func putDescription(
        image: String,
        version: String,
        file: String,
        bytes: ByteBuffer
    ) async throws(EngineError) {
        let image = try await store.image(image, version)
        let bytes = Array(bytes.readableBytesView)
        switch file {
        case LiveImageSource.manifestName:
            guard ColumnJSON.decode(String(decoding: bytes, as: UTF8.self)) == image.manifest else {
                throw EngineError(
                    .conflict,
                    "The manifest.json is not the manifest of \(image.name)@\(image.version).",
                    remedy: "Build the image again and publish it."
                )
            }
        case LiveImageSource.signatureName:
            guard bytes.first == 0x30, bytes.count <= ImageManifest.signatureSizeMax else {
                throw EngineError(.invalid, "The signature is no CMS structure.", remedy: "Sign the image again.")
            }
        default: throw EngineError(.notFound, "\(terminalEscaped(file.prefix(64))) does not describe an image.")
        }
        try await images.putDescription(bytes, as: file, of: image)
    }

    /// Verifies sizes and digests; then the version is published, and active if it is the first of its name.
    package func publish(image: String, version: String, by user: String) async throws(EngineError) -> ImageRecord {
        let record = try await store.image(image, version)
        if record.state == .uploading {
            try await images.publish(record.manifest)
            try await store.publishImage(image, version, by: user, at: settings.clock.now())
        }
        return try await store.image(image, version)
    }

    /// From now on machines get this version.
    package func activate(image: String, version: String, by user: String) async throws(EngineError) -> ImageRecord {
        try await store.activateImage(image, version, by: user, at: settings.clock.now())
        return try await store.image(image, version)
    }
}

extension ImageManifest {
    static let filesMax = 16
    /// Bytes of one file: 16 GiB.
    static let fileSizeMax: Int64 = 1 << 34
    /// Bytes of a detached CMS signature.
    static let signatureSizeMax = 64 << 10

    func file(named name: String) throws(EngineError) -> File {
        guard let file = files.first(where: { $0.name == name }) else {
            throw EngineError(
                .notFound,
                "The manifest of image \(self.name) names no file \(terminalEscaped(name.prefix(64)))."
            )
        }
        return file
    }

    /// Names become paths and kernel arguments go into boot scripts: both are checked before anything is stored.
    func check() throws(EngineError) {
        guard (1...Self.newestSchema).contains(schema) else {
            throw EngineError(
                .invalid,
                "The manifest has schema \(schema), this engine knows 1 to \(Self.newestSchema)."
            )
        }
        guard ImageReference(name: name, version: version) != nil else {
            throw EngineError(.invalid, "The manifest's name or version is not [a-z0-9][a-z0-9._-]{0,62}.")
        }
        guard (1...Self.filesMax).contains(files.count), Set(files.map(\.name)).count == files.count else {
            throw EngineError(.invalid, "A manifest names 1 to \(Self.filesMax) files, each once.")
        }
        for file in files {
            guard ImageReference.isComponent(file.name), !LiveImageSource.descriptionNames.contains(file.name) else {
                throw EngineError(.invalid, "The file name \(terminalEscaped(file.name.prefix(64))) is not allowed.")
            }
            guard (1...Self.fileSizeMax).contains(file.size) else {
                throw EngineError(.invalid, "The size of \(file.name) is not 1 to \(Self.fileSizeMax) bytes.")
            }
            guard file.role != .root || file.verity?.fileSize == file.size else {
                throw EngineError(
                    .invalid,
                    "The root file \(file.name) does not have the size that its dm-verity tree gives it.",
                    remedy: "Build the image again."
                )
            }
        }
        guard file(.kernel) != nil, file(.initramfs) != nil else {
            throw EngineError(.invalid, "The manifest names no kernel or no initramfs.")
        }
        try BootProfile(
            name: "manifest",
            mode: .run,
            image: ImageReference(name: name, version: version),
            kernelArguments: kernelArguments
        ).check()
    }
}
