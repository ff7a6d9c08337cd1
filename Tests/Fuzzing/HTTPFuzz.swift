import HostModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Recipes

@testable import BootServer

/// Requests to the boot server's HTTP port: from the bytes of a connection to what is asked for, and what a file's answer
/// would be.
enum HTTPFuzz {
    private static let fileSize: Int64 = 1000

    static func run(_ bytes: [UInt8]) {
        let whole = heads(bytes, step: max(bytes.count, 1))
        let pieces = heads(bytes, step: 1 + Int(bytes.first ?? 0) % 7)
        precondition(whole == pieces, "requests depend on how the bytes were cut")
        for head in whole { answer(head) }
    }

    /// The heads of one connection, up to the first thing that is no request.
    private static func heads(_ bytes: [UInt8], step: Int) -> [HTTPRequestHead] {
        let limits = BootHTTPLimits()
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(limits.requestDecoder))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var heads: [HTTPRequestHead] = []
        for start in stride(from: 0, to: bytes.count, by: step) {
            let piece = ByteBuffer(bytes: bytes[start..<min(start + step, bytes.count)])
            let isGood = (try? channel.writeInbound(piece)) != nil
            while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
                if case .head(let head) = part { heads.append(head) }
            }
            guard isGood else { break }
        }
        return heads
    }

    private static func answer(_ head: HTTPRequestHead) {
        for bytes in [Int64(0), 1, fileSize] {
            if case .part(let range) = ByteRange(header: head.headers.first(name: "Range"), length: bytes) {
                precondition(range.lowerBound >= 0 && range.upperBound <= bytes && !range.isEmpty, "not of the file")
            }
        }
        let date = HTTPDate(seconds: 1_795_723_200)
        _ = Preconditions(head.headers, Validators(entityTag: "\"3e8-1\"", lastModified: date))
        guard let target = RequestTarget(head.uri) else { return }
        for component in target.components {
            let isSafe = component != ".." && component != "." && !component.contains("/") && !component.contains("\0")
            precondition(isSafe && !component.isEmpty, "a way out of the directory")
        }
        guard let route = try? BootRoute(target, from: IPv4Address(rawValue: 0x0A4D_0009)) else { return }
        switch route {
        case .loader(let name): precondition(LoaderName.isServed(name), "a loader of an unsafe name")
        case .image(let file, _):
            let names = [file.name, file.version, file.file]
            precondition(names.allSatisfy { ImageReference.isComponent($0) }, "an image of an unsafe name")
        case .script(let request): precondition(!request.mac.isMulticast, "a script for nobody's card")
        case .report(_, let step, let detail):
            precondition(step.utf8.count <= BootRoute.stepMax, "a step that is no word")
            precondition(detail.escapedForTerminal.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "breaks its line")
        case .firstStage, .kickstart, .installReport, .agent: break
        }
    }
}
