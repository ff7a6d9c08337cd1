// swift-tools-version: 6.2
import PackageDescription

// The floors of the house, from the cellar up (docs/architecture.md, section 2). A target may depend only on targets
// above it in this file; `make check` compares the imports with this list.

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

func room(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// What the tests of several rooms need.
func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
    name: "muster",
    products: [
        .executable(name: "muster", targets: ["muster"]),
        .executable(name: "muster-engine", targets: ["muster-engine"]),
        .executable(name: "muster-boot", targets: ["muster-boot"]),
        .executable(name: "muster-agent", targets: ["muster-agent"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // Cellar: one C library each.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(
            name: "CNetlink",
            pkgConfig: "libnl-route-3.0",
            providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]
        ),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CDeviceMapper"),
        .systemLibrary(name: "CSockets"),
        // No pkgConfig: it would link what is opened at run time. Its headers are in the compiler's own path.
        .systemLibrary(name: "CLibvirt", providers: [.apt(["libvirt-dev"])]),

        // Ground floor: values, codecs, plans. No sockets, files or clocks.
        room("HostModel", []),
        room("BootWire", ["HostModel", nioCore]),
        room("AgentWire", ["HostModel", nioCore]),
        room("Recipes", ["HostModel"]),
        room("XMLWire", []),

        // First floor: one kind of I/O each.
        room("Archive", ["CArchive", systemPackage]),
        room("Netlink", ["CNetlink", "HostModel"]),
        room("Signing", ["COpenSSL", systemPackage]),
        room("Virtualization", ["CLibvirt"]),
        room("BlockDevices", ["CDeviceMapper", "HostModel", systemPackage]),
        room("EngineClient", ["HostModel", nioCore, nioPosix, nioHTTP1, nioSSL, x509, crypto, asn1]),
        room("LogLines", ["HostModel", logging]),
        room(
            "BootServer",
            [
                "CSockets", "HostModel", "BootWire", "Recipes", "EngineClient", nioCore, nioPosix, nioHTTP1, nioTLS,
                nioSSL, x509, crypto, asn1, logging, lifecycle,
            ]
        ),
        room(
            "ImageBuilder",
            ["HostModel", "Recipes", "Archive", "Signing", subprocess, systemPackage, crypto, yams]
        ),

        room("HostConversion", ["HostModel", subprocess, systemPackage]),
        room("Fencing", ["HostModel", "AgentWire", nioCore, subprocess, systemPackage, logging]),

        // Top floor: decisions over state.
        room(
            "Engine",
            [
                "HostModel", "AgentWire", "Recipes", "BootServer", "HostConversion", "Fencing", nioCore, nioPosix,
                nioSSL, x509, crypto,
                cryptoExtras,
                asn1, grdb, logging, lifecycle, subprocess, systemPackage,
            ]
        ),
        room(
            "EngineAPI",
            [
                "HostModel", "AgentWire", "XMLWire", "BootServer", "HostConversion", "Engine", hummingbird,
                hummingbirdTLS, nioCore, nioHTTP1,
                nioSSL, crypto,
                logging, lifecycle,
            ],
            // The console is in the program: nothing has to be found where it is installed.
            resources: [.embedInCode("Console/Files")]
        ),
        room(
            "Agent",
            [
                "HostModel", "AgentWire", "Netlink", "Virtualization", "BlockDevices", "EngineClient", "Fencing",
                nioCore,
                nioPosix, nioHTTP1,
                nioTLS,
                nioSSL, x509, crypto, asn1, logging, lifecycle, subprocess, systemPackage,
            ]
        ),
        room(
            "Commands",
            [
                "HostModel", "Archive", "Signing", "EngineClient", "ImageBuilder", "HostConversion", argumentParser,
                nioCore, subprocess, systemPackage, yams,
            ]
        ),

        room(
            "Simulation",
            [
                "HostModel", "AgentWire", "EngineClient", nioCore, nioPosix, nioSSL, x509, crypto, asn1,
            ]
        ),

        // Roof: wiring only.
        program("muster", ["Commands", argumentParser]),
        program(
            "muster-engine",
            [
                "Engine", "EngineAPI", "EngineClient", "LogLines", "Simulation", "HostModel", argumentParser, logging,
                lifecycle,
                signals, subprocess,
                systemPackage, yams,
            ]
        ),
        program(
            "muster-boot",
            [
                "BootServer", "EngineClient", "HostModel", "LogLines", "Recipes", argumentParser, logging, lifecycle,
            ]
        ),
        program(
            "muster-agent",
            ["Agent", "BlockDevices", "HostModel", argumentParser, logging, lifecycle, signals, systemPackage]
        ),

        support("TestServers", [nioCore, nioPosix, nioHTTP1, nioSSL, x509, asn1, crypto]),
        support(
            "Fuzzing",
            [
                "HostModel", "AgentWire", "XMLWire", "Netlink", "BootWire", "BootServer", "Recipes", nioCore,
                nioEmbedded, nioHTTP1,
            ]
        ),

        tests("HostModelTests", ["HostModel"]),
        tests("BootWireTests", ["BootWire", "HostModel", nioCore]),
        tests("AgentWireTests", ["AgentWire", "HostModel", nioCore]),
        tests("XMLWireTests", ["XMLWire", "HostModel"]),
        tests(
            "RecipesTests",
            ["Recipes", "HostModel", subprocess, systemPackage],
            exclude: ["Goldens", "kickstart-sandbox"]
        ),
        tests("ArchiveTests", ["Archive", subprocess, systemPackage]),
        tests("NetlinkTests", ["Netlink", "HostModel", subprocess]),
        tests("VirtualizationTests", ["Virtualization", systemPackage], exclude: ["Captured"]),
        tests("SimulationTests", ["Simulation", "AgentWire", "HostModel"]),
        tests("SigningTests", ["Signing", subprocess, systemPackage]),
        tests("BlockDevicesTests", ["BlockDevices", "HostModel", subprocess, systemPackage]),
        tests(
            "EngineClientTests",
            ["EngineClient", "HostModel", "TestServers", nioCore, nioHTTP1, nioSSL, x509]
        ),
        tests(
            "BootServerTests",
            [
                "BootServer", "BootWire", "Recipes", "EngineClient", "HostModel", nioCore, nioPosix, nioHTTP1,
                nioEmbedded, nioSSL, crypto, subprocess, logging,
            ],
            exclude: ["Clients/storm.py"]
        ),
        tests(
            "ImageBuilderTests",
            ["ImageBuilder", "Archive", "Signing", "HostModel", subprocess, systemPackage],
            exclude: ["check-spdx.py"]
        ),
        tests(
            "HostConversionTests",
            ["HostConversion", "HostModel", "Engine", logging, subprocess, systemPackage]
        ),
        tests(
            "EngineTests",
            [
                "Engine", "AgentWire", "BootServer", "Fencing", "HostConversion", "HostModel", nioCore, nioPosix,
                nioSSL, x509, crypto, asn1, grdb, logging,
            ],
            exclude: ["Store/schema-history.txt"]
        ),
        tests(
            "EngineAPITests",
            [
                "EngineAPI", "Engine", "EngineClient", "BootServer", "AgentWire", "HostModel", "LogLines", "XMLWire",
                "muster-engine", hummingbird,
                nioEmbedded,
                nioCore, nioHTTP1, x509, asn1, crypto, logging, lifecycle, subprocess, systemPackage,
            ]
        ),
        tests(
            "AgentTests",
            [
                "Agent", "AgentWire", "EngineClient", "Fencing", "HostModel", "Netlink", "Virtualization",
                "TestServers", nioCore,
                nioPosix,
                nioHTTP1, nioSSL,
                x509, crypto,
                asn1,
                logging, subprocess, systemPackage,
            ]
        ),
        tests(
            "CommandsTests",
            [
                "Commands", "EngineClient", "ImageBuilder", "Signing", "HostModel", "TestServers", argumentParser,
                nioCore,
                nioHTTP1,
                subprocess, systemPackage,
            ]
        ),
        tests("FuzzTests", ["Fuzzing"], exclude: ["Corpus"]),
        tests("EndToEndTests", [subprocess, systemPackage]),
    ],
    swiftLanguageModes: [.v6]
)

// `make test-fuzz`: links only with libFuzzer, which `swift build --sanitize fuzzer` brings.
if Context.environment["MUSTER_FUZZ_PROGRAM"] != nil {
    package.targets.append(program("FuzzProgram", ["Fuzzing"], path: "Tests/FuzzProgram"))
}
