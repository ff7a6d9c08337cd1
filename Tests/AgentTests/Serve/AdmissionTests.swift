import NIOCore
import Testing

@testable import Agent

@Suite struct AdmissionTests {
    @Test("a full pool gives up its oldest, of the same source first")
    func pool() {
        var pool = ConnectionPool<String>(limit: 4, perSource: 2)
        #expect([(1, "a"), (2, "b"), (3, "a"), (4, "c")].map { pool.admit($0.0, from: $0.1) } == [nil, nil, nil, nil])
        #expect(pool.admit(5, from: "a") == 1)
        #expect(pool.admit(6, from: "d") == 3, "the oldest of whoever has most")
        #expect(pool.count == 4)
        #expect(pool.remove(2) && !pool.remove(2) && !pool.remove(1))
        #expect(pool.admit(7, from: "e") == nil)
    }

    @Test("strangers from many addresses push each other out, and not the engine with its one connection")
    func flood() {
        var pool = ConnectionPool<String>(limit: 8, perSource: 4)
        #expect(pool.admit(0, from: "engine") == nil)
        for id in 1...100 { #expect(pool.admit(id, from: "stranger \(id % 5)") != 0) }
        #expect(pool.count == 8 && pool.remove(0))
    }

    @Test("who says nothing pushes the silent out, and not the engine at the same address, which speaks at once")
    func silence() {
        var pool = ConnectionPool<String>(limit: 64, perSource: 4)
        #expect(pool.admit(0, from: "engine") == nil)
        pool.spoke(0)
        for id in 1...100 { #expect(pool.admit(id, from: "engine") != 0) }
        #expect(pool.count == 4 && pool.remove(0))
        for id in 101...104 {
            _ = pool.admit(id, from: "engine")
            pool.spoke(id)
        }
        #expect(pool.admit(105, from: "engine") == 101, "of those that all speak the oldest goes")
    }

    @Test("a source is an IPv4 address, or an IPv6 network of 64 bits")
    func source() throws {
        func source(_ text: String) throws -> String {
            Admission.source(try SocketAddress(ipAddress: text, port: 1))
        }
        #expect(try source("10.0.0.1") != source("10.0.0.2"))
        #expect(try source("::ffff:10.0.0.1") != source("::ffff:10.0.0.2"))
        #expect(try source("2001:db8::1") == source("2001:db8::ffff:2"))
        #expect(try source("2001:db8:0:1::1") != source("2001:db8::1"))
    }
}

@Suite struct LineAllowanceTests {
    private typealias Verdict = LineAllowance.Verdict

    @Test("a few lines a minute for each source; the next one says how many were left out")
    func perSource() {
        var allowance = LineAllowance()
        let first = (0..<6).map { _ in allowance.take("a", at: 0) }
        #expect(
            first == Array(repeating: Verdict.pass(suppressed: 0), count: 3) + Array(repeating: .suppress, count: 3)
        )
        #expect(allowance.take("b", at: 1) == .pass(suppressed: 0))
        #expect(allowance.take("a", at: 59) == .suppress)
        #expect(allowance.take("a", at: 60) == .pass(suppressed: 4))
        #expect(allowance.take("a", at: 61) == .pass(suppressed: 0))
    }

    @Test("any number of sources write a bounded number of lines")
    func manySources() {
        var allowance = LineAllowance()
        let passed = (0..<100_000).count { allowance.take("\($0)", at: 5) != .suppress }
        #expect(passed == LineAllowance.sourcesMax + LineAllowance.linesPerWindow)
        #expect(allowance.take("new", at: 65) == .pass(suppressed: 0), "old sources made room")
    }
}
