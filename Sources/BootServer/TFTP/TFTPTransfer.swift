import BootWire
import CSockets
import Glibc
import NIOCore

/// One transfer on its own socket: does what the machine says, and knows nothing of the protocol. Lives on the thread of
/// its loop.
final class TFTPTransfer {
    /// What a transfer tells its server.
    struct Observer: Sendable {
        /// The client has answered for the first time.
        var onAcknowledgement: @Sendable () -> Void
        var onFinish: @Sendable (TFTPReadTransfer.Outcome) -> Void
    }

    /// All that a transfer begins with.
    struct Start: Sendable {
        var machine: TFTPReadTransfer
        var content: TFTPContent
        var client: SocketName
        /// Other transfers use the socket too: what comes for this one is brought to it.
        var sharesSocket = false
        var observer: Observer
        /// Told how far it is.
        var progress: BootFigures.Transfer?
    }

    /// What a disk has to be asked for before the actions can be done.
    struct Errand: Sendable {
        var first: UInt64
        var machine: TFTPReadTransfer
        var content: TFTPContent
        /// Counts errands: an answer to an old one is of no use any more.
        var number: Int
    }

    /// Nanoseconds of the monotonic clock; when the machine is to be told that nobody answered.
    private(set) var deadline = UInt64.max
    var isFinished: Bool { machine.isFinished || hasFailed }

    private var machine: TFTPReadTransfer
    private let start: Start
    private let socket: TransferSocket
    private var wire: WireBlocks
    private var hasAnswered = false
    private var hasFailed = false
    private var errands = 0
    /// An errand is under way: what the client says again meanwhile is answered by its end.
    private(set) var isFetching = false
    private var postponed: [TFTPReadTransfer.Action] = []

    private static let datagramMax = 2048
    /// How long a disk may take.
    private static let fetchMax: Duration = .seconds(30)

    init(_ start: Start, on socket: DatagramSocket.Taken) {
        (self.start, machine) = (start, start.machine)
        self.socket = TransferSocket(socket)
        wire = WireBlocks(for: start.machine)
        if !start.sharesSocket { self.socket.allowWaiting() }
        self.socket.reserve(bytes: start.machine.terms.windowSize * wire.stride)
    }

    /// What can be read from; `nil` where datagrams are brought.
    var descriptor: CInt? { start.sharesSocket ? nil : socket.descriptor }

    // Each of these gives an errand where the disk has to be waited for.

    func begin(at now: UInt64) -> Errand? { perform(machine.handle(.start), at: now) }

    func timeOut(at now: UInt64) -> Errand? {
        guard !isFetching else {
            fail("the file cannot be read in time")
            return nil
        }
        return perform(machine.handle(.timedOut), at: now)
    }

    /// Reads one datagram; `buffer` is scratch space. When it `waits` for one, it does so for a moment only. False when none
    /// came.
    func receive(into buffer: inout ByteBuffer, waits: Bool) -> Bool {
        guard let source = socket.receive(into: &buffer, lengthMax: Self.datagramMax, waits: waits) else {
            return false
        }
        if !source.names(start.client) {
            answerStranger(source, buffer)
            buffer.clear()
        }
        return true
    }

    /// One datagram of the client.
    func take(_ datagram: ByteBuffer, at now: UInt64) -> Errand? {
        guard let packet = try? TFTPPacket(parsing: datagram) else { return nil }
        if !hasAnswered {
            hasAnswered = true
            start.observer.onAcknowledgement()
        }
        if isFetching {
            guard case .error = packet else { return nil }
        }
        return perform(machine.handle(.received(packet)), at: now)
    }

    /// The errand is done.
    func resume(_ errand: Int, with loaded: WireBlocks?, at now: UInt64) {
        guard errand == errands, !isFinished else { return }
        isFetching = false
        guard let loaded else { return fail("the file cannot be read") }
        wire = loaded
        for action in postponed { perform(action, at: now) }
    }

    /// Ends it with an error on the client's screen.
    func fail(_ reason: String) {
        guard !isFinished else { return }
        hasFailed = true
        let text = Array(reason.utf8)
        send(.error(.undefined, message: text))
        start.observer.onFinish(.aborted(.undefined, message: text))
    }

    // MARK: - Actions

    private func perform(_ actions: [TFTPReadTransfer.Action], at now: UInt64) -> Errand? {
        guard !actions.isEmpty else { return nil }
        if case .sendBlocks(let blocks)? = actions.first, !wire.holds(blocks) {
            errands += 1
            let first = blocks.lowerBound
            if wire.load(from: first, of: machine, start.content, mayWait: false) != .loaded {
                (postponed, isFetching) = (actions, true)
                deadline = now + Self.fetchMax.nanoseconds
                return Errand(first: first, machine: machine, content: start.content, number: errands)
            }
        }
        for action in actions { perform(action, at: now) }
        return nil
    }

    private func perform(_ action: TFTPReadTransfer.Action, at now: UInt64) {
        switch action {
        case .sendOptions(let options): send(.optionAcknowledgement(options))
        case .sendBlocks(let blocks):
            start.progress?.bytes = Int64(clamping: machine.block(blocks.lowerBound).offset)
            wire.withDatagrams(blocks) { socket.send($0, stride: wire.stride, to: start.client) }
        case .setTimer(let wait): deadline = now + wait.nanoseconds
        case .finish(let outcome):
            if outcome == .complete { start.progress?.bytes = Int64(clamping: machine.size) }
            start.observer.onFinish(outcome)
        }
    }

    private func send(_ packet: TFTPPacket) { send(packet, to: start.client) }

    private func send(_ packet: TFTPPacket, to peer: SocketName) {
        packet.encoded.withUnsafeReadableBytes { socket.send($0, to: peer) }
    }

    /// RFC 1350, section 4: the stranger is told, and the transfer goes on. Only what a client sends is answered: two
    /// servers would tell each other for ever.
    private func answerStranger(_ source: SocketName, _ datagram: ByteBuffer) {
        guard source.port != 0, case .acknowledgement? = try? TFTPPacket(parsing: datagram) else { return }
        send(.error(.unknownTransferID, message: Array("no such transfer".utf8)), to: source)
    }
}

extension Duration {
    /// Whole nanoseconds.
    var nanoseconds: UInt64 {
        UInt64(components.seconds) * 1_000_000_000 + UInt64(components.attoseconds / 1_000_000_000)
    }
}
