import Glibc

/// A bound socket that several have: each a descriptor of its own.
final class SharedSocket: Sendable {
    private let descriptor: CInt

    init(_ socket: DatagramSocket.Taken) { descriptor = socket.descriptor }

    deinit { close(descriptor) }

    func copy() throws(DatagramSocketError) -> DatagramSocket.Taken { try DatagramSocket.copy(of: descriptor) }
}
