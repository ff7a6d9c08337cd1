import Engine
import HostModel
import Hummingbird

/// `bootservices`: the boot servers as they said last, and what a machine would boot.
struct BootServiceRoutes {
    let engine: HostEngine

    func add(to api: some RouterMethods<APIContext>) {
        let services = api.group("bootservices")
        services.get { _, context in
            let known = engine.bootServices().map {
                BootServiceResource(status: $0.status, reported: WireTime.text(milliseconds: $0.reported))
            }
            return try await context.answer(BootServiceCollection(known))
        }
        services.get("explanation") { request, context in
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
