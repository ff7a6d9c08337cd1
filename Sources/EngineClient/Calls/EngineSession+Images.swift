package import HostModel
package import NIOCore
import NIOHTTP1

extension EngineSession {
    private static func path(_ image: String, _ rest: String...) -> String {
        (["\(api)/nodeimages", image] + rest).enumerated()
            .map { $0.offset == 0 ? $0.element : percentEncoded($0.element) }.joined(separator: "/")
    }

    /// Every version of every image.
    package func images() async throws(CallError) -> [NodeImageResource] {
        try await decode(NodeImageCollection.self, .get("\(Self.api)/nodeimages")).node_image ?? []
    }

    /// Opens the upload of a version, or finds the one that was begun.
    package func openUpload(_ manifest: ImageManifest) async throws(CallError) {
        _ = try await perform(try Self.json(.PUT, Self.path(manifest.name, manifest.version), manifest))
    }

    /// How many bytes of a file the engine has.
    package func receivedBytes(_ manifest: ImageManifest, _ file: ImageManifest.File) async throws(CallError) -> Int64 {
        let answer = try await perform(HTTPCall(.HEAD, Self.path(manifest.name, manifest.version, file.name)))
        guard let length = answer.headers.first(name: "Content-Length").flatMap({ Int64($0) }), length >= 0 else {
            throw .unexpected(status: answer.status, reason: "it does not say how much of \(file.name) it has")
        }
        return length
    }

    /// Appends bytes at `offset`, which must be what `receivedBytes` says (else 409).
    package func append(
        _ bytes: ByteBuffer,
        at offset: Int64,
        to file: ImageManifest.File,
        of manifest: ImageManifest
    ) async throws(CallError) {
        let last = offset + Int64(bytes.readableBytes) - 1
        let headers: HTTPHeaders = [
            "Content-Type": "application/octet-stream", "Content-Range": "bytes \(offset)-\(last)/\(file.size)",
        ]
        let path = Self.path(manifest.name, manifest.version, file.name)
        _ = try await perform(HTTPCall(.PUT, path, headers: headers, body: .bytes(bytes)))
    }

    /// Sends the manifest's own bytes, or its signature (`LiveImageSource.descriptionNames`), whole.
    package func putDescription(
        _ bytes: ByteBuffer,
        as name: String,
        of manifest: ImageManifest
    ) async throws(CallError) {
        let headers: HTTPHeaders = ["Content-Type": "application/octet-stream"]
        let path = Self.path(manifest.name, manifest.version, name)
        var call = HTTPCall(.PUT, path, headers: headers, body: .bytes(bytes))
        call.isIdempotent = true
        _ = try await perform(call)
    }

    /// Has the engine verify sizes and digests; then the version can be booted.
    package func publish(_ manifest: ImageManifest) async throws(CallError) {
        let path = Self.path(manifest.name, manifest.version, "publish")
        _ = try await perform(.post(path, ByteBuffer(string: "{}")))
    }

    /// Makes a published version the one that `NAME` alone means.
    package func activate(image: String, version: String) async throws(CallError) {
        _ = try await perform(try Self.json(.POST, Self.path(image, "activate"), ["version": version]))
    }
}
