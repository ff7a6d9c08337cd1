import NIOCore
import NIOHTTP1

/// What is sent down a connection: the parts of one call, the first with the promise of its answer.
enum OutgoingPart: Sendable {
    case head(HTTPRequestHead, ExchangeHandler.Expectation)
    case body(ByteBuffer)
    case end
}

/// One call at a time on one connection: collects its answer, watches the clock and the limit on the body.
final class ExchangeHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = OutgoingPart
    typealias OutboundOut = HTTPClientRequestPart

    struct Expectation: Sendable {
        var promise: EventLoopPromise<Received>
        var bodyMax: Int
        var silenceMax: TimeAmount
    }

    struct Received: Sendable {
        var head: HTTPResponseHead
        var body: ByteBuffer
    }

    enum Failure: Error {
        case closed(answerStarted: Bool)
        case oversized
        case silent
        /// The server speaks without having been asked.
        case unexpected
    }

    private enum State {
        case idle
        case waiting(Expectation)
        case receiving(Expectation, Received)
    }

    private var state = State.idle
    private var lastActivity = NIODeadline.uptimeNanoseconds(0)
    private var timer: Scheduled<Void>?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        lastActivity = context.eventLoop.now
        switch unwrapOutboundIn(data) {
        case .head(let head, let expectation):
            state = .waiting(expectation)
            watch(expectation.silenceMax, context: context)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end: context.write(wrapOutboundOut(.end(nil)), promise: promise)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = context.eventLoop.now
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting(let expectation)):
            state = .receiving(expectation, Received(head: head, body: ByteBuffer()))
        case (.body(let bytes), .receiving(let expectation, let received)):
            receive(bytes, expectation, received, context: context)
        case (.end, .receiving(let expectation, let received)):
            finish(.success(received), expectation)
        case (_, .idle), (.head, .receiving), (.body, .waiting), (.end, .waiting):
            fail(Failure.unexpected, context: context)
        }
    }

    private func receive(
        _ bytes: ByteBuffer,
        _ expectation: Expectation,
        _ received: Received,
        context: ChannelHandlerContext
    ) {
        guard received.body.readableBytes + bytes.readableBytes <= expectation.bodyMax else {
            return fail(Failure.oversized, context: context)
        }
        var received = received
        // The state must not hold a second reference while the body grows, else each piece copies all of it.
        state = .idle
        received.body.writeImmutableBuffer(bytes)
        state = .receiving(expectation, received)
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .idle: break
        case .waiting(let expectation): finish(.failure(Failure.closed(answerStarted: false)), expectation)
        case .receiving(let expectation, _): finish(.failure(Failure.closed(answerStarted: true)), expectation)
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error, context: context) }

    private func fail(_ error: any Error, context: ChannelHandlerContext) {
        switch state {
        case .idle: break
        case .waiting(let expectation), .receiving(let expectation, _): finish(.failure(error), expectation)
        }
        context.close(promise: nil)
    }

    private func finish(_ result: Result<Received, any Error>, _ expectation: Expectation) {
        state = .idle
        timer?.cancel()
        timer = nil
        expectation.promise.completeWith(result)
    }

    /// One timer per call, set again for the rest of the time when something moved in between.
    private func watch(_ silenceMax: TimeAmount, context: ChannelHandlerContext) {
        timer?.cancel()
        let due = lastActivity + silenceMax
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { [self] in
            if lastActivity + silenceMax <= context.eventLoop.now {
                fail(Failure.silent, context: context)
            } else {
                watch(silenceMax, context: context)
            }
        }
    }
}
