import Foundation
import HostModel
import LogLines
import Logging
import Testing

/// What the programs write to standard error.
@Suite(.serialized, .timeLimit(.minutes(5))) struct LogFormatTests {
    private static func entry(_ line: String) throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
    }

    @Test(
        "--log-format json: each line is one object with time, level, program and message, and what a change belongs to"
    )
    func engine() async throws {
        try await EnginePrograms.run { place in
            let password = try await EngineFaultTests.initialized(place)
            try await place.running(place.engineAlone(["--log-format", "json"])) { _, next in
                _ = try await next("ready: ")
                let first = try Self.entry(try await next("The engine started"))
                #expect(first["level"] == "info" && first["program"] == "muster-engine" && first["code"] == "20031")
                let time = try #require(first["time"])
                #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
                let words = try await EngineFaultTests.fleet(1, place, password)
                try await place.running(words) { _, _ in
                    let approved = try Self.entry(try await next("was approved"))
                    #expect(approved["user"] == "admin@internal" && approved["hostName"] == "sim-00001")
                    #expect(UniqueID(rawValue: approved["host"] ?? "") != nil)
                    #expect(UniqueID(rawValue: approved["correlation"] ?? "") != nil, "the request's own id")
                    let installed = try Self.entry(try await next("setting up ovirtmgmt"))
                    #expect(
                        installed["host"] == approved["host"] && installed["correlation"] == approved["correlation"]
                    )
                    #expect(UniqueID(rawValue: installed["job"] ?? "") != nil)
                }
            }
            let wrong = try await place.engine("serve", "--log-format", "xml", "--data-directory", place.data)
            #expect(wrong.exit == 64 && wrong.errors.contains("text or json"), "\(wrong)")
        }
    }

    @Test("the environment sets it like every other setting, and muster-boot is told by its flag")
    func settings() async throws {
        try await EnginePrograms.run { place in
            let shown = try await place.inside([
                "env", "MUSTER_ENGINE_LOG_FORMAT=json", EnginePrograms.program, "serve", "--print-settings",
            ])
            #expect(shown.output.contains("log-format: json  # environment"), "\(shown)")
            let profile = "\(place.directory)/profile"
            let answer = #"{"profile":{"name":"p","mode":"local","kernelArguments":[]},"reason":"a test"}"#
            try Data(answer.utf8).write(to: URL(filePath: profile))
            let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../pxe").standardized
                .path
            let words = place.within([
                EnginePrograms.built("muster-boot"), "--interface", "lo", "--address", "127.0.0.1/8", "--dhcp", "off",
                "--profile-file", profile, "--pxe-directory", root, "--state-directory", "\(place.directory)/state",
                "--log-format", "json",
            ])
            try await place.running(words) { _, next in
                let line = try Self.entry(try await next("TFTP serves loaders"))
                #expect(line["program"] == "muster-boot" && line["level"] == "info" && line["port"] == "69")
            }
        }
    }

    @Test("A15: whatever is logged stays one line and adds no field", arguments: LogFormat.allCases)
    func hostile(format: LogFormat) throws {
        let nasty = "x\u{1B}[2J\r\n\",\"level\":\"critical\u{0}\u{202E}\u{2028}\\\u{85}"
        let line = format.line(
            Date(timeIntervalSince1970: 1_800_000_000.25),
            "p",
            .info,
            nasty + String(repeating: "y", count: 1 << 20),
            ["host": nasty, "level": "critical", nasty: "v"]
        )
        #expect(line.utf8.count < 40_000)
        for scalar in line.unicodeScalars {
            #expect(scalar.value >= 32 && ![0x7F, 0x85, 0x2028, 0x202E].contains(scalar.value))
        }
        guard format == .json else { return }
        let entry = try Self.entry(line)
        #expect(entry["level"] == "info" && entry["host"] == nasty && entry[nasty] == "v" && entry["p"] == nil)
        #expect(entry["time"] == "2027-01-15T08:00:00.250Z", "\(line)")
    }

    @Test("the newest lines are kept, the oldest first, and no more than so many")
    func recent() {
        let recent = RecentLines(linesMax: 3)
        #expect(recent.lines.isEmpty)
        for number in 0..<8 { recent.add("\(number)") }
        #expect(recent.lines == ["5", "6", "7"])
    }
}
