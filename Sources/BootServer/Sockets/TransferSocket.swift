import CSockets
import Glibc
import NIOCore

/// The socket of one transfer, used by one thread. What the kernel refuses to send is lost, as on the
/// wire: the protocol sends it again.
final class TransferSocket {
    let descriptor: CInt
    private var cutsByKernel = true

    /// What UDP segmentation offload takes at once (UDP_MAX_SEGMENTS, and the length of an IPv4 packet).
    private static let segmentsMax = 64
    private static let bytesMax = 65_507

    /// How long `receive` waits when it is to wait, in microseconds; the kernel rounds it up to its tick.
    private static let patience = 20_000

    init(_ socket: DatagramSocket.Taken) { descriptor = socket.descriptor }

    /// From now on `receive` may wait. Not for a socket that is shared: it is the same for all who have it.
    func allowWaiting() {
        var limit = timeval(tv_sec: 0, tv_usec: Self.patience)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Makes room for so many bytes on their way, where the kernel's default has less.
    func reserve(bytes: Int) {
        // The kernel counts its own structures too; and what is more than its limit is refused without harm.
        var size = CInt(clamping: bytes * 4)
        guard size > 212_992 else { return }
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
    }

    /// One datagram in the buffer's place, and its sender; `nil` when there is none, or none comes within a moment.
    func receive(into buffer: inout ByteBuffer, lengthMax: Int, waits: Bool) -> SocketName? {
        buffer.clear()
        let flags = waits ? 0 : CInt(MSG_DONTWAIT)
        return SocketName { name, length in
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: lengthMax) { space in
                max(0, recvfrom(descriptor, space.baseAddress, lengthMax, flags, name, &length))
            } > 0
        }
    }

    func send(_ datagram: UnsafeRawBufferPointer, to peer: SocketName) {
        _ = peer.withName { sendto(descriptor, datagram.baseAddress, datagram.count, CInt(MSG_DONTWAIT), $0, $1) }
    }

    /// Datagrams one behind the other, each but the last `stride` bytes long.
    func send(_ datagrams: UnsafeRawBufferPointer, stride: Int, to peer: SocketName) {
        guard datagrams.count > stride else { return send(datagrams, to: peer) }
        let step = cutsByKernel ? max(1, min(Self.segmentsMax, Self.bytesMax / stride)) * stride : stride
        var rest = datagrams[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(step))
            if part.count <= stride {
                send(part, to: peer)
            } else if !sendCut(part, stride: stride, to: peer) {
                // A network card without checksum offload, or an old kernel: from now on one by one.
                cutsByKernel = false
                return send(UnsafeRawBufferPointer(rebasing: rest), stride: stride, to: peer)
            }
            rest = rest.dropFirst(step)
        }
    }

    /// False when the kernel cannot cut; a full buffer is a loss like others.
    private func sendCut(_ part: UnsafeRawBufferPointer, stride: Int, to peer: SocketName) -> Bool {
        let sent = peer.withName {
            csockets_send_segments(descriptor, part.baseAddress, part.count, UInt16(stride), $0, $1)
        }
        return sent >= 0 || ![EINVAL, EIO, ENOPROTOOPT, EOPNOTSUPP, EMSGSIZE].contains(errno)
    }
}
