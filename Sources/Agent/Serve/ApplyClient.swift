import AgentWire
import NIOCore
import NIOPosix
import SystemPackage

/// Calls `apply` over its Unix socket, a connection a call.
struct ApplyClient: Sendable {
    let socket: FilePath

    private static let connectSeconds: Int64 = 5

    /// `seconds` is the longest wait for the answer.
    func call(_ call: ApplyCall, _ params: JSONValue = .object([:]), seconds: Int) async throws(RPCError) -> JSONValue {
        let request = RPCRequest(id: .integer(1), method: call.rawValue, params: params)
        let text: ByteBuffer?
        do {
            text = try await exchange(request, seconds: seconds)
        } catch {
            throw RPCError(.resourceUnavailable, "muster-agent apply does not answer: \(error)")
        }
        guard let text else {
            throw RPCError(.resourceUnavailable, "muster-agent apply closed the connection without an answer")
        }
        guard case .reply(let reply) = try RPCIncoming.decode(text) else {
            throw RPCError(.internalError, "muster-agent apply answered something else")
        }
        return try reply.outcome.get()
    }

    private func exchange(_ request: RPCRequest, seconds: Int) async throws -> ByteBuffer? {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(Self.connectSeconds))
            .connect(unixDomainSocketPath: socket.string) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let timeout = channel.channel.eventLoop.scheduleTask(in: .seconds(Int64(seconds))) {
            channel.channel.close(promise: nil)
        }
        defer { timeout.cancel() }
        return try await channel.executeThenClose { inbound, outbound in
            var text = try request.encoded()
            text.writeString("\n")
            try await outbound.write(text)
            var line = LineBuffer(limit: ApplyCall.lineBytesMax)
            for try await bytes in inbound {
                if let reply = try line.take(bytes) { return reply }
            }
            return nil
        }
    }
}
