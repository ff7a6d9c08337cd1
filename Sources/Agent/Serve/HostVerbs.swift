import AgentWire
import Fencing
import HostModel
import Logging
import NIOCore
import Netlink
import Synchronization
import SystemPackage

/// Answers the verbs of VDSM's class Host.
struct HostVerbs: Sendable {
    /// Who asks, and over which of our addresses.
    struct Caller: Sendable {
        var role: PeerRole
        var localAddress: IPv4Address?
    }

    private let inventory: HostInventory
    private let sampler: HostStatisticsSampler
    private let apply: ApplyClient
    private let state: NodeDirectory
    private let run: NodeDirectory
    private let commandLine: FilePath
    private let guestWatch: GuestWatch
    private let fenceAgents: FenceAgents
    private let logger: Logger
    private let lastOwnership = LastOwnership()
    /// True once `apply` knows that the engine was heard since this process started.
    private let voice = EngineVoice()

    /// Calls that `apply` answers from what it has.
    private static let quickSeconds = 10
    /// What a change may take beside the wait for the engine: DHCP and a busy kernel.
    private static let changeSeconds = 120
    /// What a look at all disks may take.
    private static let diskSeconds = 90

    init(
        state: NodeDirectory,
        run: NodeDirectory,
        commandLine: FilePath,
        guests: GuestWatch,
        logger: Logger
    ) {
        (self.state, self.run, self.commandLine, self.logger) = (state, run, commandLine, logger)
        guestWatch = guests
        fenceAgents = FenceAgents(logger: logger)
        inventory = HostInventory()
        sampler = HostStatisticsSampler(inventory)
        apply = ApplyClient(socket: run.file(ApplySettings.socketName))
    }

    /// What a verb answers, on its way to the reply's text.
    private typealias Answer = any Encodable & Sendable

    /// The reply's text; `nil` for a notification.
    func answer(_ request: RPCRequest, for caller: Caller) async -> ByteBuffer? {
        do throws(RPCError) {
            let result = try await result(of: request, caller)
            guard let id = request.id else { return nil }
            return try Self.reply(to: id, result)
        } catch {
            logger.notice("\(terminalEscaped(request.method.prefix(64))) refused: \(terminalEscaped("\(error)"))")
            return request.id.flatMap { try? RPCReply.encoded(id: $0, error: error) }
        }
    }

    private static func reply(to id: RPCIdentifier, _ result: Answer) throws(RPCError) -> ByteBuffer {
        do { return try RPCReply.encoded(id: id, result: result) } catch {
            throw RPCError(.internalError, "The answer can not be written: \(error)")
        }
    }

    private func result(of request: RPCRequest, _ caller: Caller) async throws(RPCError) -> Answer {
        guard let verb = HostVerb(rawValue: request.method) else {
            throw RPCError(.methodNotFound, "The method \(request.method.prefix(64)) does not exist on this host")
        }
        if caller.role == .engine, !voice.wasRelayed.load(ordering: .relaxed) { await relayVoice(of: caller) }
        switch verb {
        case .ping, .ping2, .confirmConnectivity:
            await relayVoice(of: caller)
            return true
        case .getCapabilities: return try await capabilities(caller)
        case .getStats: return try await statistics()
        case .getHardwareInfo: return HardwareFile(in: run).read() ?? HardwareFacts().read()
        case .getVMList, .getVMFullList, .getAllVmStats, .dumpxmls: return try await guests(verb, request, caller)
        case .setupNetworks: return try await setupNetworks(request)
        case .planNetworks:
            return try await apply.call(.planNetworks, request.params, seconds: Self.quickSeconds)
        case .setSafeNetworkConfig:
            defer { lastOwnership.forget() }
            return try await apply.call(.commit, seconds: Self.quickSeconds)
        case .fenceNode: return try await fenceAgents.answer(try FenceOrder(params: request.params))
        case .hostdevListByCaps: return try await devices(request)
        case .hostdevChangeNumvfs: return try await changeVirtualFunctions(request)
        case .getLldp:
            _ = try LLDPReports.devices(request.params)
            return try await apply.call(.lldp, request.params, seconds: Self.quickSeconds)
        case .echo: return request.params["message"]?.string ?? ""
        case .setMOMPolicyParameters: return true
        case .getAllTasksStatuses, .getAllTasksInfo: return JSONValue.object([:])
        case .getDisks: return try await apply.call(.disks, seconds: Self.diskSeconds)
        case .planInstallation: return try await order(.plan, .install, request, seconds: Self.diskSeconds)
        case .installImage: return try await order(.install, .install, request, seconds: Self.quickSeconds)
        case .upgradeImage: return try await order(.upgrade, .upgrade, request, seconds: Self.quickSeconds)
        case .rollbackImage: return try await order(.rollback, .rollback, request, seconds: Self.quickSeconds)
        case .getJobs: return try await apply.call(.jobs, seconds: Self.quickSeconds)
        case .getLogs:
            _ = try NodeLogs.lines(request.params)
            return try await apply.call(.logs, request.params, seconds: Self.diskSeconds)
        case .renewCertificate:
            return try await apply.call(.renewCertificate, request.params, seconds: Self.quickSeconds)
        case .reboot: return try await apply.call(.reboot, seconds: Self.quickSeconds)
        }
    }

    private func guests(
        _ verb: HostVerb,
        _ request: RPCRequest,
        _ caller: Caller
    ) async throws(RPCError) -> JSONValue {
        // VDSM takes this one for the engine's voice, too.
        if verb == .getVMList { await relayVoice(of: caller) }
        var selection = try GuestSelection(params: request.params)
        do {
            switch verb {
            case .getAllVmStats: return try guestWatch.statistics()
            case .dumpxmls: return try await guestWatch.dumpXML(selection)
            default:
                if verb == .getVMFullList { selection.onlyIDs = false }
                return try guestWatch.list(selection)
            }
        } catch {
            throw RPCError(.unexpected, "The guests can not be read: \(error)")
        }
    }

