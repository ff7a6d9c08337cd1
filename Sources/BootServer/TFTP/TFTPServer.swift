import BootWire
import Glibc
package import HostModel
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// TFTP for first-stage loaders: read only, from one directory, every transfer on its own port.
package struct TFTPServer: Service {
    package struct Configuration: Sendable {
        /// The interface that is served; `nil` serves every one.
        package var interface: String?
        /// The address that is asked and that answers: a client does not take an answer from another. One server each.
        package var address: HostModel.IPAddress
        package var port: UInt16 = 69
        /// Transfers at once. Each has a socket and an open file. A rack's machines all ask within a second or two, and one whose
        /// transfer gives way for another's may not begin anew.
        package var transfersMax = transfers(newcomers: DHCPLimits.newcomersDefault)
        package var transfersPerSourceMax = 32
        package var windowSizeMax = 64
        package var ports = Ports.any
        /// Threads that send. As long as there are no more transfers, each has one of its own.
        package var threadsMax = 128
        /// Blocks of a window where the ports of transfers can be guessed: whoever acknowledges in another's name makes the
        /// server send no more than this for each packet.
        static let guessableWindowMax = 4

        /// For so many new machines at once, and a quarter more for those that ask again from another port.
        package static func transfers(newcomers: Int) -> Int {
            min(max(400, newcomers + newcomers / 4), transfersLimit)
        }

        /// Sockets and open files of one process are not without end.
        private static let transfersLimit = 4096

        var transfersPossible: Int {
            if case .range(let range) = ports { min(transfersMax, range.count) } else { transfersMax }
        }

        /// Requests that are worked on at once: the transfers, and those that are on their way in or out. One more is
        /// dropped, and its client asks again.
        package var tasksMax: Int { transfersMax + transfersMax / 2 }

        /// The ports that transfers have (RFC 1350, section 4: each its own). Firewalls that do not follow TFTP need
        /// something else.
        package enum Ports: Hashable, Sendable {
            case any
            case range(ClosedRange<UInt16>)
            /// All use the port of the requests. What comes is sorted out by its sender; slower than a socket for each.
            case single
        }

        package init(interface: String?, address: HostModel.IPv4Address) {
            self.init(interface: interface, address: .v4(address))
        }

        package init(interface: String?, address: HostModel.IPAddress) {
            (self.interface, self.address) = (interface, address)
        }
    }

    private let configuration: Configuration
    private let channel: any Channel
    private let threads: TFTPTransferThreads
    private let shared: SharedSocket?
    private let loaders: LoaderDirectory
    private let files: MachineFiles?
    private let machines: MachineLocator
    private let figures: BootFigures
    private let logger: Logger
    private let onEvent: @Sendable (BootEvent) -> Void

    private static let batchSize = 32
    private static let requestMax = 2048
    /// The longest file that is made into netascii, in bytes: it lies in memory as long as it is sent. Texts are for it, and no
    /// loader is one.
    private static let textMax: UInt64 = 64 << 10

    /// Binds the socket; `run` serves it. Throws `DatagramSocketError` when port, address or interface cannot be had.
    ///
    /// `machines` say which machine an address is, for the events; for an unknown one there are none. `onEvent` is called
    /// when a loader was fetched or given up, and must not block.
    package static func open(
        _ configuration: Configuration,
        loaders: LoaderDirectory,
        files: MachineFiles? = nil,
        machines: MachineLocator,
        figures: BootFigures = BootFigures(),
        logger: Logger,
        onEvent: @escaping @Sendable (BootEvent) -> Void
    ) async throws -> TFTPServer {
        let socket = try DatagramSocket.bound(
            to: configuration.address,
            port: configuration.port,
            interface: configuration.interface,
            isServer: true
        )
        let shared = configuration.ports == .single ? SharedSocket(try socket.copy()) : nil
        let channel = try await DatagramChannel.open(
            on: socket.take(),
            batchSize: batchSize,
            datagramMax: requestMax
        )
        return TFTPServer(
            configuration: configuration,
            channel: channel,
            threads: TFTPTransferThreads(limit: configuration.threadsMax),
            shared: shared,
            loaders: loaders,
            files: files,
            machines: machines,
            figures: figures,
            logger: logger,
            onEvent: onEvent
        )
    }

    /// The port that it listens on; `nil` once it is closed.
    package var port: Int? { channel.localAddress?.port }

    /// Closes the socket of a server that will not run.
    package func close() async { try? await channel.close().get() }

    /// Serves until cancelled or gracefully shut down; then transfers under way end with an error that says so.
    package func run() async throws {
        defer { threads.end() }
        logger.info("TFTP serves loaders", metadata: ["port": "\(configuration.port)"])
        let channel = try await DatagramChannel.receive(from: channel)
        let table = TransferTable(
            limit: configuration.transfersPossible,
            limitPerSource: configuration.transfersPerSourceMax
        )
        // A client that changes its request at once replaces its transfer, but the old one's task needs its time to end.
        let gate = Gate(limit: configuration.tasksMax)
        try await channel.executeThenClose { inbound, _ in
            try await withThrowingDiscardingTaskGroup { group in
                // The group waits for its transfers.
                defer { threads.end() }
                for try await datagram in inbound.cancelOnGracefulShutdown() {
                    guard let asked = Asked(datagram) else {
                        if shared != nil { bring(datagram, to: table) }
                        continue
                    }
                    guard gate.enter() else { continue }
                    guard case .admitted(let id) = table.admit(asked.client, request: datagram.data) else {
                        gate.leave()
                        continue
                    }
                    group.addTask {
                        await serve(asked, id: id, table)
                        table.ended(asked.client, id: id)
                        gate.leave()
                    }
                }
                group.cancelAll()
            }
        }
        guard Task.isShuttingDownGracefully || Task.isCancelled else { throw ReceivingEnded(service: "TFTP") }
    }
}

