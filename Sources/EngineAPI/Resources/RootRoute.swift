import Engine
import Foundation
import HTTPTypes
import HostModel
import Hummingbird

/// `GET /ovirt-engine/api`: what this is, which version, and where everything else is (ovirt.md 4.4).
struct RootRoute {
    let engine: HostEngine

    private struct Root: Codable, WireDocument {
        static let element = "api"
        var link: [WireLink]
        var product_info: ProductInfo
        var special_objects: SpecialObjects
        var summary: Summary
        var authenticated_user: ResourceLink
        var effective_user: ResourceLink
        var time: String
    }

    private struct SpecialObjects: Codable {
        var root_tag = ResourceLink(id: TagRecord.rootID, href: ResourcePath.href("tags", TagRecord.rootID))
    }

    private struct ProductInfo: Codable {
        struct Version: Codable {
            var major = "4"
            var minor = "5"
            var build = "6"
            var revision = "0"
            var full_version = "4.5.6-1.muster"
        }
        var instance_id: String
        var name = "Muster"
        var vendor = "muster"
        var version = Version()
    }

    private struct Summary: Codable {
        struct Count: Codable {
            var active: String
            var total: String
        }
        var hosts: Count
    }

    private static let collections = [
        "affinitylabels", "bootassignments", "bootprofiles", "bootservers", "bootservices", "clusters", "datacenters",
        "events",
        "hosts", "jobs", "macpools", "networks", "nodeimages", "permissions", "rejections", "roles",
        "schedulingpolicies", "tags",
        "users",
    ]
    private static let searchable = ["clusters", "datacenters", "events", "hosts", "jobs", "networks", "users"]

    func add(to api: some RouterMethods<APIContext>) {
        api.get(.show("What this is, which version, and where everything is", Root.self)) { _, context in
            let hosts = try await engine.hostCounts()
            let user = ResourceLink(id: context.user, name: context.user)
            let root = Root(
                link: Self.links,
                product_info: ProductInfo(instance_id: instanceID),
                special_objects: SpecialObjects(),
                summary: Summary(
                    hosts: .init(
                        active: String(hosts[.up] ?? 0),
                        total: String(hosts.values.reduce(0, +))
                    )
                ),
                authenticated_user: user,
                effective_user: user,
                time: WireTime.text(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            )
            var response = try await context.answer(root)
            response.headers[.link] = Self.links.map { "<\($0.href)>; rel=\($0.rel)" }.joined(separator: ",")
            return response
        }
    }

    private static var links: [WireLink] {
        let plain = collections.map { WireLink($0, in: ResourcePath.root) }
        return plain
            + searchable.map { WireLink(href: "\(ResourcePath.root)/\($0)?search={query}", rel: "\($0)/search") }
    }

    /// One installation is one CA: its fingerprint, in the form of a UUID.
    private var instanceID: String {
        let digits = Array(engine.authorityFingerprint.prefix(32))
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(digits[$0.clamped(to: digits.indices)]) }.joined(separator: "-")
    }
}
