import Engine
import HostModel
import Hummingbird

/// oVirt's calls that bring a host's networks in line: `unmanagednetworks`, `syncallnetworks`, `copyhostnetworks`.
struct NetworkUpkeepRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let host = api.group("hosts/:id")
        host.get(
            "unmanagednetworks",
            .list(
                "Networks that a host has and its data center does not know",
                UnmanagedNetworkCollection.self,
                asksHost: true
            )
        ) { _, context in
            try await context.answer(UnmanagedNetworkCollection(unmanaged(context)))
        }
        host.get(
            "unmanagednetworks/:network",
            .show("Such a network", UnmanagedNetworkResource.self, asksHost: true)
        ) { _, context in try await context.answer(one(context))
        }
        host.delete("unmanagednetworks/:network", .remove("Takes such a network from a host")) { _, context in
            let network = try await one(context)
            try await engine.removeUnmanagedNetwork(
                network.name,
                from: context.id(of: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
        host.action("syncallnetworks", .act("Makes anew what differs from the data center")) { _, context in
            let id = try context.id(of: "host")
            try await engine.synchronizeNetworks(of: id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
        host.action(
            "copyhostnetworks",
            .act("Makes a host carry what another one carries", CopyNetworksAction.self)
        ) { request, context in
            let action = try await request.read(CopyNetworksAction.self)
            guard let source = action.source_host, !source.text.isEmpty else {
                throw Fault(
                    .badRequest,
                    "The action names no source_host.",
                    remedy: "Name the host whose networks are to be copied, by id or name."
                )
            }
            try await engine.copyNetworks(
                from: source,
                to: context.id(of: "host"),
                by: context.user,
                correlation: context.correlation
            )
            return try context.complete()
        }
    }

    private func unmanaged(_ context: APIContext) async throws -> [UnmanagedNetworkResource] {
        let id = try context.id(of: "host")
        let host = ResourcePath.link("hosts", id)
        let place = host.href ?? ""
        return try await engine.unmanagedNetworks(of: id).map { network in
            var shown = UnmanagedNetworkResource(name: network.name, in: "\(place)/unmanagednetworks", host: host)
            shown.host_nic = network.device.map { ResourceLink(id: $0, href: "\(place)/nics/\($0)", name: $0) }
            return shown
        }
    }

    private func one(_ context: APIContext) async throws -> UnmanagedNetworkResource {
        let id = try context.parameters.require("network").lowercased()
        guard let found = try await unmanaged(context).first(where: { $0.id == id }) else {
            throw Fault.notFound(
                "The host has no unmanaged network \(id.prefix(64)).",
                remedy: "List them to see ids: a name in hexadecimal digits."
            )
        }
        return found
    }
}
