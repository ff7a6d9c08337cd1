import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// oVirt's `hosts/ID/fenceagents` and `hosts/ID/fence`, the power management of a host and the fencing policy of a cluster
/// (docs/power.md).
struct PowerRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        addAgents(to: api.group("hosts"))
        addActions(to: api)
    }

    private func addAgents(to hosts: some RouterMethods<APIContext>) {
        hosts.get(":id/fenceagents", .list("The fence agents of a host", FenceAgentCollection.self)) { _, context in
            let agents = try await engine.fenceAgents(of: context.id(of: "host"))
            return try await context.answer(FenceAgentCollection(agents.map(FenceAgentResource.init)))
        }
        hosts.get(":id/fenceagents/:agent", .show("A fence agent", FenceAgentResource.self)) { _, context in
            let (host, agent) = (try context.id(of: "host"), try Self.agent(context))
            guard let found = try await engine.fenceAgents(of: host).first(where: { $0.id == agent }) else {
                throw Fault.notFound("The host has no fence agent \(agent).", remedy: "List its fenceagents.")
            }
            return try await context.answer(FenceAgentResource(found))
        }
        hosts.post(
            ":id/fenceagents",
            .add("Adds a fence agent to a host", FenceAgentResource.self, FenceAgentResource.self)
        ) { request, context in
            let body = try await request.read(FenceAgentResource.self)
            let added = try await engine.addFenceAgent(
                to: context.id(of: "host"),
                FenceAgentSettings(body),
                password: Secret(body.password ?? ""),
                by: context.user,
                correlation: context.correlation
            )
            return try context.created(FenceAgentResource(added))
        }
        hosts.put(
            ":id/fenceagents/:agent",
            .change("Changes a fence agent", FenceAgentResource.self, FenceAgentResource.self)
        ) { request, context in
            let change = try FenceAgentChange(await request.read(FenceAgentResource.self))
            let (host, agent) = (try context.id(of: "host"), try Self.agent(context))
            let changed = try await engine.changeFenceAgent(
                agent,
                of: host,
                change,
                by: context.user,
                correlation: context.correlation
            )
            return try await context.answer(FenceAgentResource(changed))
        }
        hosts.delete(":id/fenceagents/:agent", .remove("Removes a fence agent")) { _, context in
            let (host, agent) = (try context.id(of: "host"), try Self.agent(context))
            try await engine.removeFenceAgent(agent, of: host, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }

    private func addActions(to api: some RouterMethods<APIContext>) {
        api.action(
            "hosts/:id/fence",
            .begin(
                "Switches a host, or asks whether it is on",
                FenceActionResource.self,
                or: [.ok(ActionResource.self, "fence_type was status: `power_management.status` says")]
            )
        ) { request, context in
            let body = try await request.read(FenceActionResource.self)
            let id = try context.id(of: "host")
            if body.fence_type.lowercased() == "status" {
                var answer = ActionResource(status: "complete")
                var power = PowerManagementResource()
                power.status = try await engine.powerStatus(of: id).rawValue
                answer.power_management = power
                return try await context.answer(answer)
            }
            let job = try await engine.switchPower(
                id,
                try Self.action(body.fence_type),
                bootsFromNetwork: body.muster?.boot_from_network ?? false,
                force: body.muster?.force ?? false,
                by: context.user,
                correlation: context.correlation
            )
            return try await context.begun(job)
        }
        api.get(
            "clusters/:id/fencingpolicy",
            .show("When hosts of a cluster are switched off and on", FencingPolicyResource.self)
        ) { _, context in
            try await context.answer(FencingPolicyResource(await engine.fencingPolicy(of: context.id(of: "cluster"))))
        }
        api.put(
            "clusters/:id/fencingpolicy",
            .change("Changes a fencing policy", FencingPolicyResource.self, FencingPolicyResource.self)
        ) { request, context in
            let (id, body) = (try context.id(of: "cluster"), try await request.read(FencingPolicyResource.self))
            let policy = try await engine.fencingPolicy(of: id).changed(by: body)
            try await engine.setFencingPolicy(policy, of: id, by: context.user, correlation: context.correlation)
            return try await context.answer(FencingPolicyResource(policy))
        }
    }

    private static func action(_ word: String) throws -> PowerAction {
        switch word.lowercased() {
        case "start": return .on
        case "stop": return .off
        case "restart": return .restart
        default:
            throw Fault(
                .badRequest,
                "\(word.prefix(32)) is no fence_type.",
                remedy: "Send start, stop, restart or status."
            )
        }
    }

    private static func agent(_ context: APIContext) throws -> UniqueID {
        guard let id = UniqueID(rawValue: context.parameters.get("agent") ?? "") else {
            throw Fault.notFound("There is no such fence agent.", remedy: "List the host's fenceagents.")
        }
        return id
    }
}

extension FenceAgentResource {
    init(_ record: FenceAgentRecord) {
        self.init()
        let settings = record.settings
        (id, type, address, username) = (record.id.rawValue, settings.type, settings.address, settings.username)
        href = "\(ResourcePath.href("hosts", record.host.rawValue))/fenceagents/\(record.id)"
        port = settings.port.map { WireNumber(Int($0)) }
        order = settings.order.map { WireNumber($0) }
        (options, concurrent) = (Options(settings.options), settings.isConcurrent)
        host = ResourcePath.link("hosts", record.host)
    }
}

extension ArrivalOrder {
    init(_ body: NewHostResource, _ arrival: ServerChoices.Arrival) throws {
        guard let name = HostName(body.name) else {
            throw Fault(.badRequest, "The name is no host name.", remedy: "Use letters, digits, hyphens and dots.")
        }
        guard let mac = MACAddress(arrival.mac) else {
            throw Fault(.badRequest, "muster.arrival.mac is no MAC address.", remedy: "Write it as 52:54:00:12:34:56.")
        }
        let board = try FenceAgentSettings(arrival.board)
        self.init(name: name, mac: mac, board: board, password: Secret(arrival.board.password ?? ""))
        cluster = body.cluster.flatMap { $0.id ?? $0.name }
        (profile, restarts) = (arrival.profile, arrival.restart ?? false)
    }
}

extension FenceAgentSettings {
    fileprivate init(_ body: FenceAgentResource) throws {
        guard let type = body.type, let address = body.address, let username = body.username else {
            throw Fault(
                .badRequest,
                "A fence agent has a type, an address and a username.",
                remedy: "Send them, with the password."
            )
        }
        self.init(
            type: type,
            address: address,
            port: try body.port.flatMap { $0.value == 0 ? nil : try ServerSignIn.port($0, "port") },
            username: username,
            options: body.options?.values ?? [:],
            order: body.order?.value,
            isConcurrent: body.concurrent ?? false
        )
    }
}

extension FenceAgentChange {
    fileprivate init(_ body: FenceAgentResource) throws {
        self.init()
        if let port = body.port, port.value != 0 { _ = try ServerSignIn.port(port, "port") }
        (type, address, port, username) = (body.type, body.address, body.port?.value, body.username)
        (password, options) = (body.password.map { Secret($0) }, body.options?.values)
        (order, isConcurrent) = (body.order?.value, body.concurrent)
    }
}

extension PowerManagementChange {
    init(_ body: PowerManagementResource) throws {
        self.init()
        (isEnabled, detectsKdump) = (body.enabled, body.kdump_detection)
        proxies = try body.pm_proxies?.pm_proxy?.map { proxy in
            guard let known = PowerProxy(rawValue: proxy.type.lowercased()) else {
                throw Fault(.badRequest, "\(proxy.type.prefix(32)) is no proxy.", remedy: "Send engine, cluster or dc.")
            }
            return known
        }
    }
}

extension PowerManagementResource {
    init(_ power: PowerManagement) {
        self.init()
        (enabled, kdump_detection) = (power.isEnabled, power.detectsKdump)
        pm_proxies = Proxies(power.proxies.map(\.rawValue))
        (fault, remedy) = (power.fault?.text, power.fault?.remedy)
    }
}

extension FencingPolicyResource {
    init(_ policy: FencingPolicy) {
        self.init()
        enabled = policy.isEnabled
        skip_if_sd_active = Skip(enabled: false)
        (skip_if_gluster_bricks_up, skip_if_gluster_quorum_not_met) = (false, false)
        skip_if_connectivity_broken = Skip(
            enabled: policy.skipsBrokenConnectivity,
            threshold: WireNumber(policy.threshold)
        )
    }
}
