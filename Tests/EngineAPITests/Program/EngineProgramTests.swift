import Foundation
import Glibc
import Testing

/// `muster-engine` as people and systemd start it.
@Suite(.serialized) struct EngineProgramTests {
    @Test("init prints the password once and the CA's fingerprint; a second one changes nothing")
    func initialize() async throws {
        try await EnginePrograms.run { place in
            let made = try await place.initialize()
            #expect(made.exit == 0, "\(made.errors)")
            #expect(made.output.contains("password (shown only now): "))
            let fingerprint = try await place.engine("fingerprint", "--data-directory", place.data).output
            #expect(fingerprint.count == 65 && made.output.contains(fingerprint))
            let again = try await place.initialize()
            #expect(again.exit == 78)
            #expect(again.errors.contains("There is an installation"))
            #expect(try await place.engine("fingerprint", "--data-directory", place.data).output == fingerprint)
            let nothing = try await place.engine("fingerprint", "--data-directory", place.directory)
            #expect(nothing.exit == 78 && nothing.errors.contains("muster-engine init"))
        }
    }

    @Test("a password from a file is not printed; one that is too short is refused before anything is made")
    func passwordFile() async throws {
        try await EnginePrograms.run { place in
            let file = "\(place.directory)/password"
            try Data("short\n".utf8).write(to: URL(fileURLWithPath: file))
            #expect(try await place.initialize("--admin-password-file", file).exit == 78)
            #expect(!FileManager.default.fileExists(atPath: place.data))
            try Data("long enough\nand more\n".utf8).write(to: URL(fileURLWithPath: file))
            let made = try await place.initialize("--admin-password-file", file)
            #expect(made.exit == 0, "\(made.errors)")
            #expect(!made.output.contains("long enough") && !made.output.contains("password"))
        }
    }

    @Test("serve drops root, says when a port is taken, starts a killed engine again, and its sessions go on")
    func serve() async throws {
        try await EnginePrograms.run { place in
            let file = "\(place.directory)/password"
            try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: file))
            #expect(try await place.initialize("--admin-password-file", file).exit == 0)
            try await place.serving { pid, next in
                try await next("ready: https=127.0.0.1:8443")
                let child = try #require(EnginePrograms.children(of: pid).first)
                #expect(child.user != 0, "who faces the network is not root")
                let taken = try await place.serveAgain()
                #expect(taken.exit != 0 && !taken.errors.isEmpty)
                let form = "grant_type=password&username=admin%40internal&password=correct%20horse"
                let answer = try await place.curl("/ovirt-engine/sso/oauth/token", "--data", form)
                struct Token: Decodable { var access_token: String }
                let token = try JSONDecoder().decode(Token.self, from: Data(answer.body.utf8)).access_token
                kill(child.pid, SIGKILL)
                try await next("fell")
                try await next("ready: ")
                let bearer = ["--header", "Authorization: Bearer \(token)"]
                #expect(try await place.curl("/ovirt-engine/api", bearer[0], bearer[1]).status == 200)
                #expect(try await place.curl("/ovirt-engine/api").status == 401)
            }
        }
    }

    @Test("simulate says so, and ends, when its agents' port is taken") func takenPort() async throws {
        try await EnginePrograms.run { place in
            let words = ["simulate", "--hosts", "1", "--engine", "127.0.0.1:1", "--port", "5999"]
            let first = place.within([EnginePrograms.program] + words + ["--report-every", "1"])
            try await place.running(first) { _, next in
                _ = try await next("\"fleet\"")
                let second = try await place.inside([EnginePrograms.program] + words)
                #expect(second.exit == 1 && second.errors.contains("port 5999 is taken"), "\(second)")
            }
        }
    }
}
