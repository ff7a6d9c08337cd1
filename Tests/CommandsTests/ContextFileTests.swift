import Foundation
import SystemPackage
import Testing

@testable import Commands

@Suite struct ContextFileTests {
    private let context = EngineContext(
        engine: "https://10.77.0.1",
        user: "admin@internal",
        authority: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
        token: "t: #0"
    )

    /// Runs a test in a folder of its own.
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "muster-context-\(getpid())-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test(
        "the option beats MUSTER_CONFIG, that beats XDG_CONFIG_HOME, that beats HOME",
        arguments: [
            ("/o", ["MUSTER_CONFIG": "/m", "XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/o"),
            (nil, ["MUSTER_CONFIG": "/m", "XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/m"),
            (nil, ["MUSTER_CONFIG": "", "XDG_CONFIG_HOME": "/x", "HOME": "/h"], "/x/muster/config.yaml"),
            (nil, ["XDG_CONFIG_HOME": "", "HOME": "/h"], "/h/.config/muster/config.yaml"),
        ] as [(String?, [String: String], String)]
    )
    func precedence(option: String?, environment: [String: String], path: String) throws {
        #expect(try ContextFile(option: option, environment: environment).path.string == path)
    }

    @Test func withoutAHomeItSaysSo() {
        #expect { try ContextFile(option: nil, environment: [:]) } throws: {
            ($0 as? UserError)?.exit == .configuration
        }
    }

    private func write(_ context: EngineContext, as name: String = "one", to file: ContextFile) throws {
        try file.update { book in
            book.contexts[name] = context
            book.current = name
        }
    }

    @Test("what was written is read, and only its owner may read it")
    func roundTrip() throws {
        try inFolder { folder in
            let file = try ContextFile(option: folder + "/new/config.yaml", environment: [:])
            #expect(try file.read() == ContextBook())
            try write(context, to: file)
            #expect(try file.read() == ContextBook(current: "one", contexts: ["one": context]))
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path.string)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            var other = context
            other.token = nil
            try write(other, as: "1.two", to: file)
            #expect(try file.read() == ContextBook(current: "1.two", contexts: ["one": context, "1.two": other]))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/new") == ["config.yaml"])
        }
    }

    @Test("the file of a time when there was one context is that context, and becomes one of several")
    func earlierForm() throws {
        try inFolder { folder in
            let path = folder + "/config.yaml"
            let text = Data("engine: https://lab.example:8443\nuser: u@internal\ntoken: t\n".utf8)
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
            #expect(FileManager.default.createFile(atPath: path, contents: text, attributes: attributes))
            let file = try ContextFile(option: path, environment: [:])
            let earlier = EngineContext(engine: "https://lab.example:8443", user: "u@internal", token: "t")
            #expect(
                try file.read() == ContextBook(current: "lab.example-8443", contexts: ["lab.example-8443": earlier])
            )
            try write(context, to: file)
            #expect(try file.read().contexts == ["one": context, "lab.example-8443": earlier])
        }
    }

    @Test("a change loses nothing that others write meanwhile")
    func manyWriters() async throws {
        let folder = NSTemporaryDirectory() + "muster-context-\(getpid())-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try ContextFile(option: folder + "/config.yaml", environment: [:])
        let context = context
        await withThrowingTaskGroup { group in
            for number in 0..<24 {
                group.addTask { try file.update { $0.contexts["n\(number)"] = context } }
            }
        }
        #expect(try file.read().contexts.count == 24)
    }

    @Test(
        "the context that is meant",
        arguments: [
            (nil, "one", "one"), ("two", "one", "two"), ("three", "one", nil), (nil, "gone", nil), (nil, nil, nil),
        ] as [(String?, String?, String?)]
    )
    func choice(chosen: String?, current: String?, expected: String?) {
        let book = ContextBook(current: current, contexts: ["one": context, "two": context])
        let found = Result { () throws(UserError) in try book.name(chosen) }
        switch found {
        case .success(let name): #expect(name == expected)
        case .failure(let error): #expect(expected == nil && error.exit == .configuration)
        }
    }

    @Test func whoHasNoContextIsNotLoggedIn() {
        #expect { try ContextBook().context(nil) } throws: { ($0 as? UserError)?.exit == .noPermission }
    }

    @Test("a login renews the context of its engine, or makes one that is called after the engine")
    func namesOfLogins() {
        var second = context
        second.engine = "https://b.example"
        let book = ContextBook(current: "b2", contexts: ["a": context, "b": second, "b2": second])
        #expect(Login.name(of: context, chosen: nil, in: book) == "a")
        #expect(Login.name(of: second, chosen: nil, in: book) == "b2")
        #expect(Login.name(of: second, chosen: "x", in: book) == "x")
        #expect(Login.name(of: second, chosen: nil, in: ContextBook()) == "b.example")
        second.engine = "https://[fd00::1]:8443"
        #expect(ContextBook.isName(Login.name(of: second, chosen: nil, in: ContextBook())))
    }

    @Test func aTokenThatOthersCanReadIsRefused() throws {
        try inFolder { folder in
            let file = try ContextFile(option: folder + "/config.yaml", environment: [:])
            try write(context, to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path.string)
            #expect { try file.read() } throws: { error in
                guard let error = error as? UserError else { return false }
                return error.exit == .configuration && error.remedy.hasPrefix("chmod 600 ")
            }
        }
    }

    @Test(
        "an unusable file is a configuration error",
        arguments: [
            "", "[]", "just text", "engine: [", "engine: https://e\nuser: u\ntokne: t\n", "engine: 3\n", "user: u\n",
            "engine: {a: b}\nuser: u\n", "current-context: a\ncontexts: {a: {engine: 3}}\n",
            "contexts: {\"a b\": {engine: https://e, user: u}}\n",
            "contexts: {a: {engine: https://e, user: u, x: y}}\n",
        ]
    )
    func unusable(text: String) throws {
        try inFolder { folder in
            let path = folder + "/config.yaml"
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
            #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: attributes))
            let file = try ContextFile(option: path, environment: [:])
            #expect { try file.read() } throws: { ($0 as? UserError)?.exit == .configuration }
        }
    }

    @Test func anUnknownKeyIsNamed() throws {
        try inFolder { folder in
            let path = folder + "/config.yaml"
            let text = Data("engine: https://e\nuser: u\n\"to\\eken\": t\n".utf8)
            #expect(
                FileManager.default.createFile(atPath: path, contents: text, attributes: [.posixPermissions: 0o600])
            )
            let file = try ContextFile(option: path, environment: [:])
            #expect { try file.read() } throws: { "\($0)".contains(#"unknown key: to\u{1b}ken"#) }
        }
    }
}
