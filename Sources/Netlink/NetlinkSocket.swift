internal import CNetlink

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
        return socket
    }

    /// Sends one request and waits for the kernel's acknowledgement.
    borrowing func perform(_ message: NetlinkMessage, _ operation: String) throws(NetlinkError) {
        let request = try allocate(message, operation)
        // Frees the message on every way out.
        try check(nl_send_sync(handle, request), operation)
    }

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
