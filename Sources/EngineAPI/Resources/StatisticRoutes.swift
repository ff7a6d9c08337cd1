import AgentWire
import Engine
import HostModel
import Hummingbird

/// `hosts/ID/statistics` and `hosts/ID/nics/NIC/statistics`: from the engine's memory, so that a program that looks at all
/// hosts every minute asks none of them.
struct StatisticRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let host = api.group("hosts/:id")
        host.get("statistics", .list("What a host did last", StatisticCollection.self)) { _, context in
            try await context.answer(StatisticCollection(ofHost(context)))
        }
        host.get("statistics/:statistic", .show("One statistic of a host", StatisticResource.self)) { _, context in
            try await context.answer(Self.one(ofHost(context), context))
        }
        host.get("nics/:nic/statistics", .list("What a nic did last", StatisticCollection.self)) { _, context in
            try await context.answer(StatisticCollection(ofNIC(context)))
        }
        host.get(
            "nics/:nic/statistics/:statistic",
            .show("One statistic of a nic", StatisticResource.self)
        ) { _, context in
            try await context.answer(Self.one(ofNIC(context), context))
        }
    }

    private func ofHost(_ context: APIContext) async throws -> [StatisticResource] {
        let record = try await engine.host(context.id(of: "host"))
        guard let figures = record.figures else { return [] }
        let host = ResourcePath.link("hosts", record.id)
        let memory = record.hardware?.memory ?? record.facts?.memory
        return HostStatisticList(figures, memory: memory).all(of: host, at: "\(host.href ?? "")/statistics")
    }

    private func ofNIC(_ context: APIContext) async throws -> [StatisticResource] {
        let (id, name) = (try context.id(of: "host"), try context.parameters.require("nic"))
        guard try await engine.hasNIC(name, on: id) else {
            throw Fault.noNIC(name)
        }
        guard let link = engine.figures(of: id)?.links.first(where: { $0.name == name }) else { return [] }
        let host = ResourcePath.link("hosts", id)
        let place = "\(host.href ?? "")/nics/\(name)"
        return link.statistics(of: ResourceLink(id: name, href: place), on: host, at: "\(place)/statistics")
    }

    private static func one(_ all: [StatisticResource], _ context: APIContext) throws -> StatisticResource {
        let id = try context.parameters.require("statistic").lowercased()
        guard let found = all.first(where: { $0.id == id }) else {
            throw Fault.notFound("There is no statistic \(id.prefix(64)) now.", remedy: "List them to see ids.")
        }
        return found
    }
}
