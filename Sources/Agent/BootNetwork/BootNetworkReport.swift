package import HostModel

/// `boot-network.json`: how far the boot network is, for the console.
package struct BootNetworkReport: Hashable, Sendable, Codable {
    package enum Stage: String, Hashable, Sendable, Codable {
        case waiting
        case configuring
        /// An interface carries an address.
        case done
        /// None does; DHCP goes on asking in the background.
        case failed
    }

    package var stage: Stage
    /// What it waits for, or what is not as it was asked for.
    package var detail: String?
    /// The interfaces that were given addresses, or are asked for.
    package var links: [LinkName]

    package static let fileName = "boot-network.json"

    package init(_ stage: Stage, detail: String?, links: [LinkName]) {
        (self.stage, self.detail, self.links) = (stage, detail, links)
    }
}
