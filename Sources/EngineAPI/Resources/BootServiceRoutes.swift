import Engine
import HostModel
import Hummingbird

/// `bootservices`: the boot servers as they said last, and what a machine would boot.
struct BootServiceRoutes {
    let engine: HostEngine

    private static let explanation = Call(
        "What a machine would boot, and why, without booting it",
        [.ok(BootExplanation.self)],
        query: [
            Call.Field("mac", .text, "The hardware address of the card that it boots from"),
            Call.Field("arch", .text, "Its firmware: bios, uefi-x64 and others; bios where it is left out"),
        ],
        refusals: [409]
    )

    func add(to api: some RouterMethods<APIContext>) {
        let services = api.group("bootservices")
        services.get(
            .list("The boot servers, each with what it said of itself last", BootServiceCollection.self)
        ) { _, context in
            let known = engine.bootServices().map {
                BootServiceResource(
                    status: $0.status,
                    reported: WireTime.text(milliseconds: $0.reported),
                    server: $0.server?.rawValue
                )
            }
            return try await context.answer(BootServiceCollection(known))
        }
        services.get("explanation", Self.explanation) { request, context in
            let query = request.query
            guard let mac = query["mac"].flatMap({ MACAddress($0) }), !mac.isMulticast, mac.rawValue != 0 else {
                throw Fault(
                    .badRequest,
                    "mac is no machine's hardware address.",
                    remedy: "Give ?mac=aa:bb:cc:dd:ee:ff."
                )
            }
            return try await context.answer(engine.explainBoot(mac, architecture: query["arch"] ?? "bios"))
        }
    }
}
