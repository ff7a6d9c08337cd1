import Testing

@testable import muster_engine

@Suite struct SettingsTests {
    @Test func flagsBeatTheEnvironmentBeatsTheFileBeatsTheDefaults() throws {
        let settings = try Settings(
            flags: [.dataDirectory: "/flag"],
            environment: [
                "MUSTER_ENGINE_DATA_DIRECTORY": "/environment", "MUSTER_ENGINE_HTTPS_PORT": "1443", "PATH": "/",
            ],
            file: [.dataDirectory: "/file", .httpsPort: "2443", .listen: "192.0.2.1"]
        )
        #expect(settings.entries[.dataDirectory] == .init(text: "/flag", origin: .flag))
        #expect(settings.entries[.httpsPort] == .init(text: "1443", origin: .environment))
        #expect(settings.entries[.listen] == .init(text: "192.0.2.1", origin: .file))
        #expect(settings.entries[.user] == .init(text: "muster", origin: .default))
        #expect(settings.entries[.bootPool] == nil)
    }

    @Test func anUnknownVariableOfOursIsAnError() {
        #expect(throws: StartFailure.self) {
            try Settings(flags: [:], environment: ["MUSTER_ENGINE_DATADIRECTORY": "/x"], file: [:])
        }
    }

    @Test func theListingIsASettingsFileAgain() throws {
        let settings = try Settings(flags: [.bootPool: "10.0.0.1-10.0.0.9"], environment: [:], file: [:])
        let read = try SettingsFile.parse(settings.listing, path: "listing")
        #expect(read[.bootPool] == "10.0.0.1-10.0.0.9")
        #expect(read[.httpsPort] == "443")
        #expect(read[.address] == nil)
    }

    @Test(arguments: [
        ("address: a\nadress: b\n", "f:2: unknown key \"adress\"."), ("- a\n", "f:1: expected lines of KEY: VALUE."),
        ("address: [a]\n", "f:1: address takes one value."), ("address: \"a\n", "f:"),
        ("address: a\naddress: b\n", "f"),
    ])
    func aFileThatIsNotUnderstoodNamesTheLine(_ text: String, _ beginning: String) {
        do throws(StartFailure) {
            let read = try SettingsFile.parse(text, path: "f")
            Issue.record("read \(read)")
        } catch {
            #expect(error.detail.hasPrefix(beginning))
            #expect(error.status == .configuration)
        }
    }

    @Test(arguments: ["", "# nothing\n", "address: engine.example.org\n"]) func readsAFile(_ text: String) throws {
        let read = try SettingsFile.parse(text, path: "f")
        #expect(read.count == (text.hasPrefix("address") ? 1 : 0))
    }

    @Test(
        arguments: [
            [.httpsPort: "70000"], [.httpsPort: "https"], [.dataDirectory: "relative"], [.logLevel: "loud"],
            [.boot: "remote"],
            [.bootInterface: "eth0"], [.bootInterface: "eth0", .bootAddress: "10.0.0.1"],
        ] as [[Setting: String]]
    )
    func refusesWhatMakesNoSense(_ flags: [Setting: String]) throws {
        let settings = try Settings(flags: flags, environment: [:], file: [:])
        #expect(throws: StartFailure.self) { try ServeConfiguration(settings) }
    }

    @Test func bootSettingsBecomeFlagsOfTheBootProgram() throws {
        let flags: [Setting: String] = [
            .bootInterface: "br0", .bootAddress: "10.77.0.1/24", .bootPool: "10.77.0.100-10.77.0.199",
            .httpPort: "8080",
            .bootDNS: "10.77.0.2,10.77.0.3", .dataDirectory: "/srv/muster//", .runtimeDirectory: "/run/m",
        ]
        let configuration = try ServeConfiguration(Settings(flags: flags, environment: [:], file: [:]))
        let account = try Account("64701", setting: .bootUser)
        let program = try #require(configuration.bootProgram(beside: "/usr/bin/muster-engine", account: account))
        #expect(program.path == "/usr/bin/muster-boot")
        #expect(
            program.arguments == [
                "--interface=br0", "--address=10.77.0.1/24", "--http-port=8080", "--directory-socket=/run/m/boot.sock",
                "--image-directory=/srv/muster/images", "--state-directory=/srv/muster/boot",
                "--log-format=text",
                "--pool=10.77.0.100-10.77.0.199", "--dns=10.77.0.2", "--dns=10.77.0.3",
            ]
        )
    }

    @Test func withHTTPSTheBootProgramIsToldWhereItsCertificateIs() throws {
        let flags: [Setting: String] = [
            .bootInterface: "br0", .bootAddress: "10.77.0.1/24", .runtimeDirectory: "/run/m", .bootHTTPSPort: "8443",
            .bootHTTPRate: "50M",
        ]
        let configuration = try ServeConfiguration(Settings(flags: flags, environment: [:], file: [:]))
        let account = try Account("64701", setting: .bootUser)
        let program = try #require(configuration.bootProgram(beside: "/usr/bin/muster-engine", account: account))
        let words = [
            "--https-port=8443", "--tls-certificate=/run/m/boot-tls.pem", "--tls-key=/run/m/boot-tls.pem",
            "--http-rate=50M",
        ]
        #expect(words.allSatisfy(program.arguments.contains), "\(program.arguments)")
    }

    @Test func withoutAnInterfaceThereAreNoBootServices() throws {
        #expect(try ServeConfiguration(Settings(flags: [:], environment: [:], file: [:])).boot == nil)
        let none: [Setting: String] = [.boot: "none", .bootInterface: "br0", .bootAddress: "10.0.0.1/24"]
        #expect(try ServeConfiguration(Settings(flags: none, environment: [:], file: [:])).boot == nil)
    }
}