/// A datagram to the server's port, with what is needed to answer it.
private struct Asked: Sendable {
    let packet: TFTPPacket
    let name: SocketName
    let client: TransferTable.Client

    /// `nil` for what is never answered: no request, or from a port that nobody can have.
    init?(_ datagram: AddressedEnvelope<ByteBuffer>) {
        guard let packet = try? TFTPPacket(parsing: datagram.data), let name = SocketName(datagram.remoteAddress),
            name.port > 0
        else { return nil }
        switch packet {
        case .readRequest, .writeRequest: break
        case .data, .acknowledgement, .error, .optionAcknowledgement: return nil
        }
        (self.packet, self.name) = (packet, name)
        client = TransferTable.Client(address: name.address, port: Int(name.port))
    }
}

// MARK: - One request

extension TFTPServer {
    /// Why a request is refused, as the client sees it.
    private struct Refusal: Error {
        var code: TFTPErrorCode
        var message: String
    }

    private func serve(_ asked: Asked, id: UInt64, _ table: TransferTable) async {
        do throws(Refusal) {
            let (path, request) = try readRequest(asked.packet)
            let served = try await content(of: path, request, for: asked.client.address)
            try await transfer(served, path, request, asked, id: id, table)
        } catch {
            logger.debug("refused \(asked.client.address): \(error.message)")
            refuse(asked, error)
        }
    }

    private func readRequest(_ packet: TFTPPacket) throws(Refusal) -> (TFTPPath, TFTPRequest) {
        guard case .readRequest(let request) = packet else {
            throw Refusal(code: .accessViolation, message: "files are only read here")
        }
        if case .unknown = request.mode { throw Refusal(code: .illegalOperation, message: "no such mode") }
        guard let path = TFTPPath(request.fileName) else {
            throw Refusal(code: .accessViolation, message: "no such name")
        }
        return (path, request)
    }

    /// What is sent, and what is told when it has arrived, where that is not told of every file.
    private typealias Served = (content: TFTPContent, arrived: MachineFiles.Arrival?)

    private func content(
        of path: TFTPPath,
        _ request: TFTPRequest,
        for address: HostModel.IPAddress
    ) async throws(Refusal) -> Served {
        let isText = request.mode == .netascii
        await files?.programs.prepare(path)
        let result: Result<TFTPContent, LoaderRefusal>?
        result = try? await NIOThreadPool.singleton.runIfActive { [loaders, files] in
            Result { () throws(LoaderRefusal) in
                let file = try Self.open(path, files, loaders)
                guard isText else { return .file(file) }
                guard let text = file.contents(lengthMax: Self.textMax) else { throw .notServed }
                return .bytes(Netascii.encoded(text))
            }
        }
        switch result {
        case .success(let content): return (content, nil)
        case .failure(.notFound): return try await made(path, isText: isText, for: address)
        case .failure(.notServed): throw Refusal(code: .accessViolation, message: "not served")
        case nil: throw Refusal(code: .undefined, message: "the server stops")
        }
    }

    /// What no folder holds is made for the machine. GRUB and pxelinux load by IPv4 here.
    private func made(
        _ path: TFTPPath,
        isText: Bool,
        for address: HostModel.IPAddress
    ) async throws(Refusal) -> Served {
        guard let address = address.v4, let made = await files?.configuration(path, for: address) else {
            throw Refusal(code: .fileNotFound, message: "no such file")
        }
        guard case .text(let bytes, let arrived) = made else {
            throw Refusal(code: .undefined, message: "this address asks too often")
        }
        let text = ByteBuffer(bytes: bytes)
        return (.bytes(isText ? Netascii.encoded(text) : text), arrived)
    }

    /// The loader directory comes first: what an operator put there counts.
    private static func open(
        _ path: TFTPPath,
        _ files: MachineFiles?,
        _ loaders: LoaderDirectory
    ) throws(LoaderRefusal) -> OpenLoader {
        if let program = try files?.programs.open(path) { return program }
        let name = path.belowBoot
        do throws(LoaderRefusal) { return try loaders.open(name) } catch {
            guard error == .notFound, let packaged = try files?.packaged.open(name) else { throw error }
            return packaged
        }
    }

