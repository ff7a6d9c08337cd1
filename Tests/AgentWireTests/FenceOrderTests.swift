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
            retry_on=2

            """
        #expect(order.input == expected)
        #expect(order.title == "fence_ipmilan status")
    }

    @Test("options that name a program, a file or a command line are refused, however they are written")
    func programs() {
        let names = [
            "passwd_script", "password-script", "password_script", "snmp_priv_passwd_script", "ipmitool_path",
            "ssh_path",
            "sudo_path", "telnet_path", "gnutlscli_path", "snmpget_path", "sbd_path", "ssh_options", "debug_file",
            "logfile", "identity_file", "cmd_prompt", "gpio", "password", "ip", "no_such_option",
        ]
        for name in names {
            for written in [name, name.replacing("_", with: "-"), " \(name) ", "lanplus\r\n\(name)", "lanplus,\(name)"]
            {
                let error = #expect(throws: RPCError.self) {
                    try Self.order { $0["options"] = .string("\(written)=/bin/id") }
                }
                #expect(error?.code == .invalidParams, "\(written)")
            }
        }
    }

    @Test(
        "no option leads the password to another host",
        arguments: [
            "systems_uri=@evil.example/redfish/v1/Systems", "systems_uri=//evil.example/", "systems_uri=x",
            "systems_uri=",
            "redfish_uri=:1@evil.example/", "redfish_uri=/redfish?x=@e", "ipport=1@evil.example", "ipport=443/x",
        ]
    )
    func otherHosts(option: String) throws {
        #expect(throws: RPCError.self) { try Self.order { $0["options"] = .string(option) } }
        _ = try Self.order { $0["options"] = .string("systems_uri=/redfish/v1/Systems/437XR1138R2\nipport=8443") }
    }

    @Test("lines that end in CRLF are lines") func lineEnds() throws {
        let order = try Self.order { $0["options"] = .string("lanplus=1\r\ncipher=17\r\nverbose\r\n") }
        #expect(order.input.hasSuffix("secure=yes\nlanplus=1\ncipher=17\nverbose\n"))
    }

    @Test(
        "what stands on a command line of the agent's ends no word there",
        arguments: ["; id", "a b", "$(id)", "`id`", "a|b", "a&b", "a>b", "a'b", "a\"b", "-oProxyCommand", "a*", "é"]
    )
    func words(text: String) {
        for name in ["addr", "username"] {
            #expect(throws: RPCError.self, "\(name)") { try Self.order { $0[name] = .string(text) } }
        }
        for key in ["cipher", "plug", "target", "port", "slot", "privlvl"] {
            #expect(throws: RPCError.self, "\(key)") { try Self.order { $0["options"] = .string("\(key)=\(text)") } }
        }
    }

    @Test(
        "addresses, logins and secrets that are in use",
        arguments: ["fe80::1%eth0", "[2001:db8::1]", "bmc-7.example"]
    )
    func harmless(address: String) throws {
        let order = try Self.order { members in
            members["addr"] = .string(address)
            members["username"] = .string(#"DOM\user@example.com"#)
            members["options"] = .string("systems_uri=/redfish/v1/Systems/1,snmp_priv_passwd=a'b $c")
        }
        #expect(order.input.contains("ipaddr=\(address)\nlogin=DOM\\user@example.com\n"))
        #expect(order.input.hasSuffix("systems_uri=/redfish/v1/Systems/1\nsnmp_priv_passwd=a'b $c\n"))
    }

    @Test("what an agent said is told without the password and the options' values") func redacted() throws {
        let order = try Self.order { members in
            members["password"] = .string("it's")
            members["options"] = .string("community=public7,lanplus=1")
        }
        let said = #"ran: ipmitool -P 'it'"'"'s' 1 public7 it's"#
        #expect(order.redacted(said) == "ran: ipmitool -P '…' 1 … …")
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
            ("options", .string(String(repeating: "ssl=1,", count: 65)), -32602),
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
                guard let order = try? Self.order({ $0[name] = .string("lanplus=1\(character)verbose=2") }) else {
                    continue
                }
                let keys = order.input.split(separator: "\n").map { String($0.prefix { $0 != "=" }) }
                let usual = ["agent", "ipaddr", "login", "action", "passwd", "port", "secure"]
                #expect(Array(keys.prefix(7)) == usual, "\(scalar) in \(name)")
            }
        }
    }
}
