import NIOCore
import Testing

@testable import AgentWire

@Suite struct FenceOrderTests {
    private static let text = #"""
        {"addr": "10.0.0.9", "port": 623, "agent": "ipmilan", "username": "admin", "password": "pa=ss word",
         "action": "status", "secure": "true", "options": "lanplus=1\npower_wait=4,retry-on=2", "policy": null}
        """#

    private static func order(_ change: (inout [String: JSONValue]) -> Void = { _ in }) throws -> FenceOrder {
        var members = try #require(try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text)).object)
        change(&members)
        return try FenceOrder(params: .object(members))
    }

    @Test("the agent's lines, as VDSM writes them") func lines() throws {
        let order = try Self.order()
        let expected = """
            agent=fence_ipmilan
            ipaddr=10.0.0.9
            login=admin
            action=status
            passwd=pa=ss word
            port=623
            secure=yes
            lanplus=1
            power_wait=4
            retry-on=2

            """
        #expect(order.input == expected)
        #expect(order.title == "fence_ipmilan status")
    }

    @Test(
        "what engines leave out or send as text",
        arguments: [.null, .string(""), .integer(0), .string("0")] as [JSONValue]
    )
    func port(value: JSONValue) throws {
        let order = try Self.order { members in
            members["port"] = value
            members["secure"] = .boolean(false)
            members["options"] = nil
        }
        #expect(!order.input.contains("port=") && !order.input.contains("secure="))
    }

    @Test(
        "what is no order is refused by its field",
        arguments: [
            ("agent", .string("../../bin/sh"), 43), ("agent", .string(""), 43), ("agent", .string("a b"), 43),
            ("agent", .string(String(repeating: "a", count: 33)), 43), ("agent", .null, 11),
            ("action", .string("explode"), -32602), ("addr", .string("1\npasswd_script=/bin/sh"), -32602),
            ("password", .string("a\u{0}b"), -32602), ("username", .integer(1), 11), ("port", .string("x"), -32602),
            ("port", .integer(70000), -32602), ("options", .string("passwd_script=/bin/id"), -32602),
            ("options", .string(" password_script =/bin/id"), -32602), ("options", .string("=x"), -32602),
            ("options", .string("action=off"), -32602),
            ("options", .string(String(repeating: "a=1,", count: 65)), -32602),
        ] as [(String, JSONValue, Int)]
    )
    func refused(name: String, value: JSONValue, code: Int) {
        let error = #expect(throws: RPCError.self) { try Self.order { $0[name] = value } }
        #expect(error?.code.rawValue == code, "\(error?.message ?? "")")
    }

    @Test("no value of any field puts a second line where one belongs") func injection() throws {
        for scalar in 0..<160 {
            guard let character = Unicode.Scalar(scalar).map(Character.init) else { continue }
            for name in ["addr", "username", "password", "options"] {
                guard let order = try? Self.order({ $0[name] = .string("a=1\(character)b=2") }) else { continue }
                let keys = order.input.split(separator: "\n").map { String($0.prefix { $0 != "=" }) }
                let usual = ["agent", "ipaddr", "login", "action", "passwd", "port", "secure"]
                #expect(Array(keys.prefix(7)) == usual, "\(scalar) in \(name)")
            }
        }
    }
}
