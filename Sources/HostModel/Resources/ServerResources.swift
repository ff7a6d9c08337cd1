// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Servers that become hosts, as oVirt's clients send them (ovirt.md 2.5, 4.6); ours under `muster`. docs/protocols.md
// section 3.

/// A number that oVirt writes as a string; either form is read.
package struct WireNumber: Hashable, Sendable, Codable {
    package var value: Int

    package init(_ value: Int) { self.value = value }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            value = number
            return
        }
        guard let number = Int(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a number")
        }
        value = number
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(value))
    }
}

/// `ssh` of a host or an action.
package struct SSHResource: Hashable, Sendable, Codable {
    package struct User: Hashable, Sendable, Codable {
        package var user_name: String?
        package var password: String?
        package init(user_name: String? = nil, password: String? = nil) {
            (self.user_name, self.password) = (user_name, password)
        }
    }

    /// `password` or `publickey`: the engine's own key is in the user's authorized_keys.
    package var authentication_method: String?
    package var port: WireNumber?
    /// `SHA256:…` of the host key that the server must show.
    package var fingerprint: String?
    /// The host key itself, as in known_hosts behind the name.
    package var public_key: String?
    package var user: User?

    package init() {}
}

/// What oVirt has no element for.
package struct ServerChoices: Hashable, Sendable, Codable {
    package struct Jump: Hashable, Sendable, Codable {
        package var address: String
        package var port: WireNumber?
        package var user_name: String?
        /// `SHA256:…` of the host key that it must show.
        package var fingerprint: String?
        package init(address: String) { self.address = address }
    }

    package struct Arrival: Hashable, Sendable, Codable {
        /// By which it boots from the network.
        package var mac: String
        package var board: FenceAgentResource
        /// A boot profile of mode run; `default` unless named.
        package var profile: String?
        /// A machine that is on is switched off and on; else that is refused.
        package var restart: Bool?
        package init(mac: String, board: FenceAgentResource) { (self.mac, self.board) = (mac, board) }
    }

    /// A package repository beside the server's own.
    package var repository: String?
    /// A server without virtualization is all right.
    package var without_virtualization: Bool?
    /// Whether the server is rebooted at the end where it needs that; true unless set.
    package var reboot: Bool?
    /// Whether the host goes into service at the end, or into maintenance.
    package var activate: Bool?
    /// A conversion that fails is taken back at once.
    package var undo_on_failure: Bool?
    /// A server that is another engine's host is taken over from it.
    package var take_over: Bool?
    package var kdump: Bool?
    package var jump: Jump?
    /// A machine without a system, which its board switches on; in place of all the others.
    package var arrival: Arrival?
    /// sudo's, where it is not the user's own password.
    package var sudo_password: String?

    package init() {}
}

/// The body of `POST hosts`. Members of oVirt's that are not named here are skipped.
package struct NewHostResource: Hashable, Sendable, Codable {
    package var name: String
    package var address: String
    package var port: WireNumber?
    package var cluster: Reference?
    package var comment: String?
    package var spm: HostOrder.StoragePoolManager?
    package var root_password: String?
    package var ssh: SSHResource?
    package var muster: ServerChoices?

    /// By id or by name.
    package struct Reference: Hashable, Sendable, Codable {
        package var id: String?
        package var name: String?
        package init(id: String? = nil, name: String? = nil) { (self.id, self.name) = (id, name) }
    }

    package init(name: String, address: String) { (self.name, self.address) = (name, address) }
}

/// The body of `POST hosts/ID/install` and `POST hosts/ID/uninstall`; all of it may be absent.
package struct ServerActionResource: Hashable, Sendable, Codable {
    package var root_password: String?
    package var ssh: SSHResource?
    package var reboot: Bool?
    /// oVirt's: whether the host goes into service at the end; unless it is said, it goes back to where it was.
    package var activate: Bool?
    package var muster: ServerChoices?

    package init() {}
}

/// The answer to `POST hosts/preflight`: as much as could be seen of a server without trusting a host key that nobody confirmed.
package struct PreflightResource: Hashable, Sendable, Codable {
    package struct Finding: Hashable, Sendable, Codable {
        /// `cpu.virtualization.firmware`: stable, for programs.
        package var id: String
        /// `blocking`, `warning` or `info`.
        package var severity: String
        package var sentence: String
        /// Empty where nothing needs to be done.
        package var remedy: String

        package init(_ finding: PreflightFinding) {
            (id, severity) = (finding.id, finding.severity.rawValue)
            (sentence, remedy) = (finding.sentence, finding.remedy)
        }
    }

    /// `SHA256:…` of the host key that the server shows, and its type. To be compared with the server's own, and sent back as
    /// `ssh.fingerprint`.
    package var fingerprint: String?
    package var key_type: String?
    /// The same of the host in front of it: `muster.jump.fingerprint`.
    package var jump_fingerprint: String?
    package var jump_key_type: String?
    /// Whether something forbids the conversion. This and what follows is absent until the keys are confirmed.
    package var blocked: Bool?
    package var summary: String?
    /// The worst first.
    package var findings: [Finding]?

    package init() {}
}
