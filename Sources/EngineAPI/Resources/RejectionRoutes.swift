import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// `rejections`: machines that a person turned away (docs/protocols.md, section 3).
struct RejectionRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        api.get("rejections", .list("Machines that are kept away", RejectionCollection.self)) { _, context in
            try await context.answer(RejectionCollection(await engine.rejections().map(RejectionResource.init)))
        }
        api.delete("rejections/:id", .remove("Lets a machine claim again")) { _, context in
            let id = try context.id(of: "rejection")
            try await engine.readmit(id, by: context.user, correlation: context.correlation)
            return try context.complete()
        }
    }
}

extension RejectionResource {
    init(_ record: RejectionRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            address: record.address,
            until: WireTime.text(milliseconds: record.until)
        )
        (hardware_id, key_fingerprint) = (record.hardwareID?.rawValue, record.keyFingerprint)
        if let user = record.user { self.user = ResourceLink(id: user, name: user) }
    }
}
