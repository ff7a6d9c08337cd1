import AgentWire
import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `hosts/ID/networkattachments` and `hosts/ID/nics/NIC/networkattachments`: networks on hosts, in oVirt's words and in our
/// shorter ones. What is ordered in oVirt's is kept for the host's next start by `commitnetconfig`, as there; what is ordered in
/// ours at once.
struct AttachmentRoutes {
    let engine: HostEngine

    /// With our own form of the order.
    private static let ours: [Call.Answer] = [
        .ok(ActionResource.self, "Ordered in our own words: it is done"),
        .ok(NetworkRoutes.Plan.self, "With dry_run: what would be done"),
    ]

    func add(to api: some RouterMethods<APIContext>) {
        addReads(to: api.group("hosts/:id"))
        addChanges(to: api.group("hosts/:id"))
    }

    private func addReads(to host: some RouterMethods<APIContext>) {
        host.get(
            "networkattachments",
            .list(
                "The networks that a host carries, as it has them now",
                NetworkAttachmentCollection.self,
                asksHost: true
            )
        ) { _, context in
            try await context.answer(Self.collection(attachments(context), context))
        }
        host.get(
            "networkattachments/:network",
            .show("A network as a host carries it", NetworkAttachmentResource.self, asksHost: true)
        ) { _, context in
            try await context.answer(NetworkAttachmentResource(attachment(context), context))
        }
        // Networks with a tag stand on a card's VLAN devices, and are the card's all the same.
        host.get(
            "nics/:nic/networkattachments",
            .list("The networks on a nic", NetworkAttachmentCollection.self, asksHost: true)
        ) { _, context in
            try await context.answer(Self.collection(attachmentsOfNIC(context), context))
        }
        host.get(
            "nics/:nic/networkattachments/:network",
            .show("A network on a nic", NetworkAttachmentResource.self, asksHost: true)
        ) { _, context in
            try await context.answer(NetworkAttachmentResource(attachment(context), context))
        }
    }

    private func addChanges(to host: some RouterMethods<APIContext>) {
        host.post(
            "networkattachments",
            .add(
                "Puts a network on a host",
                AttachmentBody.self,
                NetworkAttachmentResource.self,
                or: Self.ours,
                query: [Call.dryRun]
            )
        ) { request, context in
            switch try await request.read(AttachmentBody.self) {
            case .order(let order): return try await attach(order, request, context)
            case .wanted(let wanted):
                try Self.refuseDryRun(request)
                return try await add(wanted, context)
            }
        }
        host.post(
            "nics/:nic/networkattachments",
            .add("Puts a network on a nic", WantedAttachmentResource.self, NetworkAttachmentResource.self)
        ) { request, context in
            try Self.refuseDryRun(request)
            var wanted = try await request.read(WantedAttachmentResource.self)
            wanted.host_nic = WireReference(name: try context.parameters.require("nic"))
            return try await add(wanted, context)
        }
        for path in ["networkattachments/:network", "nics/:nic/networkattachments/:network"] as [RouterPath] {
            host.put(
                path,
                .change(
                    "Changes how a network stands on a host",
                    WantedAttachmentResource.self,
                    NetworkAttachmentResource.self
                )
            ) { request, context in
                try Self.refuseDryRun(request)
                return try await change(try await request.read(WantedAttachmentResource.self), context)
            }
            host.delete(
                path,
                .remove(
                    "Takes a network from a host",
                    or: [.ok(NetworkRoutes.Plan.self)],
                    query: [Call.dryRun, Call.commits]
                )
            ) { request, context in try await detach(request, context) }
        }
    }
}

// MARK: - What is there

extension AttachmentRoutes {
    private func attachments(_ context: APIContext) async throws -> [NetworkAttachment] {
        try await engine.networkAttachments(of: context.id(of: "host"))
    }

    private func attachmentsOfNIC(_ context: APIContext) async throws -> [NetworkAttachment] {
        let name = try context.parameters.require("nic")
        let report = try await engine.reportedNetworks(of: context.id(of: "host")).report
        guard report.nics[name] != nil || report.bondings[name] != nil || report.vlans[name] != nil else {
            throw Fault.noNIC(name)
        }
        return try await attachments(context).filter { $0.device == name }
    }

    /// The one that the path names, by the network's id or name.
    private func attachment(_ context: APIContext) async throws -> NetworkAttachment {
        let wanted = try context.parameters.require("network")
        let all =
            context.parameters.get("nic") == nil ? try await attachments(context) : try await attachmentsOfNIC(context)
        guard let one = all.first(where: { $0.network.id.rawValue == wanted || $0.network.name == wanted }) else {
            throw Fault.notFound(
                "The host carries no network \(wanted.prefix(64)).",
                remedy: "List its attachments."
            )
        }
        return one
    }

    private static func collection(
        _ found: [NetworkAttachment],
        _ context: APIContext
    ) throws -> NetworkAttachmentCollection {
        NetworkAttachmentCollection(try found.map { try NetworkAttachmentResource($0, context) })
    }
}

// MARK: - Changes

