package import HostModel
package import NIOCore

/// Sends the files of a built image to the engine in pieces, goes on where an earlier attempt ended, and publishes.
package struct ImageUpload: Sendable {
    /// How far one file is.
    package struct Progress: Hashable, Sendable {
        package var file: String
        package var sentBytes: Int64
        package var totalBytes: Int64
    }

    /// Reads `count` bytes of a file at an offset; fewer only at its end.
    package typealias Source = @Sendable (ImageManifest.File, _ offset: Int64, _ count: Int) async throws -> ByteBuffer

    /// Bytes of one request.
    package static let pieceBytes = 1 << 20
    /// Failures in a row after which an upload gives up, and the pause after the first of them; it doubles.
    package static let attemptsMax = 5
    package static let firstPause = Duration.milliseconds(500)

    private let session: EngineSession
    private let manifest: ImageManifest
    private let read: Source
    private let clock: any Clock<Duration>
    private let report: @Sendable (Progress) -> Void
    /// The manifest's own bytes and its signature, by file name.
    private let descriptions: [String: ByteBuffer]

    package init(
        _ manifest: ImageManifest,
        to session: EngineSession,
        descriptions: [String: ByteBuffer] = [:],
        clock: any Clock<Duration> = ContinuousClock(),
        reading read: @escaping Source,
        report: @escaping @Sendable (Progress) -> Void = { _ in }
    ) {
        self.descriptions = descriptions
        (self.manifest, self.session, self.clock, self.read, self.report) = (manifest, session, clock, read, report)
    }

    package func run() async throws(CallError) {
        try await session.openUpload(manifest)
        try await sendDescriptions()
        for file in manifest.files { try await send(file) }
        try await session.publish(manifest)
    }

    /// Sends the manifest as it was signed and its signature; enough when the version is published already.
    package func sendDescriptions() async throws(CallError) {
        for (name, bytes) in descriptions.sorted(by: { $0.key < $1.key }) {
            try await session.putDescription(bytes, as: name, of: manifest)
        }
    }

    private func send(_ file: ImageManifest.File) async throws(CallError) {
        var sent = try await session.receivedBytes(manifest, file)
        var failures = 0
        tell(file, sent)
        while sent < file.size {
            do throws(CallError) {
                sent = try await sendPiece(of: file, at: sent)
                failures = 0
            } catch {
                failures += 1
                guard Self.isResumable(error), failures < Self.attemptsMax else { throw error }
                try? await clock.sleep(for: Self.firstPause * (1 << (failures - 1)))
                // The engine alone knows what arrived. Not to reach it now counts as the next failure.
                if let received = try? await session.receivedBytes(manifest, file) { sent = received }
            }
            tell(file, sent)
        }
    }

    /// The new number of bytes that the engine has.
    private func sendPiece(of file: ImageManifest.File, at offset: Int64) async throws(CallError) -> Int64 {
        let count = Int(min(Int64(Self.pieceBytes), file.size - offset))
        let piece: ByteBuffer
        do { piece = try await read(file, offset, count) } catch { throw .unreadable(reason: "\(error)") }
        guard piece.readableBytes == count else {
            throw .unreadable(reason: "the file \(file.name) is shorter than its manifest says")
        }
        try await session.append(piece, at: offset, to: file, of: manifest)
        return offset + Int64(count)
    }

    /// 409 is the engine's word for "I have another number of bytes": a repeated piece that had arrived after all.
    private static func isResumable(_ error: CallError) -> Bool {
        if case .refused(status: 409, _) = error { true } else { error.isTransient }
    }

    private func tell(_ file: ImageManifest.File, _ sent: Int64) {
        report(Progress(file: file.name, sentBytes: sent, totalBytes: file.size))
    }
}
