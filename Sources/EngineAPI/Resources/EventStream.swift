import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// `GET events/stream`: events as they come, as server-sent events (WHATWG HTML, 9.2). Each has its index as `id`, so that who
/// was cut off goes on with `Last-Event-ID` and misses none.
struct EventStream: Sendable {
    let engine: HostEngine
    /// Streams at one time; one more is told to come later.
    static let streamsMax = 256
    /// A comment goes out after so many seconds without an event; whether the session still counts is asked then, too.
    static let heartbeatSeconds = 15
    /// Events of one write.
    static let batchMax = 100

    /// A stream without a session's token (HTTP Basic) ends after so many seconds: its reader signs in anew.
    static let untokenedSeconds = 300

    private let places = Places(Self.streamsMax)

    init(engine: HostEngine) { self.engine = engine }

    /// Counts who is inside.
    private final class Places: Sendable {
        private let free: Mutex<Int>
        init(_ count: Int) { free = Mutex(count) }

        /// `nil` when all are taken.
        func take() -> Place? {
            free.withLock { free in
                guard free > 0 else { return nil }
                free -= 1
                return Place(self)
            }
        }

        fileprivate func giveBack() { free.withLock { $0 += 1 } }
    }

    /// Held for as long as there is an answer: one that is never written (HEAD, a reader that is gone) gives it back, too.
    private final class Place: Sendable {
        private let places: Places
        init(_ places: Places) { self.places = places }
        deinit { places.giveBack() }
    }

    func response(to request: Request, _ context: APIContext) async throws -> Response {
        var query = try EventRoutes.query(request.query)
        guard query.search.order == nil, query.search.page == 1 else { throw EventRoutes.noOrder }
        if let last = request.headers.first(where: { $0.name.canonicalName == "last-event-id" })?.value {
            guard let index = Int64(last), index >= 0 else {
                throw Fault(.badRequest, "Last-Event-ID is no index.", remedy: "Send the id of the last event.")
            }
            query.after = index
        }
        // From now on, unless somebody asks for what was before.
        if query.after == nil { query.after = engine.newestEvent }
        (query.newestFirst, query.max) = (false, Self.batchMax)
        guard let place = places.take() else {
            throw Fault(
                .serviceUnavailable,
                "\(Self.streamsMax) streams of events are open.",
                remedy: "Close one, or ask GET events?wait=30.",
                headers: [.retryAfter: "10"]
            )
        }
        let (first, token) = (query, context.token)
        let body = ResponseBody { writer in
            try await write(first, token: token, &writer)
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
        let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        return Response(status: .ok, headers: headers, body: body)
    }

    /// Until the reader goes, the session ends or the engine stops.
    private func write(_ first: EventQuery, token: String?, _ writer: inout any ResponseBodyWriter) async throws {
        let began = ContinuousClock.now
        var (query, looked) = (first, began)
        try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            // Asked first: what comes in between wakes the rest.
            let newest = engine.newestEvent
            let records = try await engine.events(query)
            if let last = records.last {
                query.after = last.index
                let text = try records.map { try Self.text(EventResource($0)) }.joined()
                try await writer.write(ByteBuffer(string: text))
            }
            if looked.duration(to: .now) >= .seconds(Self.heartbeatSeconds) {
                if let token {
                    guard try await engine.signedInUser(token) != nil else { return }
                } else if began.duration(to: .now) >= .seconds(Self.untokenedSeconds) {
                    return
                }
                try await writer.write(ByteBuffer(string: ":\n\n"))
                looked = .now
            }
            guard records.count < Self.batchMax else { continue }
            // What does not match is not looked at again.
            query.after = max(query.after ?? 0, newest)
            await cancelWhenGracefulShutdown { [engine] in
                await engine.waitForEvent(after: newest, seconds: Self.heartbeatSeconds)
            }
        }
    }

    private static func text(_ event: EventResource) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(event), as: UTF8.self)
        return "id: \(event.index)\nevent: event\ndata: \(json)\n\n"
    }
}