    private func devices(_ request: RPCRequest) async throws(RPCError) -> JSONValue {
        let selection = try HostDeviceSelection(params: request.params)
        do { return try await guestWatch.devices(selection) } catch {
            throw error as? RPCError ?? RPCError(.unexpected, "The devices can not be read: \(error)")
        }
    }

    /// What is wrong with an order is said here, before root hears of it; root reads it anew.
    private func changeVirtualFunctions(_ request: RPCRequest) async throws(RPCError) -> JSONValue {
        let order = try VirtualFunctionsOrder(params: request.params)
        // Functions come and go also where the change fails half-way.
        defer {
            lastOwnership.forget()
            guestWatch.forgetDevices()
        }
        return try await apply.call(.changeVirtualFunctions, order.params, seconds: Self.changeSeconds)
    }

    /// Only the engine's voice proves that the engine reaches the host.
    private func relayVoice(of caller: Caller) async {
        guard caller.role == .engine else { return }
        guard (try? await apply.call(.confirm, seconds: Self.quickSeconds)) != nil else { return }
        voice.wasRelayed.store(true, ordering: .relaxed)
    }

    private func setupNetworks(_ request: RPCRequest) async throws(RPCError) -> JSONValue {
        defer { lastOwnership.forget() }
        let call = try SetupNetworksParameters(params: request.params)
        let seconds = call.options.connectivityTimeout + Self.changeSeconds
        return try await apply.call(.setupNetworks, request.params, seconds: seconds)
    }

    /// What is wrong with an order is said here, before root hears of it; root reads it anew.
    private func order(
        _ call: ApplyCall,
        _ kind: ImageWork.Kind,
        _ request: RPCRequest,
        seconds: Int
    ) async throws(RPCError) -> JSONValue {
        let work = try ImageWork(kind, params: request.params)
        return try await apply.call(call, work.params, seconds: seconds)
    }

    private func capabilities(_ caller: Caller) async throws(RPCError) -> HostCapabilities {
        do {
            // `apply` reads the kernel too: at the same time.
            async let snapshot = KernelSnapshot.read()
            let owned = await ownership()
            let kernel = try await snapshot
            var capabilities = inventory.capabilities(owned, kernel, client: caller.localAddress)
            capabilities.uuid = hostID
            capabilities.musterImage = image
            capabilities.fill(guestWatch.seen.facts)
            return capabilities
        } catch {
            throw RPCError(.unexpected, "The capabilities can not be read: \(error)")
        }
    }

    /// The id that the node registered with: set by hand, else the firmware's, else the one that `register` made.
    private var hostID: String {
        let firmware = HardwareFile(in: run).read()?.systemUUID ?? ""
        let made = readLine(of: state.file("hardware-id")) ?? ""
        return readLine(of: "/etc/vdsm/vdsm.id") ?? (made.isEmpty ? firmware.lowercased() : made)
    }

    private var image: NodeImageReport {
        if let report = ImageReportFile(in: run).read() { return report }
        let line = (try? readFile(commandLine, limit: KernelArguments.bytesMax)) ?? []
        return NodeImageReport(KernelArguments(String(decoding: line, as: UTF8.self)))
    }

    private func statistics() async throws(RPCError) -> WrittenJSON {
        // Engines ask every few seconds, and one thing of it only: whether the networks are committed.
        let owned: OwnedHere
        if let last = lastOwnership.fresh { owned = last } else { owned = await ownership() }
        do {
            let (guests, active) = guestWatch.seen.counts
            return try await sampler.answer(
                to: .init(isDirty: owned.ownership.isDirty, guests: guests, activeGuests: active)
            )
        } catch {
            throw RPCError(.unexpected, "The statistics can not be read: \(error)")
        }
    }

    /// A host whose `apply` is down still shows what the kernel has, without networks of ours: nobody shall take them for
    /// gone.
    private func ownership() async -> OwnedHere {
        let known = lastOwnership.last
        do throws(RPCError) {
            let params = JSONValue.object(["known": .string(known?.ownership.revision ?? "")])
            let answer = try await apply.call(.ownership, params, seconds: Self.quickSeconds)
            if let known, answer["isUnchanged"]?.boolean == true {
                lastOwnership.keep(known)
                return known
            }
            let owned = OwnedHere(try NetworkOwnership(result: answer))
            lastOwnership.keep(owned)
            return owned
        } catch {
            logger.warning("the owned networks are unknown: \(error.message)")
            var unknown = NetworkOwnership()
            unknown.isChanging = true
            return OwnedHere(unknown)
        }
    }
}

/// Whether the engine was heard since this process started.
private final class EngineVoice: Sendable {
    let wasRelayed = Atomic(false)
}

/// What `apply` said last, which holds for a moment: it compares the kernel and two sets of files each time. Afterwards it says
/// whether that is so still, and its networks need not be read again.
private final class LastOwnership: Sendable {
    private let kept = Mutex<(value: OwnedHere, time: ContinuousClock.Instant?)?>(nil)

    private static let freshness = Duration.seconds(2)

    var fresh: OwnedHere? {
        kept.withLock { kept in
            guard let kept, let time = kept.time else { return nil }
            return time.duration(to: .now) < Self.freshness ? kept.value : nil
        }
    }

    var last: OwnedHere? { kept.withLock { $0?.value } }

    func keep(_ owned: OwnedHere) { kept.withLock { $0 = (owned, .now) } }

    /// It holds no longer.
    func forget() { kept.withLock { $0?.time = nil } }
}
