import HostModel
import NIOCore
import Testing

@testable import AgentWire

@Suite struct RPCTests {
    @Test(
        "ids come back as they came",
        arguments: [
            (#"{"jsonrpc":"2.0","method":"Host.ping2","id":"a-1"}"#, RPCIdentifier.string("a-1")),
            (#"[{"jsonrpc":"2.0","method":"Host.ping2","params":{},"id":7}]"#, .integer(7)),
            (#"{"jsonrpc":"2.0","method":"Host.ping2","params":[],"id":1.5}"#, .number(1.5)),
            (#"{"jsonrpc":"2.0","method":"Host.ping2"}"#, nil),
        ]
    )
    func requests(text: String, id: RPCIdentifier?) throws {
        let calls = RPCRequest.decode(ByteBuffer(string: text))
        #expect(calls.count == 1)
        let request = try #require(calls.first).get()
        #expect(request.id == id)
        #expect(request.method == "Host.ping2")
        let again = try #require(RPCRequest.decode(try request.encoded()).first).get()
        #expect(again == request)
    }

    @Test(
        "what is wrong is said, with the id where it can be read",
        arguments: [
            ("not json", RPCError.Code.parseError, nil),
            ("", .parseError, nil),
            ("[]", .invalidRequest, nil),
            ("7", .invalidRequest, nil),
            (#"{"method":"a","id":"x"}"#, .invalidRequest, RPCIdentifier.string("x")),
            (#"{"jsonrpc":"1.0","method":"a","id":4}"#, .invalidRequest, .integer(4)),
            (#"{"jsonrpc":"2.0","id":4}"#, .invalidRequest, .integer(4)),
            (#"{"jsonrpc":"2.0","method":"a","id":{}}"#, .invalidRequest, nil),
            (#"{"jsonrpc":"2.0","method":"a","params":"x","id":4}"#, .invalidRequest, .integer(4)),
        ]
    )
    func refusals(text: String, code: RPCError.Code, id: RPCIdentifier?) {
        guard case .failure(let refusal)? = RPCRequest.decode(ByteBuffer(string: text)).first else {
            Issue.record("accepted \(text)")
            return
        }
        #expect(refusal.error.code == code)
        #expect(refusal.id == id)
    }

    @Test("JSON that nests without end is refused, not a crash")
    func deepNesting() {
        let text = String(repeating: "[", count: 100_000)
        guard case .failure(let refusal)? = RPCRequest.decode(ByteBuffer(string: text)).first else {
            Issue.record("accepted")
            return
        }
        #expect(refusal.error.code == .parseError)
    }

    @Test func batchesAreBounded() {
        let call = #"{"jsonrpc":"2.0","method":"a","id":1}"#
        func batch(_ count: Int) -> ByteBuffer {
            ByteBuffer(string: "[" + Array(repeating: call, count: count).joined(separator: ",") + "]")
        }
        #expect(RPCRequest.decode(batch(RPCRequest.batchMax)).count == RPCRequest.batchMax)
        #expect(RPCRequest.decode(batch(RPCRequest.batchMax + 1)).count == 1)
    }

    @Test("replies are plain objects and read back")
    func replies() throws {
        let good = RPCReply(id: .integer(3), outcome: .success(.boolean(true)))
        #expect(String(buffer: try good.encoded()) == #"{"id":3,"jsonrpc":"2.0","result":true}"#)
        #expect(try RPCIncoming.decode(good.encoded()) == .reply(good))
        let bad = RPCReply(id: nil, outcome: .failure(RPCError(.init(rawValue: 4711), "why")))
        #expect(
            String(buffer: try bad.encoded())
                == #"{"error":{"code":4711,"message":"why"},"id":null,"jsonrpc":"2.0"}"#
        )
        #expect(try RPCIncoming.decode(bad.encoded()) == .reply(bad))
        let event = RPCNotification(method: "|net|host_conn|no_id", params: .object(["notify_time": .integer(1)]))
        #expect(try RPCIncoming.decode(event.encoded()) == .notification(event))
    }

    @Test(arguments: ["", "{}", "[]", #"{"jsonrpc":"2.0","id":1}"#, #"{"jsonrpc":"2.0","id":1,"error":{}}"#])
    func refusesReply(text: String) {
        #expect(throws: RPCError.self) { try RPCIncoming.decode(ByteBuffer(string: text)) }
    }

    @Test(
        "values survive",
        arguments: [
            "null", "true", "-9223372036854775808", "9223372036854775807", "1.5", #""\u0000 ü/""#,
            #"[1,[],{"a":null}]"#,
        ]
    )
    func values(text: String) throws {
        let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text))
        let again = try JSONText.decode(JSONValue.self, from: try JSONText.encode(value))
        #expect(again == value)
    }
}

@Suite struct PayloadTests {
    @Test func capabilitiesAreFlat() throws {
        var capabilities = HostCapabilities()
        var address = AddressReport()
        (address.addr, address.ipv4addrs, address.gateway) = ("10.0.0.2", ["10.0.0.2/24"], "10.0.0.1")
        capabilities.nics["eth0"] = NICReport(hwaddr: "52:54:00:00:00:01", speed: 1000, address: address)
        capabilities.networks["ovirtmgmt"] = NetworkReport(
            iface: "ovirtmgmt",
            bridged: true,
            southbound: nil,
            ports: [],
            address: address
        )
        let json = try capabilities.result()
        #expect(json["nics"]?["eth0"]?["hwaddr"] == "52:54:00:00:00:01")
        #expect(json["nics"]?["eth0"]?["mtu"] == "1500")
        #expect(json["nics"]?["eth0"]?["addr"] == "10.0.0.2")
        #expect(json["networks"]?["ovirtmgmt"]?["southbound"] == .null)
        #expect(json["kvmEnabled"] == "false")
        #expect(try HostCapabilities(result: json) == capabilities)
    }

    @Test("absent fields keep their defaults, unknown ones are skipped, wrong types are errors")
    func tolerant() throws {
        let some = try HostCapabilities(result: .object(["kvmEnabled": "true", "novel": .integer(1), "uuid": .null]))
        #expect(some.kvmEnabled == "true")
        #expect(some.guestOverhead == "65")
        #expect(throws: RPCError.self) { try HostCapabilities(result: .object(["kvmEnabled": .boolean(true)])) }
        #expect(throws: RPCError.self) { try HostStatistics(result: .array([])) }
    }

    @Test("the engine's mixture of strings and numbers")
    func setupNetworks() throws {
        let text = #"""
            {"networks": {"ovirtmgmt": {"nic": "eth0", "vlan": "12", "mtu": 1500, "bridged": "true", "STP": "no",
             "bootproto": "dhcp", "defaultRoute": true, "custom": null}},
             "bondings": {}, "options": {"connectivityCheck": "true", "connectivityTimeout": 120, "commitOnSuccess": false}}
            """#
        let params = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text))
        let call = try SetupNetworksParameters(params: params)
        #expect(call.networks["ovirtmgmt"]?["vlan"]?.integer == 12)
        #expect(call.networks["ovirtmgmt"]?["mtu"]?.integer == 1500)
        #expect(call.networks["ovirtmgmt"]?["defaultRoute"]?.boolean == true)
        #expect(call.networks["ovirtmgmt"]?["custom"] == nil)
        #expect(call.options.connectivityTimeout == 120)
        #expect(try SetupNetworksParameters(params: call.params) == call)
        let list = JSONValue.array([try #require(params["networks"]), .object([:])])
        #expect(try SetupNetworksParameters(params: list).networks == call.networks)
        #expect(try SetupNetworksParameters(params: list).options.connectivityCheck)
    }

    @Test(arguments: [
        #"{"networks": 1}"#, #"{"networks": {"a": 1}}"#, #"{"options": {"connectivityTimeout": -1}}"#,
        #"{"options": {"connectivityTimeout": 601}}"#, #"{"options": {"connectivityCheck": "maybe"}}"#,
    ])
    func refuses(text: String) throws {
        let params = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: text))
        #expect(throws: RPCError.self) { try SetupNetworksParameters(params: params) }
    }
}
