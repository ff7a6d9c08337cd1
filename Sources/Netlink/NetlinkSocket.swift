internal import CNetlink
internal import Glibc

/// Owns one `NETLINK_ROUTE` socket. The only type that calls libnl.
///
/// It belongs to the network namespace of the thread that made it.
struct NetlinkSocket: ~Copyable {
    private let handle: OpaquePointer

    private init(owning handle: OpaquePointer) { self.handle = handle }

    deinit { nl_socket_free(handle) }

    /// The receive buffer in bytes: a dump of a host with a thousand links fits.
    private static let bufferBytes: CInt = 4 * 1024 * 1024

    static func connect() throws(NetlinkError) -> NetlinkSocket {
        guard let handle = nl_socket_alloc() else { throw NetlinkError("open a netlink socket", code: NLE_NOMEM) }
        let socket = NetlinkSocket(owning: handle)
        try socket.check(nl_connect(handle, NETLINK_ROUTE), "open a netlink socket")
        // A smaller buffer than asked for is no fault: an overrun is noticed and the dump repeated.
        _ = nl_socket_set_buffer_size(handle, bufferBytes, 0)
        nl_socket_enable_msg_peek(handle)
        var (bytes, on): (CInt, CInt) = (bufferBytes, 1)
        let (descriptor, width) = (nl_socket_get_fd(handle), socklen_t(MemoryLayout<CInt>.size))
        // Past the system's limit for root; and answers that are short, and say in words what was wrong.
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, width)
        setsockopt(descriptor, solNetlink, capAck, &on, width)
        setsockopt(descriptor, solNetlink, extAck, &on, width)
        return socket
    }

    /// SOL_NETLINK, NETLINK_CAP_ACK and NETLINK_EXT_ACK (linux/netlink.h).
    private static let (solNetlink, capAck, extAck): (CInt, CInt, CInt) = (270, 10, 11)

    /// Sends requests in one datagram and waits for the kernel's answers. The kernel does them in this order, and goes on
    /// after one that it refused. The answer: what was refused, by the request's place.
    borrowing func perform(_ messages: [NetlinkMessage]) throws(NetlinkError) -> [Int: NetlinkRefusal] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(messages.reduce(0) { $0 + $1.payload.count + 16 })
        for (number, message) in messages.enumerated() {
            message.append(to: &bytes, number: UInt32(number + 1), flags: Int(NLM_F_REQUEST) | Int(NLM_F_ACK))
        }
        let sent = nl_sendto(handle, &bytes, bytes.count)
        try check(sent, "send to the kernel")
        var refusals: [Int: NetlinkRefusal] = [:]
        var left = messages.count
        var buffer = [UInt8](repeating: 0, count: Self.answerBytesMax)
        while left > 0 {
            let count = recv(nl_socket_get_fd(handle), &buffer, buffer.count, 0)
            if count < 0 {
                if errno == EINTR { continue }
                throw NetlinkError("hear from the kernel", errno: errno)
            }
            for answer in NetlinkRefusal.answers(buffer[..<count]) {
                left -= 1
                if let refusal = answer.refusal { refusals[Int(answer.number) - 1] = refusal }
            }
        }
        return refusals
    }

    private static let answerBytesMax = 1 << 16

    /// Asks for a dump and gives the payload of every message of it. Throws `.interrupted` when the kernel's state
    /// changed while it was dumped (NLM_F_DUMP_INTR) or the buffer ran over (ENOBUFS): then this socket is spent.
    borrowing func dump(_ message: NetlinkMessage, _ operation: String) throws(NetlinkError) -> [[UInt8]] {
        let collector = Collector()
        let context = Unmanaged.passUnretained(collector).toOpaque()
        try check(nl_socket_modify_cb(handle, NL_CB_VALID, NL_CB_CUSTOM, collect, context), operation)
        var dumping = message
        dumping.flags |= Int(NLM_F_DUMP)
        let request = try allocate(dumping, operation)
        defer { nlmsg_free(request) }
        try check(nl_send_auto(handle, request), operation)
        let code = withExtendedLifetime(collector) { nl_recvmsgs_default(handle) }
        try check(code, operation)
        return collector.payloads
    }

    private borrowing func allocate(
        _ message: NetlinkMessage,
        _ operation: String
    ) throws(NetlinkError) -> OpaquePointer {
        guard let request = nlmsg_alloc_simple(CInt(message.type), CInt(message.flags)) else {
            throw NetlinkError(operation, code: NLE_NOMEM)
        }
        var bytes = message.payload
        let code = nlmsg_append(request, &bytes, bytes.count, 0)
        guard code >= 0 else {
            nlmsg_free(request)
            throw NetlinkError(operation, code: -code)
        }
        return request
    }

    private borrowing func check(_ code: CInt, _ operation: String) throws(NetlinkError) {
        guard code < 0 else { return }
        throw NetlinkError(operation, code: -code)
    }
}

/// What libnl's callback fills while a dump runs.
private final class Collector {
    var payloads: [[UInt8]] = []
}

private func collect(message: OpaquePointer?, context: UnsafeMutableRawPointer?) -> CInt {
    guard let message, let context, let header = nlmsg_hdr(message), let data = nlmsg_data(header) else {
        return CInt(NL_SKIP.rawValue)
    }
    let collector = Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue()
    let length = Int(nlmsg_datalen(header))
    collector.payloads.append(Array(UnsafeRawBufferPointer(start: data, count: length)))
    return CInt(NL_OK.rawValue)
}
