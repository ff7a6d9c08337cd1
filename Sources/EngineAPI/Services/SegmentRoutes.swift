import BootServer
import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import Synchronization

/// What boot servers on other segments ask over mutual TLS: BootDirectory, their own certificate, and images.
struct SegmentRoutes: Sendable {
    let engine: HostEngine
    private let pieces = PieceDoor()

    init(engine: HostEngine) { self.engine = engine }

    func add(to router: some RouterMethods<APIContext>) {
        BootRoutes { try await directory($0) }.add(to: router)
        router.get("boot/certificate") { _, context in
            try Response.json(await directory(context).certificate())
        }
        router.get("boot/images/:name/:version") { _, context in
            _ = try await directory(context)
            return try Response.json(await engine.imageManifest(name(context), version: version(context)))
        }
        router.get("boot/images/:name/:version/:file") { request, context in
            _ = try await directory(context)
            return try await piece(request, context)
        }
    }

    /// Exactly the role of a boot server that is approved and was not removed, looked up at each call.
    private func directory(_ context: APIContext) async throws -> SegmentDirectory {
        guard let leaf = context.leaf else {
            throw Fault(
                .unauthorized,
                "This call needs the certificate of a boot server.",
                remedy: "Enrol the boot server: muster-boot --engine-url, then `muster boot approve NAME --code CODE`."
            )
        }
        guard let directory = try await engine.segmentDirectory(role: leaf.role, key: Data(leaf.key)) else {
            throw Fault(
                .forbidden,
                "This certificate is not that of a boot server that is approved here.",
                remedy: "It was removed, or is another engine's; start muster-boot anew to ask to be enrolled."
            )
        }
        return directory
    }

    private func name(_ context: APIContext) -> String { context.parameters.get("name") ?? "" }
    private func version(_ context: APIContext) -> String { context.parameters.get("version") ?? "" }

    /// `Range: bytes=A-` or `bytes=A-B`: as much of it as goes into one piece.
    private func piece(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let range = request.headers[.range].flatMap({ Self.range($0) }) else {
            throw Fault(.badRequest, "Images are given in pieces.", remedy: "Send Range: bytes=FIRST-LAST.")
        }
        return try await pieces.pass {
            let piece = try await engine.imagePiece(
                name(context),
                version: version(context),
                file: context.parameters.get("file") ?? "",
                from: range.lowerBound,
                upTo: range.upperBound
            )
            guard piece.bytes.readableBytes > 0 || piece.size == 0 else {
                throw Fault(
                    .rangeNotSatisfiable,
                    "The file has \(piece.size) bytes.",
                    headers: [.contentRange: "bytes */\(piece.size)"]
                )
            }
            let last = range.lowerBound + Int64(piece.bytes.readableBytes) - 1
            return Response(
                status: .partialContent,
                headers: [
                    .contentRange: "bytes \(range.lowerBound)-\(max(last, 0))/\(piece.size)",
                    .contentType: "application/octet-stream",
                ],
                body: ResponseBody(byteBuffer: piece.bytes)
            )
        }
    }

    /// The first byte and the one behind the last.
    static func range(_ header: String) -> Range<Int64>? {
        guard header.hasPrefix("bytes=") else { return nil }
        let ends = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int64(ends[0]), first >= 0 else { return nil }
        if ends[1].isEmpty { return first..<Int64.max }
        guard let last = Int64(ends[1]), last >= first, last < Int64.max else { return nil }
        return first..<last + 1
    }
}

/// How many pieces of images are in memory at one time.
private final class PieceDoor: Sendable {
    private static let places = 16
    private let free = Mutex(places)

    func pass<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        let isIn = free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
        guard isIn else {
            throw Fault(
                .serviceUnavailable,
                "Boot servers fetch too much in this moment.",
                remedy: "Try again in a second.",
                headers: [.retryAfter: "1"]
            )
        }
        defer { free.withLock { $0 += 1 } }
        return try await body()
    }
}
