import Engine
import HTTPTypes
import HostModel
import Hummingbird
import ServiceLifecycle

/// `events`, newest first, and the wait for the next one.
struct EventRoutes {
    let engine: HostEngine

    /// The longest that an answer is held back, in seconds.
    static let waitMax = 30

    private static let from = Call.Field("from", .number(0...Int.max), "Only events with a greater index")
    private static let further = [
        from, Call.Field("wait", .number(0...waitMax), "With from: seconds to wait for one"),
    ]
    private static let streamed = Call(
        "Events as they come, as server-sent events",
        [.text("text/event-stream", "Until the session ends")],
        query: [from] + Call.search(EventQuery.fields)
    )

    func add(to api: some RouterMethods<APIContext>) {
        addOne(to: api)
        let stream = EventStream(engine: engine)
        api.get("events/stream", Self.streamed) { request, context in try await stream.response(to: request, context) }
        api.get(
            "events",
            .list("Events, the newest first", EventCollection.self, fields: EventQuery.fields, query: Self.further)
        ) { request, context in
            let fields = request.query
            let query = try Self.query(fields)
            let seconds = try Self.wait(fields)
            var records = try await engine.events(query)
            if records.isEmpty, seconds > 0, let after = query.after {
                // A stopping engine does not keep its clients waiting.
                await cancelWhenGracefulShutdown { await wait(after: after, seconds: seconds, query) }
                records = try await engine.events(query)
            }
            let newestFirst = query.newestFirst ? records : records.reversed()
            return try await context.answer(EventCollection(newestFirst.map(EventResource.init)))
        }
    }

    private func addOne(to api: some RouterMethods<APIContext>) {
        api.get("events/:index", .show("An event", EventResource.self)) { _, context in
            try await context.answer(EventResource(engine.event(Self.index(context))))
        }
        api.post(
            "events",
            .add("Records what another program saw", EventOrder.self, EventResource.self)
        ) { request, context in
            let order = try await request.read(EventOrder.self)
            let event = try await engine.addEvent(order, by: context.user, correlation: context.correlation)
            return try context.created(EventResource(event))
        }
        // None is ever removed: all that were are back.
        api.action("events/undelete", .act("Does nothing: no event is ever removed")) { _, context in
            try context.complete()
        }
        api.delete(
            "events/:index",
            .remove("Always refused: what happened is not taken back")
        ) { _, context -> Response in
            let event = try await engine.event(Self.index(context))
            throw Fault(
                .conflict,
                "Event \(event.index) stays: what happened is not taken back.",
                remedy: "Events go by themselves after --event-days of muster-engine serve."
            )
        }
    }

    private static func index(_ context: APIContext) throws -> Int64 {
        let text = context.parameters.get("index") ?? ""
        guard let index = Int64(text), index > 0 else {
            throw Fault.notFound("There is no event \(text.prefix(32)).", remedy: "GET events lists them.")
        }
        return index
    }

    /// Waits until there is an event that the query asks for; others only wake it up.
    private func wait(after index: Int64, seconds: Int, _ query: EventQuery) async {
        let end = ContinuousClock.now + .seconds(seconds)
        var (seen, query) = (index, query)
        while !Task.isCancelled {
            let left = Int((ContinuousClock.now.duration(to: end) / .seconds(1)).rounded(.up))
            guard left > 0 else { return }
            await engine.waitForEvent(after: seen, seconds: left)
            // Asked first, so that nothing is passed over; what does not match is not looked at again.
            let newest = engine.newestEvent
            guard let matching = try? await engine.events(query), matching.isEmpty else { return }
            seen = max(seen, newest)
            query.after = seen
        }
    }

    /// With `from`, the events that follow it come without a gap even when there are more than `max`: the oldest of
    /// them first into the answer, so that the next call goes on after its newest.
    static func query(_ fields: FormFields) throws -> EventQuery {
        var query = EventQuery(max: try PageSize(fields, limit: EventQuery.maxLimit).count)
        if let from = fields["from"] {
            guard let index = Int64(from), index >= 0 else {
                throw Fault(.badRequest, "from=\(from.prefix(32)) is not an index.", remedy: "Write from=42.")
            }
            (query.after, query.newestFirst) = (index, false)
        }
        try query.take(
            search: fields["search"] ?? "",
            isCaseSensitive: ListQuery.flag(fields, "case_sensitive") ?? false
        )
        guard query.after == nil || query.search.order == nil && query.search.page == 1 else { throw noOrder }
        return query
    }

    /// What goes on after an index has the order of indices, and no pages.
    static let noOrder = Fault(
        .badRequest,
        "With from=, and in a stream, events come in their own order.",
        remedy: "Leave out sortby and page."
    )

    private static func wait(_ fields: FormFields) throws -> Int {
        guard let text = fields["wait"] else { return 0 }
        guard let seconds = Int(text), seconds >= 0 else {
            throw Fault(.badRequest, "wait=\(text.prefix(32)) is not a number.", remedy: "Write wait=30, with from=.")
        }
        return min(seconds, waitMax)
    }
}

extension EventResource {
    init(_ record: EventRecord) {
        self.init(
            id: String(record.index),
            code: String(record.code.rawValue),
            severity: record.severity.rawValue,
            time: WireTime.text(milliseconds: record.time),
            description: record.text
        )
        href = ResourcePath.href("events", id)
        (correlation_id, flood_rate) = (record.correlation, "30")
        (origin, custom_id) = (record.origin ?? origin, record.customID.map { String($0) } ?? custom_id)
        if let id = record.host { host = ResourcePath.link("hosts", id, name: record.hostName?.rawValue) }
        if let name = record.user { user = ResourceLink(id: name, name: name) }
    }
}