    private func transfer(
        _ served: Served,
        _ path: TFTPPath,
        _ request: TFTPRequest,
        _ asked: Asked,
        id: UInt64,
        _ table: TransferTable
    ) async throws(Refusal) {
        let content = served.content
        let isIPv6 = configuration.address.v6 != nil
        var limits = TFTPTerms.Limits(mtu: InterfaceMTU.bytes(of: configuration.interface), isIPv6: isIPv6)
        limits.windowSizeMax = min(limits.windowSizeMax, configuration.windowSizeMax)
        if configuration.ports != .any {
            limits.windowSizeMax = min(limits.windowSizeMax, Configuration.guessableWindowMax)
        }
        let terms = TFTPTerms(settling: request, size: content.size, limits: limits)
        let machine = TFTPReadTransfer(size: content.size, terms: terms)
        let mac = await machines.machine(at: asked.client.address)
        let profile = await files?.profile(path, for: asked.client.address)
        let progress = figures.begin(
            terminalEscaped(path.description),
            way: "tftp",
            size: Int64(clamping: content.size),
            to: asked.client.address,
            mac
        )
        defer { figures.end(progress) }
        let observer = TFTPTransfer.Observer(
            onAcknowledgement: { table.acknowledged(asked.client, id: id) },
            onFinish: { report($0, path, asked, (mac, profile), served) }
        )
        let start = TFTPTransfer.Start(
            machine: machine,
            content: content,
            client: asked.name,
            sharesSocket: shared != nil,
            observer: observer,
            progress: progress
        )
        do throws(DatagramSocketError) {
            let socket = try transferSocket()
            try await threads.run(start, on: socket) { table.began(asked.client, id: id, $0) }
        } catch {
            logger.error("no socket for \(asked.client.address): \(error)")
            throw Refusal(code: .undefined, message: "the server is out of sockets")
        }
    }

    private func transferSocket() throws(DatagramSocketError) -> DatagramSocket.Taken {
        if let shared { return try shared.copy() }
        let (address, interface) = (configuration.address, configuration.interface)
        guard case .range(let ports) = configuration.ports else {
            return try DatagramSocket.bound(to: address, port: 0, interface: interface).taken()
        }
        return try DatagramSocket.bound(to: address, ports: ports, interface: interface).taken()
    }

    /// What comes to the port of the requests and is none belongs to the sender's transfer.
    private func bring(_ datagram: AddressedEnvelope<ByteBuffer>, to table: TransferTable) {
        guard let address = datagram.remoteAddress.ip, let port = datagram.remoteAddress.port else { return }
        table.running(TransferTable.Client(address: address, port: port))?.take(datagram.data)
    }

    /// An error comes from a port of its own, as a transfer would: from port 69 some firmware does not take it.
    private func refuse(_ asked: Asked, _ refusal: Refusal) {
        let packet = TFTPPacket.error(refusal.code, message: Array(refusal.message.utf8))
        do throws(DatagramSocketError) {
            let socket = TransferSocket(try transferSocket())
            packet.encoded.withUnsafeReadableBytes { socket.send($0, to: asked.name) }
        } catch {
            logger.error("\(error)")
        }
    }

    private func report(
        _ outcome: TFTPReadTransfer.Outcome,
        _ path: TFTPPath,
        _ asked: Asked,
        _ machine: (mac: MACAddress?, profile: String?),
        _ served: Served
    ) {
        let mac = machine.mac
        let name = terminalEscaped(path.description)
        let address = asked.client.address
        switch outcome {
        case .complete, .completeButUnacknowledged:
            figures.count { $0.tftp_completed += 1 }
            logger.info("\(address) fetched \(name), \(served.content.size) bytes")
            if let arrived = served.arrived {
                if let event = arrived(outcome == .complete) { onEvent(event) }
                return
            }
            // A signed program is all that a profile gives; a loader is only its beginning.
            let stage = machine.profile == nil ? BootEvent.Stage.loader : .initramfs
            emit(mac, stage, "fetched \(name) by TFTP, \(served.content.size) bytes", address, outcome: machine.profile)
        case .probed:
            logger.debug("\(address) asked for the size of \(name)")
        case .aborted(let code, let message):
            figures.count { $0.tftp_failed += 1 }
            let text = terminalEscaped(String(decoding: message, as: UTF8.self))
            logger.notice("\(address) stopped fetching \(name): error \(code.rawValue) \(text)")
        case .abandoned(let block):
            figures.count { $0.tftp_failed += 1 }
            logger.notice("\(address) fell silent at block \(block.index) of \(name)")
            emit(mac, .failed, "fell silent while it fetched \(name) by TFTP, at byte \(block.offset)", address)
        }
    }

    private func emit(
        _ mac: MACAddress?,
        _ stage: BootEvent.Stage,
        _ detail: String,
        _ address: HostModel.IPAddress,
        outcome: String? = nil
    ) {
        guard let mac else { return }
        onEvent(BootEvent(mac: mac, stage: stage, detail: detail, address: address.v4, outcome: outcome))
    }
}
