import NIOCore
import Testing

@testable import AgentWire

@Suite struct StompServerSessionTests {
    private func frame(_ command: StompCommand, _ headers: [String: String] = [:], body: String = "") -> StompFrame {
        StompFrame(command, headers.map { StompHeader($0.key, $0.value) }, body: ByteBuffer(string: body))
    }

    @Test(
        "heart-beats are mirrored and raised to a second",
        arguments: [
            ("0,24000", "24000,0", HeartBeat(canSend: 24000, wants: 0)),
            ("0,15000", "15000,0", HeartBeat(canSend: 15000, wants: 0)),
            ("5,7", "1000,1000", HeartBeat(canSend: 1000, wants: 1000)),
            ("0,0", "0,0", HeartBeat.none),
            ("nonsense", "0,0", HeartBeat.none),
            ("99999999999999999999,1", "0,0", HeartBeat.none),
        ]
    )
    func connects(asked: String, answered: String, agreed: HeartBeat) {
        var session = StompServerSession()
        let actions = session.receive(frame(.connect, ["accept-version": "1.2", "heart-beat": asked]))
        let connected = StompFrame(.connected, [StompHeader("version", "1.2"), StompHeader("heart-beat", answered)])
        #expect(actions == [.send(connected), .agree(agreed)])
    }

    @Test(arguments: [[:], ["accept-version": "1.1"], ["accept-version": "1.1,1.2"]])
    func refusesVersion(headers: [String: String]) {
        var session = StompServerSession()
        #expect(session.receive(frame(.connect, headers)) == [.send(.error("Version unsupported")), .close])
    }

    @Test("SEND and SUBSCRIBE before CONNECT are served; replies go to parents and to every subscription")
    func pipelined() throws {
        var session = StompServerSession()
        let sent = session.receive(
            frame(.send, ["destination": "jms.topic.vdsm_requests.x", "reply-to": "a.b.c"], body: "{}")
        )
        let request = StompRequest(
            destination: .init(rawValue: "jms.topic.vdsm_requests.x"),
            replyTo: .init(rawValue: "a.b.c"),
            body: ByteBuffer(string: "{}")
        )
        #expect(sent == [.request(request), .publish(request)])
        #expect(session.receive(frame(.subscribe, ["id": "1", "destination": "a.b"])).isEmpty)
        #expect(session.receive(frame(.subscribe, ["id": "2", "destination": "a.b.c"])).isEmpty)
        #expect(session.receive(frame(.subscribe, ["id": "3", "destination": "a.bb"])).isEmpty)
        let body = ByteBuffer(string: "true")
        let messages = session.messages(to: request.replyTo, body: body)
        #expect(messages.map { $0["subscription"] } == ["1", "2"])
        #expect(messages.first?["destination"] == "a.b.c")
        #expect(messages.first?["content-type"] == "application/json")
        _ = session.receive(frame(.connect, ["accept-version": "1.2"]))
        _ = session.receive(frame(.unsubscribe, ["id": "1"]))
        #expect(session.messages(to: request.replyTo, body: body).map { $0["subscription"] } == ["2"])
    }

    @Test func refusals() {
        var session = StompServerSession()
        let missing = StompServerSession.Action.send(.error("Missing destination or subscription id header"))
        #expect(session.receive(frame(.subscribe, ["id": "1"])) == [missing])
        #expect(session.receive(frame(.subscribe, ["destination": "a"])) == [missing])
        #expect(session.receive(frame(.subscribe, ["id": "1", "destination": "a"])).isEmpty)
        let twice = session.receive(frame(.subscribe, ["id": "1", "destination": "b"]))
        #expect(twice == [.send(.error("Subscription id already exists"))])
        #expect(session.receive(frame(.init(rawValue: "BEGIN"))) == [.send(.error("Unknown command"))])
    }

    @Test func subscriptionsAreBounded() {
        var session = StompServerSession()
        let answers = (0...StompServerSession.subscriptionsMax).map { index in
            session.receive(frame(.subscribe, ["id": "\(index)", "destination": "a"]))
        }
        #expect(answers.dropLast().allSatisfy { $0.isEmpty })
        #expect(answers.last == [.send(.error("Too many subscriptions"))])
    }

    @Test func disconnects() {
        var session = StompServerSession()
        let receipt = StompFrame(.receipt, [StompHeader("receipt-id", "9")])
        #expect(session.receive(frame(.disconnect, ["receipt": "9"])) == [.send(receipt), .close])
        #expect(session.receive(frame(.disconnect)) == [.close])
    }

    @Test("our client and our server understand each other")
    func together() throws {
        let client = StompClientSession(
            replyTo: .init(rawValue: "r-1"),
            heartBeat: HeartBeat(canSend: 2000, wants: 9000)
        )
        var server = StompServerSession()
        let actions = client.opening().flatMap { server.receive($0) }
        guard case .send(let connected)? = actions.first, case .agree(let agreed) = actions.last else {
            Issue.record("no CONNECTED: \(actions)")
            return
        }
        #expect(agreed == HeartBeat(canSend: 9000, wants: 2000))
        #expect(client.receive(connected) == .connected(HeartBeat(canSend: 2000, wants: 9000)))
        let reply = try #require(server.messages(to: .init(rawValue: "r-1"), body: ByteBuffer(string: "1")).first)
        #expect(client.receive(reply) == .message(destination: .init(rawValue: "r-1"), body: ByteBuffer(string: "1")))
        #expect(client.receive(.error("no")) == .refused("no"))
    }
}

@Suite struct HeartBeatTimersTests {
    @Test func beatsAndDrops() {
        let start = ContinuousClock.now
        var timers = HeartBeatTimers(agreed: HeartBeat(canSend: 1000, wants: 3000), at: start)
        #expect(timers.due(at: start) == .wait(until: start + .seconds(1)))
        #expect(timers.due(at: start + .seconds(1)) == .beat)
        timers.sent(at: start + .seconds(1))
        #expect(timers.due(at: start + .seconds(1)) == .wait(until: start + .seconds(2)))
        #expect(timers.due(at: start + .seconds(6)) == .drop)
        timers.received(at: start + .seconds(5))
        timers.sent(at: start + .seconds(5))
        #expect(timers.due(at: start + .seconds(5.5)) == .wait(until: start + .seconds(6)))
        #expect(HeartBeatTimers(agreed: .none, at: start).due(at: start + .seconds(999)) == .never)
    }
}
