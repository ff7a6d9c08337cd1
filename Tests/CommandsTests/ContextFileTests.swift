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

    @Test("what was written is read, and only its owner may read it")
    func roundTrip() throws {
        try inFolder { folder in
            let file = try ContextFile(option: folder + "/new/config.yaml", environment: [:])
            #expect(try file.read() == nil)
            try file.write(context)
            #expect(try file.read() == context)
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path.string)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            var other = context
            other.token = nil
            try file.write(other)
            #expect(try file.read() == other)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/new") == ["config.yaml"])
        }
    }

    @Test func aTokenThatOthersCanReadIsRefused() throws {
        try inFolder { folder in
            let file = try ContextFile(option: folder + "/config.yaml", environment: [:])
            try file.write(context)
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
            "engine: {a: b}\nuser: u\n",
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