extension AttachmentRoutes {
    /// oVirt's form knows no trial; who asks for one must not get the change.
    private static func refuseDryRun(_ request: Request) throws {
        guard try ListQuery.isDryRun(request.query) else { return }
        throw Fault(
            .badRequest,
            "A change in oVirt's form cannot be tried.",
            remedy: "Leave dry_run out, or POST our own form to hosts/ID/networkattachments: its network is a text."
        )
    }

    private static var unreported: Fault {
        Fault(
            .conflict,
            "The host made the change, and does not report the network.",
            remedy: "`muster host network HOST show` shows what it carries."
        )
    }

    /// Ours: attaches, or changes how a network is attached.
    private func attach(
        _ order: NetworkAttachmentOrder,
        _ request: Request,
        _ context: APIContext
    ) async throws -> Response {
        let id = try context.id(of: "host")
        guard try !ListQuery.isDryRun(request.query) else {
            return try await context.answer(NetworkRoutes.Plan(plan: try await engine.planAttachment(order, to: id)))
        }
        try await engine.attach(order, to: id, by: context.user, correlation: context.correlation)
        return try context.complete()
    }

    /// oVirt's: a network that the host has already is changed with PUT.
    private func add(_ wanted: WantedAttachmentResource, _ context: APIContext) async throws -> Response {
        guard wanted.network != nil, wanted.host_nic != nil else {
            throw Fault(
                .badRequest,
                "An attachment needs network and host_nic.",
                remedy: "Name both by id or name; an empty name of host_nic is a bridge without ports."
            )
        }
        if let there = try await attachments(context).first(where: { $0.isOf(wanted.reference) }) {
            throw Fault(
                .conflict,
                "The host carries the network \(there.network.name) already.",
                remedy: "Change it: PUT hosts/ID/networkattachments/\(there.network.id)."
            )
        }
        try await setUp(wanted, context)
        guard let made = try await attachments(context).first(where: { $0.isOf(wanted.reference) }) else {
            throw Self.unreported
        }
        return try context.created(NetworkAttachmentResource(made, context))
    }

    private func change(_ wanted: WantedAttachmentResource, _ context: APIContext) async throws -> Response {
        let found = try await attachment(context)
        guard wanted.network == nil || found.isOf(wanted.reference) else {
            throw Fault(
                .conflict,
                "The attachment of \(found.network.name) cannot become one of another network.",
                remedy: "Remove it, and add the other one."
            )
        }
        var wanted = wanted
        wanted.network = WireReference(id: found.network.id.rawValue)
        try await setUp(wanted, context)
        guard let now = try await attachments(context).first(where: { $0.network.id == found.network.id }) else {
            throw Self.unreported
        }
        return try await context.answer(NetworkAttachmentResource(now, context))
    }

    private func detach(_ request: Request, _ context: APIContext) async throws -> Response {
        let (id, network) = (try context.id(of: "host"), try context.parameters.require("network"))
        if context.parameters.get("nic") != nil { _ = try await attachment(context) }
        guard try !ListQuery.isDryRun(request.query) else {
            return try await context.answer(
                NetworkRoutes.Plan(plan: try await engine.planDetachment(network, from: id))
            )
        }
        try await engine.detach(
            network,
            from: id,
            commit: ListQuery.flag(request.query, "commit_on_success") ?? false,
            by: context.user,
            correlation: context.correlation
        )
        return try context.complete()
    }

    private func setUp(_ wanted: WantedAttachmentResource, _ context: APIContext) async throws {
        var order = SetupNetworksResource()
        order.modified_network_attachments = .init([wanted])
        try await engine.setupNetworks(
            order,
            on: context.id(of: "host"),
            by: context.user,
            correlation: context.correlation
        )
    }
}

/// The body of `POST hosts/ID/networkattachments`: oVirt's NetworkAttachment, or our own order, whose network is a text.
enum AttachmentBody: Decodable, WireDocument {
    case wanted(WantedAttachmentResource)
    case order(NetworkAttachmentOrder)

    static let element = "network_attachment"

    private enum CodingKeys: String, CodingKey {
        case network
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let isText = (try? container.decodeIfPresent(String.self, forKey: .network)) ?? nil
        self = isText == nil ? .wanted(try .init(from: decoder)) : .order(try .init(from: decoder))
    }
}

extension NetworkAttachment {
    fileprivate func isOf(_ reference: String) -> Bool {
        network.name == reference || network.id.rawValue == reference.lowercased()
    }
}

extension NetworkAttachmentResource {
    init(_ attachment: NetworkAttachment, _ context: APIContext) throws {
        let network = attachment.network
        self.init(
            ResourceLink(
                id: network.id.rawValue,
                href: ResourcePath.href("networks", network.id.rawValue),
                name: network.name
            ),
            over: attachment.device,
            attachment.attributes.map { Configuration(name: $0.name, expected: $0.expected, actual: $0.actual) }
        )
        ip_address_assignments = .init(attachment.assignments)
        let host = ResourcePath.link("hosts", try context.id(of: "host"))
        (self.host, href) = (host, "\(host.href ?? "")/networkattachments/\(network.id)")
        host_nic?.href = attachment.device.map { "\(host.href ?? "")/nics/\($0)" }
    }
}
