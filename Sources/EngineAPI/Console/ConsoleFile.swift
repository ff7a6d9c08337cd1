import Crypto
import NIOCore

/// One file of the web console. All of them are in the program and named here, so that no path of a request leads anywhere
/// else (docs/console.md).
struct ConsoleFile: Sendable {
    enum MediaType: String {
        case page = "text/html; charset=utf-8"
        case style = "text/css; charset=utf-8"
        case script = "text/javascript; charset=utf-8"
        case image = "image/svg+xml"
    }

    /// Below `/ovirt-engine/console/`; the page itself is `""`.
    let path: String
    let type: MediaType
    let content: ByteBuffer
    /// A strong validator (RFC 9110, section 8.8.3): SHA-256 of the content.
    let tag: String

    private init(_ path: String, _ type: MediaType, _ bytes: [UInt8]) {
        (self.path, self.type, content) = (path, type, ByteBuffer(bytes: bytes))
        tag = "\"" + SHA256.hash(data: bytes).prefix(16).map { Self.hex($0) }.joined() + "\""
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0\(digits)" : digits
    }

    /// Every file there is.
    static let all =
        [
            ConsoleFile("", .page, PackageResources.index_html),
            ConsoleFile("icon.svg", .image, PackageResources.icon_svg),
            ConsoleFile("base.css", .style, PackageResources.base_css),
            ConsoleFile("parts.css", .style, PackageResources.parts_css),
        ] + scripts

    private static let scripts = [
        ("app.js", PackageResources.app_js),
        ("api.js", PackageResources.api_js),
        ("convert.js", PackageResources.convert_js),
        ("element.js", PackageResources.element_js),
        ("event-list.js", PackageResources.event_list_js),
        ("host-actions.js", PackageResources.host_actions_js),
        ("host-claims.js", PackageResources.host_claims_js),
        ("host-facts.js", PackageResources.host_facts_js),
        ("job-steps.js", PackageResources.job_steps_js),
        ("live.js", PackageResources.live_js),
        ("page-convert.js", PackageResources.page_convert_js),
        ("page-events.js", PackageResources.page_events_js),
        ("page-host.js", PackageResources.page_host_js),
        ("page-hosts.js", PackageResources.page_hosts_js),
        ("page-job.js", PackageResources.page_job_js),
        ("page-jobs.js", PackageResources.page_jobs_js),
        ("page-sign-in.js", PackageResources.page_sign_in_js),
        ("parts.js", PackageResources.parts_js),
        ("preflight.js", PackageResources.preflight_js),
        ("words.js", PackageResources.words_js),
    ].map { ConsoleFile($0.0, .script, $0.1) }
}
