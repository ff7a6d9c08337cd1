import AgentWire
import Engine
import HostModel

// Types that read texts apart, or several forms: their `init(from:)` alone does not show what they take.

extension WireFlag: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .either([.type("boolean"), .object(["type": .string("string"), "enum": words])], .string("true"))
    }
    private static let words: JSONValue = .array([.string("true"), .string("false")])
}

extension WireNumber: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        let digits: JSONValue = .object(["type": .string("string"), "pattern": .string("^-?[0-9]{1,18}$")])
        return .either([digits, .type("integer")], .string("1"))
    }
}

extension WireReference: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        let members: JSONValue = .object(["id": .type("string"), "name": .type("string")])
        let object: JSONValue = .object(["type": .string("object"), "properties": members])
        return .either([object, .type("string")], .object(["name": .string("example")]))
    }
}

extension WireList: DescribesItself {
    static func description(_ types: TypeBook) throws -> TypeDescription {
        let element = try types.describe(Element.self)
        let list: JSONValue = .object(["type": .string("array"), "items": element.schema])
        return .either([list, element.schema], .array([element.example]))
    }
}

extension AttachmentBody: DescribesItself {
    static func description(_ types: TypeBook) throws -> TypeDescription {
        let (wanted, ours) = (
            try types.describe(WantedAttachmentResource.self), try types.describe(NetworkAttachmentOrder.self)
        )
        let example: JSONValue = .object([
            "network": .object(["name": .string("red")]), "host_nic": .object(["name": .string("eth1")]),
        ])
        return .either([wanted.schema, ours.schema], example)
    }
}

/// VDSM's words.
extension HostNetworkOrder: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        let red: JSONValue = .object(["nic": .string("eth1"), "bridged": .boolean(true)])
        return .anything(.object(["networks": .object(["red": red]), "bondings": .object([:])]))
    }
}

extension IPv6Network: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("2001:db8::1/64") }
}

extension MACAddress: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("52:54:00:12:34:56") }
}

extension IPv4Address: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .text("192.0.2.10", ["format": .string("ipv4")])
    }
}

extension IPv4Network: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("192.0.2.10/24") }
}

extension LinkName: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .text("eth0", ["maxLength": .integer(Int64(bytesMax))])
    }
}

extension InstallNetwork.Link: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("eth0") }
}

extension Nonce: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .text(String(repeating: "0f", count: 32), ["pattern": .string("^[0-9a-f]{64}$")])
    }
}

extension ImageReference: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("node-debian@1.2") }
}

extension DiskWord: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("rule:only") }
}

extension DiskLink: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("wwn-0x5000c500a1b2c3d4") }
}

extension WebLocation: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("http://mirror.example.org/os") }
}

extension PackageSelection: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("tmux") }
}

extension TimeZoneName: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription { .text("Etc/UTC") }
}

extension PasswordDigest: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .text("$6$saltsaltsalt$" + String(repeating: "a", count: 86))
    }
}

extension SSHPublicKey: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsPk2fQ4vLx0gTq7dU9c1Yw3nRzEoBmXaKjVtSiGhDl ops")
    }
}

extension BootSchedule: DescribesItself {
    static func description(_ types: TypeBook) -> TypeDescription {
        .text("next", ["enum": .array([.string("next"), .string("always")])])
    }
}

/// Two ways to name the interfaces exclude each other.
extension InstallNetwork: HasExample {
    static let example: JSONValue = .object([
        "link": .string("eth0"), "vlan": .integer(7), "address": .string("192.0.2.10/24"),
        "gateway": .string("192.0.2.1"), "nameservers": .array([.string("192.0.2.53")]), "mtu": .integer(1500),
    ])
}

extension InstallStorage: HasExample {
    static let example: JSONValue = .object([
        "disks": .array([.string("wwn-0x5000c500a1b2c3d4")]), "layout": .string("lvm"), "wipe": .boolean(true),
    ])
}
