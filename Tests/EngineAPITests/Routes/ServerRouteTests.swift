import Engine
import Foundation
import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// `POST hosts` and what goes with it, as far as no server is needed; packaging/convert/try has the rest.
@Suite struct ServerRouteTests {
    private static let hosts = "\(APIClient.api)/hosts"

    @Test(
        "what makes no sense is refused with its name and a remedy",
        arguments: [
            (#"{"name":"a_b","address":"192.0.2.1","root_password":"x"}"#, 400, "host name"),
            (#"{"name":"a","address":"192.0.2.1"}"#, 400, "no way to sign in"),
            (#"{"name":"a","address":"192.0.2.1","root_password":""}"#, 400, "password is empty"),
            (#"{"name":"a","address":"192.0.2.1","ssh":{"authentication_method":"oracle"}}"#, 400, "oracle"),
            (#"{"name":"a","address":"192.0.2.1","root_password":"x","ssh":{"port":"70000"}}"#, 400, "ssh.port"),
            (#"{"name":"a","address":"192.0.2.1","root_password":"x","ssh":{"port":"x"}}"#, 400, "expected a number"),
            (#"{"name":"a","address":"192.0.2.1","root_password":"x","ssh":{"fingerprint":"aa:bb"}}"#, 400, "MD5"),
            (#"{"name":"a","address":"192.0.2.1","root_password":"x","ssh":{"public_key":"nonsense"}}"#, 400, "no key"),
            (#"{"name":"a","address":"$(reboot)","root_password":"x"}"#, 400, "no host name and no IP address"),
            (#"{"name":"a","address":"192.0.2.1","root_password":"x","cluster":{"name":"none"}}"#, 404, "Default"),
            (#"{"name":"a","address":"192.0.2.1","root_password":"x","muster":{"repository":"ftp://x"}}"#, 400, "URL"),
            (#"{"address":"192.0.2.1","root_password":"x"}"#, 400, "name"),
        ]
    )
    func refuses(body: String, status: Int, words: String) async throws {
        try await APIInstallation.run { client in
            let answer = try await client.send(.post, Self.hosts, body)
            let fault = try #require(answer.fault, "\(answer.body)")
            #expect(answer.status == status && fault.remedy?.isEmpty == false)
            #expect("\(fault.detail) \(fault.remedy ?? "")".contains(words), "\(fault)")
            #expect(try await client.get(Self.hosts).json(HostCollection.self).host?.isEmpty ?? true)
        }
    }

    @Test("what the engine knows itself is said without asking the server, and nothing is stored")
    func dryRun() async throws {
        try await APIInstallation.run { client in
            // Nobody answers there; who is asked would be told so.
            let good = #"{"name":"kvm-8","address":"127.0.0.1","ssh":{"port":1,"authentication_method":"publickey"}}"#
            let path = "\(Self.hosts)?dry_run=true"
            #expect(try await client.send(.post, path, good).status == 204)
            let typo = good.replacing(#""address""#, with: #""cluster":{"name":"Defualt"},"address""#)
            let refused = try await client.send(.post, path, typo)
            #expect(refused.status == 404 && refused.fault?.detail.contains("Defualt") == true, "\(refused.body)")
            let jump = good.replacing(#""address""#, with: #""muster":{"jump":{"address":"-x"}},"address""#)
            #expect(try await client.send(.post, path, jump).status == 400)
            let print = #""muster":{"jump":{"address":"127.0.0.1","fingerprint":"aa:bb"}},"address""#
            let odd = try await client.send(.post, path, good.replacing(#""address""#, with: print))
            #expect(odd.status == 400 && odd.fault?.detail.contains("jump.fingerprint") == true, "\(odd.body)")
            #expect(try await client.get(Self.hosts).json(HostCollection.self).host?.isEmpty ?? true)
        }
    }

    @Test("a look refuses what a conversion would, says that nobody answers, and stores nothing")
    func preflight() async throws {
        try await APIInstallation.run { client in
            let path = "\(Self.hosts)/preflight"
            let good = #"{"name":"kvm-8","address":"127.0.0.1","root_password":"x","ssh":{"port":1}}"#
            let cases: [(String, Int, String)] = [
                (good.replacing("kvm-8", with: "a_b"), 400, "host name"),
                (good.replacing(#""x""#, with: #""""#), 400, "password is empty"),
                (good.replacing(#""address""#, with: #""cluster":{"name":"none"},"address""#), 404, "Default"),
                (good.replacing("}}", with: #","fingerprint":"aa:bb"}}"#), 400, "MD5"),
                (good, 409, "127.0.0.1"),
                (
                    good.replacing("}}", with: #"},"muster":{"jump":{"address":"localhost","port":1}}}"#), 409,
                    "ocalhost port 1"
                ),
                (
                    #"{"name":"a","address":"","muster":{"arrival":{"mac":"52:54:00:00:00:01","board":{"type":"ipmilan"}}}}"#,
                    400, "announcement"
                ),
            ]
            for (body, status, words) in cases {
                let answer = try await client.send(.post, path, body)
                let fault = try #require(answer.fault, "\(body): \(answer.body)")
                #expect(answer.status == status && fault.remedy?.isEmpty == false, "\(answer.body)")
                #expect("\(fault.detail) \(fault.remedy ?? "")".contains(words), "\(body): \(fault)")
            }
            #expect(try await client.get(Self.hosts).json(HostCollection.self).host?.isEmpty ?? true)
        }
    }

    @Test("what was chosen holds on unless it is said anew; that a failure is taken back is said each time")
    func choicesHold() {
        var known = ConversionOptions()
        (known.repository, known.needsVirtualization, known.undoesFailure) = ("https://x/deb", false, true)
        var choices = ConversionChoices()
        choices.mayReboot = false
        let options = choices.applied(to: known)
        #expect(options.repository == "https://x/deb" && !options.needsVirtualization)
        #expect(!options.mayReboot && !options.undoesFailure)
        choices.undoesFailure = true
        #expect(choices.applied(to: known).undoesFailure)
    }

    @Test("a server that is not there is 409 with a sentence, and no host is stored")
    func unreachable() async throws {
        try await APIInstallation.run { client in
            // oVirt's clients write numbers as strings or as numbers, and members that are not needed here.
            let body = #"""
                {"name":"kvm-8","address":"127.0.0.1","port":54321,"comment":"","override_iptables":"true",
                 "ssh":{"port":"1","authentication_method":"password","user":{"user_name":"root","password":"secret"}}}
                """#
            let answer = try await client.send(.post, Self.hosts, body)
            #expect(answer.status == 409, "\(answer.body)")
            #expect(answer.fault?.detail.contains("refused the connection") == true, "\(answer.body)")
            #expect(!answer.body.contains("secret"))
            #expect(try await client.get(Self.hosts).json(HostCollection.self).host?.isEmpty ?? true)
        }
    }

    @Test("a booted node has no server to work on; an unknown job has no transcript")
    func otherHosts() async throws {
        try await APIInstallation.run { client in
            let node = try await client.enrol(hardwareID: "11111111-2222-3333-4444-555555555555")
            for action in ["install", "uninstall"] {
                let answer = try await client.send(.post, "\(Self.hosts)/\(node.host)/\(action)", "{}")
                #expect(answer.status == 409, "\(answer.body)")
                #expect(answer.fault?.detail.contains("not converted") == true, "\(answer.body)")
            }
            let none = try await client.get("\(APIClient.api)/jobs/\(UniqueID.random())/transcript")
            #expect(none.status == 404)
        }
    }

    @Test("packages of the engine are served to anybody, and nothing else of its data is")
    func packages() async throws {
        try await APIInstallation.run { client in
            let folder = "\(client.engine.packageDirectory)/deb"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("Package: x\n".utf8).write(to: URL(filePath: "\(folder)/Packages"))
            var stranger = client
            stranger.token = nil
            let path = EngineSettings.packagesPath
            let answer = try await stranger.get("\(path)/deb/Packages")
            #expect(answer.status == 200 && answer.body == "Package: x\n")
            for other in ["/../engine.db", "/%2e%2e/engine.db", "/deb", "/deb/none", "/..%2fpki%2fca.key"] {
                #expect([301, 400, 404].contains(try await stranger.get(path + other).status), "\(other)")
            }
        }
    }

    @Test func credentialsAreNeverShown() {
        let credentials = ServerCredentials.password("secret", sudo: "other")
        #expect("\(credentials)" == "a password" && !String(reflecting: credentials).contains("secret"))
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!dumped.contains("secret"))
    }
}
