// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// Where more of a thing is: `<link rel="nics" href="…"/>`.
package struct WireLink: Hashable, Sendable, Codable {
    package var href: String
    /// The last part of the path: `networkattachments`.
    package var rel: String

    package init(_ rel: String, in href: String) { (self.href, self.rel) = ("\(href)/\(rel)", rel) }
    package init(href: String, rel: String) { (self.href, self.rel) = (href, rel) }
}

/// What can be done with a thing.
package struct WireActions: Hashable, Sendable, Codable {
    package var link: [WireLink]
    package init(_ actions: [String], of href: String) { link = actions.map { WireLink($0, in: href) } }
}
