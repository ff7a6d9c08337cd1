import NIOCore
import NIOHTTP1
import Synchronization

/// What TLS learned about the peer of one connection, written by the handshake and read by the call.
final class PeerRecord: Sendable {
    private struct State {
        var chain = CertificateChain(der: [])
        var refusal: String?
    }

    private let state = Mutex(State())

    var chain: CertificateChain { state.withLock { $0.chain } }
    /// Why the peer was refused, if it was.
    var refusal: String? { state.withLock { $0.refusal } }

    func record(_ chain: CertificateChain, refusal: String?) {
        state.withLock { ($0.chain, $0.refusal) = (chain, refusal) }
    }
}

/// One open connection: does one call at a time.
struct Connection: Sendable {
    let channel: any Channel
    let endpoint: Endpoint
    let peer: PeerRecord

    var isOpen: Bool { channel.isActive }

    func close() { channel.close(promise: nil) }

    /// Sends a call and waits for its answer. `reusable` says whether another call may follow on this connection.
    func perform(
        _ call: HTTPCall,
        limits: TransportLimits
    ) async throws(TransportError) -> (answer: HTTPAnswer, reusable: Bool) {
        do {
            return try await withTaskCancellationHandler {
                try await exchange(call, limits: limits)
            } onCancel: {
                close()
            }
        } catch {
            close()
            if Task.isCancelled { throw .cancelled }
            throw TransportError(error, endpoint: endpoint, limits: limits, peer: peer)
        }
    }

    private func exchange(_ call: HTTPCall, limits: TransportLimits) async throws -> (HTTPAnswer, Bool) {
        let promise = channel.eventLoop.makePromise(of: ExchangeHandler.Received.self)
        let expectation = ExchangeHandler.Expectation(
            promise: promise,
            bodyMax: limits.answerBytesMax,
            silenceMax: .seconds(Int64(limits.readSeconds))
        )
        let isAnswered = Mutex(false)
        promise.futureResult.whenComplete { _ in isAnswered.withLock { $0 = true } }
        // A write on a connection that is already gone never reaches the handler, so its failure ends the call here.
        channel.writeAndFlush(OutgoingPart.head(call.head(for: endpoint), expectation)).cascadeFailure(to: promise)
        let isSent = try await send(call.body) { isAnswered.withLock { $0 } }
        let received = try await promise.futureResult.get()
        let answer = HTTPAnswer(
            status: Int(received.head.status.code),
            headers: received.head.headers,
            body: received.body,
            peer: peer.chain
        )
        return (answer, isSent && received.head.isKeepAlive)
    }

    /// False when the server answered before it had everything: what it said counts, and the connection is spent.
    private func send(_ body: HTTPCall.Body, isAnswered: () -> Bool) async throws -> Bool {
        switch body {
        case .none: break
        case .bytes(let bytes): channel.write(OutgoingPart.body(bytes), promise: nil)
        case .stream(let length, let next):
            var left = length
            while left > 0 {
                if isAnswered() { return false }
                guard let piece = try await read(next), piece.readableBytes <= left else {
                    throw TransportError.bodyFailed(reason: "it is not \(length) bytes long")
                }
                left -= Int64(piece.readableBytes)
                do { try await channel.writeAndFlush(OutgoingPart.body(piece)) } catch { return false }
            }
        }
        channel.writeAndFlush(OutgoingPart.end, promise: nil)
        return true
    }

    private func read(_ next: () async throws -> ByteBuffer?) async throws(TransportError) -> ByteBuffer? {
        do { return try await next() } catch { throw .bodyFailed(reason: "\(error)") }
    }
}
