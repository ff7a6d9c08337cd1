import Engine
import HTTPTypes
import Hummingbird
import Synchronization

/// How many requests were answered, how, and how long that took until the answer began. Streams and held answers are theirs to
/// be long.
final class RequestMeter: RouterMiddleware {
    private struct Figures: Sendable {
        var byClass: [Int: Int] = [:]
        var buckets = [Int](repeating: 0, count: RequestMeter.bounds.count)
        var count = 0
        var seconds = 0.0
    }

    /// Upper bounds in seconds.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let figures = Mutex(Figures())

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let begin = ContinuousClock.now
        let response = try await next(request, context)
        let seconds = begin.duration(to: .now) / .seconds(1)
        let isHeld = request.query["wait"] != nil || request.uri.path.hasSuffix("/events/stream")
        figures.withLock { figures in
            figures.byClass[response.status.code / 100, default: 0] += 1
            guard !isHeld else { return }
            figures.count += 1
            figures.seconds += seconds
            if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) { figures.buckets[bucket] += 1 }
        }
        return response
    }

    func add(to text: inout PrometheusText) {
        let figures = figures.withLock(\.self)
        text.begin("muster_http_requests_total", .counter, "Requests answered, by class of status.")
        for (kind, count) in figures.byClass.sorted(by: { $0.key < $1.key }) {
            text.add("muster_http_requests_total", [("class", "\(kind)xx")], Double(count))
        }
        let name = "muster_http_request_duration_seconds"
        text.begin(name, .histogram, "Time until an answer began, without those that were held back on purpose.")
        var sum = 0
        for (bound, count) in zip(Self.bounds, figures.buckets) {
            sum += count
            text.add("\(name)_bucket", [("le", "\(bound)")], Double(sum))
        }
        text.add("\(name)_bucket", [("le", "+Inf")], Double(figures.count))
        text.add("\(name)_sum", [], figures.seconds)
        text.add("\(name)_count", [], Double(figures.count))
    }
}
