import Glibc
import HostModel
import Testing

@testable import Netlink

@Suite struct FrameBudgetTests {
    @Test("a link that gives too much is not heard until the second is over; others are") func budget() {
        var (budget, now) = (FrameBudget(), ContinuousClock.now)
        for _ in 0..<FrameBudget.framesMax {
            let isAllowed = budget.allows(1, at: now)
            #expect(isAllowed)
            budget.take(1)
        }
        let (flooded, other) = (budget.allows(1, at: now), budget.allows(2, at: now))
        #expect(!flooded && other)
        now += .seconds(1)
        let later = budget.allows(1, at: now)
        #expect(later)
    }
}

@Suite(.enabled(if: getuid() == 0, "needs root")) struct LLDPSocketsTests {
    @Test(
        "frames of links that are not listened on, and to others, are not heard",
        .disabled(if: NamespaceProgram.isInside)
    )
    func inNamespace() async throws {
        let result = try await NamespaceProgram.run(filter: "InsideNeighbourNamespace")
        #expect(result.isSuccess, "\(result.output)")
    }
}

@Suite(.enabled(if: NamespaceProgram.isInside)) struct InsideNeighbourNamespace {
    /// Sends frames of type 0x88cc with one byte each.
    private func send(_ link: String, _ destination: String, _ byte: UInt8, count: Int = 1) async throws {
        let script = """
            from socket import AF_PACKET, SOCK_RAW, socket; from sys import argv
            line = socket(AF_PACKET, SOCK_RAW)
            line.bind((argv[1], 0))
            for _ in range(int(argv[4])): line.send(bytes.fromhex(argv[2] + "020000000001" + "88cc" + argv[3] * 50))
            """
        let word = (byte < 16 ? "0" : "") + String(byte, radix: 16)
        try await NamespaceProgram.command("python3", ["-c", script, link, destination, word, String(count)])
    }

    @Test func frames() async throws {
        for (one, other) in [("nic", "switch"), ("tap", "guest")] {
            try await NamespaceProgram.command("ip", ["link", "add", one, "type", "veth", "peer", "name", other])
            for name in [one, other] { try await NamespaceProgram.command("ip", ["link", "set", name, "up"]) }
        }
        let nic = Int32(bitPattern: if_nametoindex("nic"))
        var sockets = LLDPSockets()
        try sockets.listen(on: [nic, 9999])
        #expect(sockets.links == [nic])
        let (group, others) = ("0180c200000e", "0180c2000003")
        try await send("guest", group, 1, count: 5)
        try await send("switch", others, 2)
        try await send("switch", "ffffffffffff", 3)
        try await send("switch", group, 4)
        var heard: [(Int32, UInt8)] = []
        for _ in 0..<8 {
            if let (link, payload) = sockets.receive(milliseconds: 0) { heard.append((link, payload[0])) }
        }
        #expect(heard.map(\.0) == [nic] && heard.map(\.1) == [4], "\(heard)")
        try sockets.listen(on: [])
        #expect(sockets.links == [])
    }
}
