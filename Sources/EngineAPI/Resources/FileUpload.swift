import Engine
import HTTPTypes
import Hummingbird
import NIOCore

/// One piece of a file on its way from the connection to the engine. At most `gathered` bytes are in memory, however
/// large the piece; the next are not read before the engine has taken them.
struct FileUpload {
    let engine: HostEngine
    let place: ImagePlace
    let file: String
    let range: ContentRange
    private var pending = ByteBuffer()
    private var written: Int64 = 0

    /// Bytes that are gathered before they are written.
    static let gathered = 1 << 20

    init(engine: HostEngine, place: ImagePlace, file: String, range: ContentRange) {
        (self.engine, self.place, self.file, self.range) = (engine, place, file, range)
    }

    /// Appends the body. What arrived before a broken connection is kept, so that the client goes on from there.
    mutating func receive(_ body: RequestBody) async throws {
        do {
            for try await chunk in body {
                guard written + Int64(pending.readableBytes + chunk.readableBytes) <= range.count else {
                    throw mismatch("more")
                }
                pending.writeImmutableBuffer(chunk)
                if pending.readableBytes >= Self.gathered { try await flush() }
            }
        } catch {
            if !(error is EngineError) { try await flush() }
            throw error
        }
        try await flush()
        guard written == range.count else { throw mismatch("fewer") }
    }

    private mutating func flush() async throws {
        guard pending.readableBytes > 0 else { return }
        let bytes = pending
        pending = ByteBuffer()
        try await engine.append(
            image: place.name,
            version: place.version,
            file: file,
            offset: range.first + written,
            total: range.total,
            bytes: bytes
        )
        written += Int64(bytes.readableBytes)
    }

    private func mismatch(_ word: String) -> Fault {
        Fault(
            .badRequest,
            "The body has \(word) bytes than Content-Range says.",
            remedy: "Ask by HEAD how many bytes are there, and go on from that."
        )
    }
}
