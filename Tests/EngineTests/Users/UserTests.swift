import HostModel
import Testing

@testable import Engine

@Suite struct UserTests {
    @Test func theAdministratorSignsIn() async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let user = try await engine.authenticate(user: "admin@internal", password: TestInstallation.password)
        #expect(user.name == "admin@internal")
    }

    @Test(arguments: [
        ("admin@internal", "wrong"), ("admin@internal", ""), ("nobody@internal", "correct horse"),
        ("' OR 1=1 --", "correct horse"), ("admin@internal\u{0}", "correct horse"),
    ])
    func othersDoNot(_ name: String, _ password: String) async throws {
        let installation = try await TestInstallation()
        let engine = try await installation.open()
        let refusal = await #expect(throws: EngineError.self) {
            try await engine.authenticate(user: name, password: password)
        }
        #expect(refusal?.kind == .forbidden)
        #expect(refusal?.detail == "The user name or the password is wrong.", "and nobody learns which")
    }

    @Test func guessingGetsSlower() {
        let gate = SignInGate()
        #expect(gate.wait(for: "admin") == .zero)
        var waits: [Duration] = []
        for _ in 0..<8 {
            #expect(gate.enter())
            gate.leave("admin", succeeded: false)
            waits.append(gate.wait(for: "admin"))
        }
        #expect(waits == waits.sorted() && waits[0] > .zero)
        #expect(waits.last == SignInGate.waitMax)
        #expect(gate.wait(for: "somebody else") == .zero)
        #expect(gate.enter())
        gate.leave("admin", succeeded: true)
        #expect(gate.wait(for: "admin") == .zero)
    }

    @Test func onlySoManySignInAtOnce() {
        let gate = SignInGate()
        for _ in 0..<SignInGate.underWayMax { #expect(gate.enter()) }
        #expect(!gate.enter())
        gate.leave("x", succeeded: false)
        #expect(gate.enter())
    }

    @Test func hashesAreSaltedAndSurviveTheirText() async throws {
        let (one, two) = (try await PasswordHash.make("secret"), try await PasswordHash.make("secret"))
        #expect(one != two)
        let read = try #require(PasswordHash(encoded: one.encoded))
        #expect(read == one)
        #expect(try await read.matches("secret"))
        #expect(try await !read.matches("Secret"))
    }

    @Test(arguments: ["", "scrypt", "scrypt$1$2$3$4", "md5$1$2$3$aa$bb", "scrypt$x$8$1$aa$bb", "scrypt$16$8$1$a$bb"])
    func whatIsNoHashIsNone(_ text: String) { #expect(PasswordHash(encoded: text) == nil) }
}
