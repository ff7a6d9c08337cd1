import Engine
import HTTPTypes
import HostModel
import Hummingbird

/// The calls of a node that wants to be a host (docs/protocols.md, section 1). Nobody signs in here: a claim changes
/// nothing until a person approves it, so all that must be guarded is the engine's memory and time.
struct ClaimRoutes {
    let engine: HostEngine
    let claims: SourceRate
    let polls: SourceRate
    let door: EnrolmentDoor

    init(
        engine: HostEngine,
        claims: SourceRate = SourceRate(.claims),
        polls: SourceRate = SourceRate(.polls),
        door: EnrolmentDoor = EnrolmentDoor()
    ) {
        (self.engine, self.claims, self.polls, self.door) = (engine, claims, polls, door)
    }

    func add(to router: some RouterMethods<APIContext>) {
        let claim = router.group("ovirt-engine/services/muster-claim")
        claim.post { request, context in
            try Self.count(claims, context)
            let wanted = try await request.json(ClaimRequest.self, limit: BodyLimit.claim)
            let reply = try await door.pass { try await engine.receiveClaim(wanted, from: context.source) }
            return try Response.json(reply, status: .created)
        }
        claim.post(":id/nonce") { request, context in
            try Self.count(polls, context)
            let opening = try await request.json(ClaimOpening.self, limit: BodyLimit.claim)
            let id = try Self.id(context)
            return try Response.json(await door.pass { try await engine.openClaim(id, opening) })
        }
        claim.get(":id") { request, context in
            try Self.count(polls, context)
            let moved = try Self.notice(request.query)
            return try Response.json(await engine.claimProgress(Self.id(context), moved: moved))
        }
        addBootServers(to: router.group("ovirt-engine/services/muster-boot-claim"))
    }

    /// The same for boot servers on other segments, behind the same limits.
    private func addBootServers(to claim: some RouterMethods<APIContext>) {
        claim.post { request, context in
            try Self.count(claims, context)
            let wanted = try await request.json(BootClaimRequest.self, limit: BodyLimit.claim)
            let reply = try await door.pass { try await engine.receiveBootClaim(wanted, from: context.source) }
            return try Response.json(reply, status: .created)
        }
        claim.post(":id/nonce") { request, context in
            try Self.count(polls, context)
            let opening = try await request.json(ClaimOpening.self, limit: BodyLimit.claim)
            let id = try Self.id(context)
            return try Response.json(await door.pass { try await engine.openBootClaim(id, opening) })
        }
        claim.get(":id") { _, context in
            try Self.count(polls, context)
            return try Response.json(await engine.bootClaimProgress(Self.id(context)))
        }
    }

    private static func notice(_ query: FormFields) throws -> AddressNotice? {
        guard let address = query["address"] else { return nil }
        guard let notice = AddressNotice(address: address, signature: query["signature"] ?? "") else {
            throw Fault(
                .badRequest,
                "The address and its signature make no sense.",
                remedy: "Send both as docs/protocols.md says, or neither."
            )
        }
        return notice
    }

    private static func id(_ context: APIContext) throws -> UniqueID {
        guard let id = context.parameters.get("id").flatMap(UniqueID.init(rawValue:)) else {
            throw Fault.notFound("There is no such claim.", remedy: "Make a new claim.")
        }
        return id
    }

    private static func count(_ rate: SourceRate, _ context: APIContext) throws {
        guard let seconds = rate.take(context.source) else { return }
        throw Fault(
            .tooManyRequests,
            "There were too many calls from \(context.source).",
            remedy: "Try again in \(seconds) seconds.",
            headers: [.retryAfter: "\(seconds)"]
        )
    }
}
