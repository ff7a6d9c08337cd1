import Engine
import Foundation
import HTTPTypes
import HostModel
import Testing

@testable import EngineAPI

/// Every route through the router with all its middleware, over a real engine.
@Suite struct RouteTests {
    private static let api = APIClient.api
    private static let services = "/ovirt-engine/services"

    @Test func aTokenForAPasswordAndItsEnd() async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            client.token = nil
            let path = "/ovirt-engine/sso/oauth/token"
            let form = "grant_type=password&scope=ovirt-app-api&username=admin%40internal&password="
            let wrong = try await client.send(.post, path, form + "wrong")
            #expect(wrong.status == 401)
            #expect(wrong.body.contains(#""error":"access_denied""#))
            #expect(try await client.send(.post, path, "grant_type=password").status == 400)
            #expect(try await client.send(.post, path, "grant_type=magic&username=a&password=b").status == 400)
            let right = try await client.send(.post, path, form + "correct+horse")
            #expect(right.status == 200)
            #expect(right.headers[.cacheControl] == "no-store")
            struct Token: Decodable { var access_token, exp, token_type: String }
            let token = try right.json(Token.self)
            #expect(token.token_type == "bearer")
            #expect(Int64(token.exp) ?? 0 > Int64(Date().timeIntervalSince1970 * 1000))
            let anonymous = try await client.get(Self.api)
            #expect(anonymous.status == 401)
            #expect(anonymous.headers[.wwwAuthenticate] == "Basic realm=\"ovirt-engine\"")
            client.token = token.access_token
            #expect(try await client.get(Self.api).status == 200)
            #expect(
                try await client.send(.post, "\(Self.services)/sso-logout", "token=\(token.access_token)").status == 200
            )
            #expect(try await client.get(Self.api).status == 401)
        }
    }

    @Test func basicAuthorizationIsServedToo() async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            client.token = nil
            let tries = [("admin@internal:correct horse", 200), ("admin@internal:no", 401), ("x", 401)]
            for (credentials, status) in tries {
                let header: HTTPFields = [.authorization: "Basic \(Data(credentials.utf8).base64EncodedString())"]
                let answer = try await client.send(.get, Self.api, headers: header)
                #expect(answer.status == status, "\(credentials)")
            }
        }
    }

    @Test("who prefers persistent-auth signs in once; its cookie alone is nothing")
    func cookies() async throws {
        try await APIInstallation.run { signedIn in
            var client = signedIn
            client.token = nil
            let prefer = try #require(HTTPField.Name("Prefer"))
            let basic = "Basic \(Data("admin@internal:correct horse".utf8).base64EncodedString())"
            let once: HTTPFields = [.authorization: basic]
            #expect(try await client.send(.get, Self.api, headers: once).headers[.setCookie] == nil)
            let first = try await client.send(
                .get,
                Self.api,
                headers: [.authorization: basic, prefer: "respond-async, persistent-auth"]
            )
            let cookie = try #require(first.headers[.setCookie])
            #expect(cookie.hasPrefix("JSESSIONID=") && cookie.hasSuffix("; Secure; HttpOnly; SameSite=Strict"))
            let pair = String(cookie.prefix { $0 != ";" })
            let wanted: HTTPFields = [prefer: "persistent-auth", .cookie: "a=b; \(pair)"]
            let next = try await client.send(.get, "\(Self.api)/hosts", headers: wanted)
            #expect(next.status == 200 && next.headers[.setCookie] == nil)
            #expect(try await client.send(.get, Self.api, headers: [.cookie: pair]).status == 401)
            let wrong: HTTPFields = [prefer: "persistent-auth", .cookie: "JSESSIONID=t0k3n"]
            #expect(try await client.send(.get, Self.api, headers: wrong).status == 401)
            try await client.engine.endSession(String(pair.dropFirst("JSESSIONID=".count)))
            #expect(try await client.send(.get, Self.api, headers: wanted).status == 401)
        }
    }

    @Test(arguments: [
        "hosts", "events", "networks", "clusters", "datacenters", "bootprofiles", "bootassignments", "bootservices",
        "nodeimages", "rejections",
    ])
    func nothingIsShownToStrangers(_ collection: String) async throws {
        try await APIInstallation.run { signedIn in
            let shown = try await signedIn.get("\(Self.api)/\(collection)")
            #expect(shown.status == 200)
            #expect(try await signedIn.get("\(Self.api)/v4/\(collection)").status == 200)
            var client = signedIn
            for token in [nil, "", "t0k3n"] {
                client.token = token
                #expect(try await client.get("\(Self.api)/\(collection)").status == 401)
            }
        }
    }

    @Test func hostRegisterSpeaksOVirtsProtocol() async throws {
        try await APIInstallation.run { client in
            let path = "\(Self.services)/host-register?version=1&command="
            #expect(try await client.get(path + "get-version").body == "1")
            let authority = try await client.get(path + "get-pki-trust")
            #expect(authority.headers[.contentType] == "application/x-x509-ca-cert")
            #expect(authority.body == client.engine.authorityPEM)
            let key = try await client.get(path + "get-ssh-trust").body
            #expect(key == "\(client.engine.sshPublicKey) ovirt-engine\n")
            for bad in ["", "nonsense", "register", "register&uniqueId=", "register&uniqueId=a&address=h&port=0"] {
                let refusal = try await client.get(path + bad)
                #expect(refusal.status == 400 && refusal.body.hasSuffix("\n"), "\(bad)")
            }
            #expect(try await client.get("\(Self.services)/host-register?version=2&command=get-version").status == 400)
            let ports = [
                ("vdsm-tool", "port=54399", "54399"), ("old", "vdsPort=54388", "54388"), ("plain", "", "54321"),
            ]
            for (name, field, port) in ports {
                let query = "register&uniqueId=\(name)&name=\(name)&address=10.0.0.9&\(field)"
                #expect(try await client.get(path + query).body == "OK\n")
                let found = try await client.get("\(Self.api)/hosts?search=name%3D\(name)").json(HostCollection.self)
                #expect(found.host?.first?.port == port, "\(name)")
                #expect(found.host?.first?.status == "pending_approval")
            }
        }
    }

    @Test func pkiResourceHasThreeFormats() async throws {
        try await APIInstallation.run { client in
            let path = "\(Self.services)/pki-resource?resource="
            #expect(try await client.get(path + "ca-certificate").body == client.engine.authorityPEM)
            let leaf = try await client.get(path + "engine-certificate&format=X509-PEM")
            #expect(leaf.body == client.engine.engineCertificatePEM)
            let key = try await client.get(path + "engine-certificate&format=OPENSSH-PUBKEY&alias=a%20b%0Ac")
            #expect(key.body == "\(client.engine.sshPublicKey) abc\n", "an alias is one word")
            let authority = try await client.get(path + "ca-certificate&format=OPENSSH-PUBKEY").body
            #expect(authority.hasPrefix("ecdsa-sha2-nistp256 "))
            for bad in ["nonsense", "ca-certificate&format=PKCS12", ""] {
                #expect(try await client.get(path + bad).status == 400)
            }
        }
    }

    @Test func approvalNeedsTheCodeOnTheScreen() async throws {
        try await APIInstallation.run { client in
            let node = try await client.enrol(hardwareID: "web")
            let path = "\(Self.api)/hosts/\(node.host)/approve"
            let missing = try await client.send(.post, path, "{}")
            #expect(missing.status == 409)
            #expect(missing.fault?.remedy?.contains("--code CODE") == true)
            let wrong = try await client.send(.post, path, #"{"code":"\#(try Self.wrongCode(not: node.code))"}"#)
            #expect(wrong.status == 409)
            #expect(try await client.send(.post, path, #"{"code":"typing error"}"#).status == 400)
            let xml = try await client.send(.post, path, "<action/>", headers: [.contentType: "application/xml"])
            #expect(xml.status == 409, "the code is missing in XML, too")
            #expect(xml.body.contains("<status>failed</status>") && xml.body.contains("--code CODE"), "\(xml.body)")
            let right = try await client.send(.post, "\(path)?code=\(node.code)")
            #expect(right.status == 200, "\(right.body)")
            #expect(try await client.send(.post, path, #"{"code":"\#(node.code)"}"#).status == 409)
            let polled = try await client.get(node.claim).json(ClaimProgress.self)
            #expect(polled.state == .approved && polled.certificate?.contains("BEGIN CERTIFICATE") == true)
            let events = try await client.get("\(Self.api)/events").json(EventCollection.self).event ?? []
            #expect(events.map(\.code) == ["498", "499", "828"])
            #expect(
                try await client.get("\(Self.api)/events?from=1&max=1").json(EventCollection.self).event?.count == 1
            )
            #expect(try await client.get("\(Self.api)/events?from=x").status == 400)
            #expect(try await client.send(.post, "\(Self.api)/hosts/\(UniqueID.random())/approve", "{}").status == 404)
            #expect(try await client.get("\(Self.api)/hosts/\(node.host)/capabilities").status == 404)
        }
    }

    private static func wrongCode(not code: String) throws -> String {
        let codes = (UInt8.min...UInt8.max).lazy.compactMap { ApprovalCode(digest: [$0, 1, 2, 3, 4]) }
        return "\(try #require(codes.first { "\($0)" != code }))"
    }

    @Test func rejectionsAreListedAndTakenBack() async throws {
        try await APIInstallation.run { client in
            let node = try await client.enrol(hardwareID: "web")
            #expect(try await client.send(.post, "\(Self.api)/hosts/\(node.host)/reject", "{}").status == 200)
            #expect(try await client.get("\(Self.api)/hosts/\(node.host)").status == 404)
            #expect(try await client.get(node.claim).json(ClaimProgress.self).state == .rejected)
            let kept = try await client.get("\(Self.api)/rejections").json(RejectionCollection.self).rejection
            #expect(kept.map(\.name) == ["web"])
            #expect(kept.first?.user?.name == "admin@internal")
            let path = "\(Self.api)/rejections/\(try #require(kept.first).id)"
            #expect(try await client.send(.delete, path).status == 200)
            #expect(try await client.send(.delete, path).status == 404)
            _ = try await client.enrol(hardwareID: "web")
        }
    }

    @Test func anImageIsUploadedInPartsAndPublished() async throws {
        try await APIInstallation.run { client in
            let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            let files = [("kernel", "vmlinuz"), ("initramfs", "initramfs")].map { role, name in
                #"{"role":"\#(role)","name":"\#(name)","size":3,"sha256":"\#(digest)"}"#
            }
            let manifest = #"""
                {"schema":1,"name":"node","version":"v1","architecture":"x86_64","kernelVersion":"6.1",
                "kernelArguments":[],"files":[\#(files.joined(separator: ","))]}
                """#
            let path = "\(Self.api)/nodeimages/node/v1"
            let opened = try await client.send(.put, path, manifest)
            #expect(opened.status == 201, "\(opened.body)")
            func part(_ bytes: String, _ range: String, of file: String = "vmlinuz") async throws -> Int {
                try await client.send(.put, "\(path)/\(file)", bytes, headers: [.contentRange: range]).status
            }
            #expect(try await part("ab", "bytes 0-1/3") < 300)
            #expect(try await client.send(.head, "\(path)/vmlinuz").headers[.contentLength] == "2")
            #expect(try await part("ab", "bytes 0-1/3") == 409)
            #expect(try await client.send(.post, "\(path)/publish").status == 409, "a part is missing")
            #expect(try await part("c", "bytes 2-2/3") < 300)
            #expect(try await part("abc", "bytes 0-2/3", of: "initramfs") < 300)
            #expect(try await client.send(.post, "\(path)/publish").status == 200)
            let list = try await client.get("\(Self.api)/nodeimages").body
            #expect(list.contains(#""published""#))
        }
    }

    @Test func healthAsksTheDatabase() async throws {
        try await APIInstallation.run { client in
            let health = try await client.get("\(Self.services)/health")
            #expect((health.status, health.body) == (200, "DB Up!Welcome to Health Status!"))
            let nothing = try await client.get("/ovirt-engine/api/nonsense")
            #expect(nothing.status == 404 && nothing.fault != nil)
        }
    }
}
