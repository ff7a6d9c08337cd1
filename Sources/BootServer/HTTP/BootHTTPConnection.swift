import HostModel
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// One connection: takes requests one after another, sends each answer with its exact length, watches the clock.
///
/// Pipelined requests wait in a bounded buffer, because nothing is read while an answer is on its way. All of it runs on
/// the channel's event loop.
final class BootHTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case awaitingRequest
        case receiving(HTTPRequestHead, bodyBytes: Int)
        /// The responder works.
        case answering
        /// A file is on its way: the response, and the offset of the next slice.
        case sending(BootHTTPResponse, offset: Int64, isLast: Bool)
        /// Our side is closed; what still comes is thrown away.
        case lingering
        case closed
    }

    private var state = State.awaitingRequest
    private var waiting: [HTTPServerRequestPart] = []
    private var wantsRead = false
    private var isInputClosed = false
    private var requestsSeen = 0
    private var deadline: Scheduled<Void>?
    private let responder: BootHTTPResponder
    private let limits: BootHTTPLimits
    private let address: IPv4Address?
    /// sendfile(2) cannot go through TLS: files are read, a slice at a time.
    private let isEncrypted: Bool
    private var pace: SendingPace?
    private var isReading = false
    /// Given up while its file was read.
    private var abandoned: BootHTTPResponse?

    init(responder: BootHTTPResponder, address: IPv4Address?, isEncrypted: Bool = false) {
        (self.responder, limits, self.address) = (responder, responder.limits, address)
        self.isEncrypted = isEncrypted
        pace = limits.bytesPerSecondMax.map { SendingPace(bytesPerSecond: $0) }
    }

    // MARK: Events of the channel

    func channelActive(context: ChannelHandlerContext) {
        awaitRequest(context, within: limits.firstRequest)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        if case .sending(let response, _, _) = state { abandon(response) }
        state = .closed
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        switch state {
        case .awaitingRequest, .receiving: receive(part, context)
        case .answering, .sending: waiting.append(part)
        case .lingering, .closed: break
        }
    }

    /// Reading stops while an answer is on its way, so that a client cannot queue more than one read's worth.
    func read(context: ChannelHandlerContext) {
        switch state {
        case .answering, .sending: wantsRead = true
        case .awaitingRequest, .receiving, .lingering, .closed: context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputClosed(context)
        case is ChannelShouldQuiesceEvent:
            // Between requests a connection ends at once; an answer on its way is finished first.
            isInputClosed = true
            if case .awaitingRequest = state { close(context) }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (state, error) {
        case (.awaitingRequest, let error as HTTPParserError), (.receiving, let error as HTTPParserError):
            let isTooLong = error == .headerOverflow
            let status: HTTPResponseStatus = isTooLong ? .requestHeaderFieldsTooLarge : .badRequest
            refuse(
                status,
                isTooLong ? "the header of the request is too long\n" : "the request is malformed\n",
                context
            )
        case (.answering, is HTTPParserError), (.sending, is HTTPParserError): isInputClosed = true
        case (.lingering, _), (.closed, _): break
        default: close(context)
        }
    }

    private func inputClosed(_ context: ChannelHandlerContext) {
        isInputClosed = true
        switch state {
        case .awaitingRequest, .receiving, .lingering: close(context)
        case .answering, .sending, .closed: break
        }
    }

    // MARK: Requests

    private func awaitRequest(_ context: ChannelHandlerContext, within time: TimeAmount) {
        state = .awaitingRequest
        setDeadline(context, time) { connection, context in
            guard connection.requestsSeen == 0 || connection.isReceiving else { return connection.close(context) }
            connection.refuse(.requestTimeout, "the request took too long\n", context)
        }
    }

    private var isReceiving: Bool {
        if case .receiving = state { true } else { false }
    }

    private func receive(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, state) {
        case (.head(let head), _): state = .receiving(head, bodyBytes: 0)
        case (.body(let body), .receiving(let head, let bytes)):
            let bytes = bytes + body.readableBytes
            guard bytes <= limits.bodyBytesMax else {
                return refuse(.payloadTooLarge, "no request here takes a body\n", context)
            }
            state = .receiving(head, bodyBytes: bytes)
        case (.end, .receiving(let head, _)): answer(head, context)
        default: break
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        requestsSeen += 1
        state = .answering
        let (responder, address) = (responder, address)
        let response = context.eventLoop.makeFutureWithTask { await responder.respond(to: head, from: address) }
        response.assumeIsolated().whenSuccess { response in
            guard case .answering = self.state else { return response.end(isComplete: false) }
            self.send(response, to: head, context)
        }
    }

    private func refuse(_ status: HTTPResponseStatus, _ reason: String, _ context: ChannelHandlerContext) {
        isInputClosed = true
        waiting = []
        state = .answering
        let head = HTTPRequestHead(version: .http1_0, method: .GET, uri: "/")
        send(.text(status, reason), to: head, context)
    }

    // MARK: Answers

    private func send(_ response: BootHTTPResponse, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        // Whoever sent nonsense once is not understood the next time either.
        let isLast = !request.isKeepAlive || isInputClosed || response.status == .badRequest
        var headers = response.headers
        // The names are written as GRUB looks for them: it compares letter by letter.
        if response.status.mayHaveResponseBody { headers.add(name: "Content-Length", value: "\(response.length)") }
        headers.add(name: "Connection", value: isLast ? "close" : "keep-alive")
        headers.add(name: "Date", value: HTTPDate.now.description)
        headers.add(name: "Server", value: "muster-boot")
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        guard request.method != .HEAD, response.status.mayHaveResponseBody, response.length > 0 else {
            return finish(response, isLast: isLast, context)
        }
        switch response.body {
        case .bytes(let buffer):
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
            finish(response, isLast: isLast, context)
        case .file(_, let range):
            state = .sending(response, offset: range.lowerBound, isLast: isLast)
            sendSlice(context)
        }
    }

    /// One slice at a time; the next follows when the kernel has taken this one and the connection's rate allows it.
    private func sendSlice(_ context: ChannelHandlerContext) {
        guard case .sending(let response, let offset, let isLast) = state,
            case .file(let file, let range) = response.body
        else { return }
        response.progress?.bytes = offset - range.lowerBound
        guard offset < range.upperBound else { return finish(response, isLast: isLast, context) }
        let now = context.eventLoop.now
        if let pause = pace?.wait(at: now) {
            return setDeadline(context, pause) { connection, context in connection.sendSlice(context) }
        }
        let end = min(offset + Int64(sliceBytes), range.upperBound)
        pace?.count(Int(end - offset), at: now)
        state = .sending(response, offset: end, isLast: isLast)
        watch(file, upTo: end, until: now + limits.time(forBytes: end - offset), context)
        let sent = context.eventLoop.makePromise(of: Void.self)
        write(file, offset..<end, sent, context)
        sent.futureResult.assumeIsolated().whenComplete { result in
            guard case .success = result else { return self.close(context) }
            self.sendSlice(context)
        }
    }

    private var sliceBytes: Int {
        min(isEncrypted ? limits.encryptedSliceBytes : limits.sliceBytes, pace?.chunkBytes ?? .max)
    }

    /// By sendfile(2), or read by a thread that may block and then encrypted.
    private func write(
        _ file: ServedFile,
        _ slice: Range<Int64>,
        _ sent: EventLoopPromise<Void>,
        _ context: ChannelHandlerContext
    ) {
        guard isEncrypted else {
            let region = FileRegion(
                fileHandle: file.handle,
                readerIndex: Int(slice.lowerBound),
                endIndex: Int(slice.upperBound)
            )
            return context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(region))), promise: sent)
        }
        isReading = true
        let bytes = NIOThreadPool.singleton.runIfActive(eventLoop: context.eventLoop) {
            try file.read(at: slice.lowerBound, count: slice.count)
        }
        bytes.assumeIsolated().whenComplete { result in
            self.isReading = false
            self.abandoned?.end(isComplete: false)
            self.abandoned = nil
            guard case .success(let buffer) = result, case .sending = self.state else {
                return sent.fail(ChannelError.ioOnClosedChannel)
            }
            context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer(buffer))), promise: sent)
        }
    }

    /// Ends the connection when the client is too slow, and when the file has become shorter than what is promised:
    /// sendfile(2) at the end of a file sends nothing, and NIO would try again without pause.
    private func watch(
        _ file: ServedFile,
        upTo end: Int64,
        until deadline: NIODeadline,
        _ context: ChannelHandlerContext
    ) {
        setDeadline(context, min(max(deadline - context.eventLoop.now, .zero), limits.sliceCheck)) {
            connection,
            context in
            // By TLS a thread may be reading: it sees a shortened file by itself, and two uses of a handle at once are refused.
            let isWhole = connection.isEncrypted || file.currentSize >= end
            guard context.eventLoop.now < deadline, isWhole else { return connection.close(context) }
            connection.watch(file, upTo: end, until: deadline, context)
        }
    }

    private func finish(_ response: BootHTTPResponse, isLast: Bool, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        state = .answering
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: sent)
        setDeadline(context, limits.sliceMin) { connection, context in connection.close(context) }
        sent.futureResult.assumeIsolated().whenComplete { result in
            let isSent = (try? result.get()) != nil
            response.end(isComplete: isSent)
            guard isSent, case .answering = self.state else { return self.close(context) }
            isLast || self.isInputClosed && self.waiting.isEmpty ? self.linger(context) : self.next(context)
        }
    }

    private func next(_ context: ChannelHandlerContext) {
        awaitRequest(context, within: limits.nextRequest)
        while !waiting.isEmpty {
            switch state {
            case .awaitingRequest, .receiving: receive(waiting.removeFirst(), context)
            case .answering, .sending, .lingering, .closed: return
            }
        }
        if wantsRead {
            wantsRead = false
            context.read()
        }
    }

    // MARK: The end

    /// Sends FIN and reads on for a moment: closing with bytes unread makes the kernel send a reset, and that can
    /// destroy our last answer before the client has read it.
    private func linger(_ context: ChannelHandlerContext) {
        state = .lingering
        waiting = []
        setDeadline(context, limits.linger) { connection, context in connection.close(context) }
        context.close(mode: .output, promise: nil)
        context.read()
    }

    private func close(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let last = state
        if case .closed = last { return }
        state = .closed
        // The channel first: it gives up the slices that still refer to the file.
        context.close(promise: nil)
        if case .sending(let response, _, _) = last { abandon(response) }
    }

    /// The file stays open while another thread reads it.
    private func abandon(_ response: BootHTTPResponse) {
        if isReading { abandoned = response } else { response.end(isComplete: false) }
    }

    private func setDeadline(
        _ context: ChannelHandlerContext,
        _ time: TimeAmount,
        _ act: @escaping (BootHTTPConnection, ChannelHandlerContext) -> Void
    ) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { act(self, context) }
    }
}
