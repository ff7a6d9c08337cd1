package import HostModel

/// Whether a machine has power, as its board says.
package enum PowerState: String, Sendable, Codable {
    case on
    case off
    case unknown
}

/// What a person asks of a machine's board.
package enum PowerAction: String, Sendable, Codable {
    case on
    case off
    case restart
}

/// Who runs a fence agent, in oVirt's words; `engine` is ours.
package enum PowerProxy: String, Sendable, Codable, CaseIterable {
    case engine
    /// A host of the same cluster that is up.
    case cluster
    /// One of the same data center.
    case dc
}

/// A secret on its way: prints as a word only, whatever prints it.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package var value: String

    package init(_ value: String) { self.value = value }

    package var description: String { "a secret" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// How one board is reached; the password is never in here.
package struct FenceAgentRecord: Sendable, Hashable {
    package var id: UniqueID
    package var host: UniqueID
    package var settings: FenceAgentSettings
}

/// A fence agent as a person describes it.
package struct FenceAgentSettings: Sendable, Hashable {
    /// `ipmilan` for fence_ipmilan.
    package var type: String
    package var address: String
    /// `nil`: the agent's own.
    package var port: UInt16?
    package var username: String
    /// Names and values that fence agents take; those that are harmless (`FenceOptions`).
    package var options: [String: String]
    /// 1 to 99; the lowest comes first. `nil`: behind the others.
    package var order: Int?
    /// One of several of the same order that supply the same machine.
    package var isConcurrent: Bool

    package init(
        type: String,
        address: String,
        port: UInt16? = nil,
        username: String,
        options: [String: String] = [:],
        order: Int? = nil,
        isConcurrent: Bool = false
    ) {
        (self.type, self.address, self.port, self.username) = (type, address, port, username)
        (self.options, self.order, self.isConcurrent) = (options, order, isConcurrent)
    }
}

/// What is to be different of a fence agent; `nil` stays.
package struct FenceAgentChange: Sendable {
    package var type: String?
    package var address: String?
    /// 0: the agent's own.
    package var port: Int?
    package var username: String?
    package var password: Secret?
    package var options: [String: String]?
    package var order: Int?
    package var isConcurrent: Bool?

    package init() {}

    func applied(to former: FenceAgentSettings) -> FenceAgentSettings {
        var settings = former
        settings.type = type ?? former.type
        settings.address = address ?? former.address
        if let port { settings.port = port == 0 ? nil : UInt16(exactly: port) }
        settings.username = username ?? former.username
        settings.options = options ?? former.options
        settings.order = order ?? former.order
        settings.isConcurrent = isConcurrent ?? former.isConcurrent
        return settings
    }
}

/// Whether and how a host is switched.
package struct PowerManagement: Sendable, Hashable {
    /// The engine restarts it by itself when it does not respond.
    package var isEnabled = false
    package var detectsKdump = false
    /// In the order in which they are tried.
    package var proxies = PowerProxy.allCases
    /// Its board cannot be relied on; `nil` when it did its last order.
    package var fault: PowerFault?

    package init() {}
}

package struct PowerManagementChange: Sendable {
    package var isEnabled: Bool?
    package var detectsKdump: Bool?
    package var proxies: [PowerProxy]?

    package init() {}
}

/// What is wrong with a board: a sentence, and one of what to do. Both are escaped.
package struct PowerFault: Sendable, Hashable {
    package var text: String
    package var remedy: String
    /// Milliseconds since 1970.
    package var since: Int64
    /// Before that the engine does not try by itself again.
    package var retry: Int64
}

/// When the engine restarts hosts of a cluster by itself (oVirt's fencing_policy).
package struct FencingPolicy: Sendable, Hashable, Codable {
    package var isEnabled = true
    /// No host is restarted while two or more, and more than `threshold` percent, of the cluster's hosts do not answer: then
    /// it is the network.
    package var skipsBrokenConnectivity = true
    package var threshold = 50

    package init() {}
}
