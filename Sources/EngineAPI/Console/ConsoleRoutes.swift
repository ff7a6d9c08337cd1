import Engine
import HTTPTypes
import Hummingbird

/// `/ovirt-engine/console/`: the web console, and the way there for whoever opens the engine in a browser. Nothing of it needs
/// a signed-in user: the files are in every copy of the program, and what they show comes from the API.
struct ConsoleRoutes {
    let engine: HostEngine
    let passwords: PasswordCheck

    static let path = "/ovirt-engine/console/"

    func add(to router: some RouterMethods<APIContext>) {
        let console = router.group(RouterPath(Self.path)).add(middleware: ConsoleHeaders())
        for file in ConsoleFile.all {
            console.get(RouterPath(file.path)) { request, _ in
                // Without the slash the page's own names would lead beside it.
                file.path.isEmpty && !request.uri.path.hasSuffix("/") ? Self.redirect : Self.answer(file, to: request)
            }
        }
        ConsoleSessionRoutes(engine: engine, passwords: passwords).add(to: console)
        for place in ["", "ovirt-engine"] {
            router.get(RouterPath(place)) { request, _ in
                guard Self.isBrowser(request) else { throw HTTPError(.notFound) }
                return Self.redirect
            }
        }
    }

    private static var redirect: Response {
        Response(status: .found, headers: [.location: path, .cacheControl: "no-store", .vary: "Accept"])
    }

    /// Who can show a page asks for one.
    private static func isBrowser(_ request: Request) -> Bool {
        request.headers[values: .accept].contains { $0.lowercased().contains("text/html") }
    }

    private static func answer(_ file: ConsoleFile, to request: Request) -> Response {
        // Asked each time, so that a newer engine's console is seen at once.
        let headers: HTTPFields = [.eTag: file.tag, .cacheControl: "no-cache"]
        guard !isKnown(file.tag, to: request) else { return Response(status: .notModified, headers: headers) }
        var response = Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: file.content))
        response.headers[.contentType] = file.type.rawValue
        return response
    }

    /// RFC 9110, section 13.1.2: weak comparison with any of the list.
    private static func isKnown(_ tag: String, to request: Request) -> Bool {
        request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }.contains { known in
            let known = known.filter { !$0.isWhitespace }
            return known == "*" || (known.hasPrefix("W/") ? String(known.dropFirst(2)) : known) == tag
        }
    }
}
