import Foundation
import Glibc
import HostModel
import Subprocess
import Synchronization
import Testing

@testable import BootServer

/// `muster-boot` on another segment as users run it: real programs, killed where it hurts.
@Suite(.serialized) struct SegmentProgramTests {
    private static let (known, unknown) = ("52:54:00:00:00:aa", "52:54:00:00:00:bb")

    @Test(
        "enrolled by its code it boots machines; while the engine is dead known ones boot on, and it hears of it later, once"
    )
    func wholeLife() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            let place = SegmentPrograms(network: network, directory: directory.path)
            try await place.initialize()
            let (log, content) = (BootLog(), SegmentPrograms.content(megabytes: 2))
            var digest = ""
            let ending = try await place.bootServer(log, until: "the engine cannot be asked") { boot in
                try await place.engine {
                    try await place.approve(log)
                    try #require(await log.waits(for: "TFTP serves"))
                    digest = try await place.publish("v1", initramfs: content)
                    try await place.makeKnown(Self.known, as: "known")
                    try await boots(place, directory, digest)
                }
                // The engine is killed -9 by now.
                #expect(try await place.script(Self.known).contains("images/node-minimal/v1/vmlinuz"))
                #expect(try await place.script(Self.unknown).contains("the engine does not answer"))
                #expect(try await place.load("v1", "initramfs") == digest)
                try await BootNetwork.ip("-n", network.client, "link", "set", "eth0", "address", Self.known)
                #expect(try await DHCPClient(network: network, directory: directory).lease()["ip"] != nil)
                #expect(log.text.contains("the engine is away"))
                try await place.engine {
                    try #require(await log.waits(for: "the engine is back"))
                    try await handedOver(place)
                    try await place.ask("DELETE", "api/bootservers/rack-7")
                    try #require(await log.waits(for: "started again it asks to be enrolled anew"), "\(log.text)")
                }
                _ = boot
            }
            #expect(ending == .exited(77), "\(log.text)")
            let kept = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/state/cache/answers")
            #expect(kept.isEmpty)
        }
    }

    /// DHCP, TFTP, the script and the image, asked by programs that nobody here wrote; twenty at once are one fetch.
    private func boots(_ place: SegmentPrograms, _ directory: TemporaryDirectory, _ digest: String) async throws {
        let lease = try await DHCPClient(network: place.network, directory: directory).lease([
            "-x", "0x5d:0007", "-V", "PXEClient:Arch:00007:UNDI:003000",
        ])
        #expect(lease["boot_file"] == "snponly.efi")
        let address = try #require(lease["ip"])
        try await BootNetwork.ip("-n", place.network.client, "address", "add", "\(address)/24", "dev", "eth0")
        let loader = try await place.network.runClient(
            "curl",
            "--silent",
            "--fail",
            "tftp://10.77.0.1/snponly.efi",
            "--output",
            "/dev/null"
        )
        #expect(loader.isSuccess, "\(loader.output)")
        #expect(try await place.script(Self.known).contains("images/node-minimal/v1/vmlinuz"))
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await place.load("v1", "initramfs") } }
            for try await loaded in group { #expect(loaded == digest) }
        }
    }

    /// The steps of the time in which the engine was dead: each once, in order.
    private func handedOver(_ place: SegmentPrograms) async throws {
        var steps: [String] = []
        for _ in 0..<100 {
            steps = try await place.steps(of: Self.known).filter { $0.contains("it has been away since") }
            if !steps.isEmpty { break }
            try await place.ask("GET", "api/events?wait=1&from=999999")
        }
        #expect(steps.count == 1 && steps[0].contains("(boot server rack-7)"), "\(steps)")
    }

    @Test("killed -9 in the middle of a fetch it goes on where it was, and the file is the same")
    func killedWhileFetching() async throws {
        let directory = try TemporaryDirectory()
        try await BootNetwork.with { network in
            let place = SegmentPrograms(network: network, directory: directory.path)
            try await place.initialize()
            try await BootNetwork.ip("-n", network.client, "address", "add", "10.77.0.50/24", "dev", "eth0")
            let content = SegmentPrograms.content(megabytes: 20)
            try await place.engine {
                let log = BootLog()
                try await place.bootServer(log, until: "waits for approval") { boot in
                    try await place.approve(log)
                    try #require(await log.waits(for: "TFTP serves"))
                    // A part is there for moments only: one that was missed is tried again with another version.
                    for version in ["v1", "v2", "v3", "v4", "v5"] {
                        let digest = try await place.publish(version, initramfs: content)
                        let partial =
                            "\(directory.path)/state/cache/images/.partial/node-minimal@\(version)@initramfs"
                        guard try await isKilledHalfway(boot, network, version, partial, content.count) else {
                            continue
                        }
                        return try await again(place, version, partial, digest)
                    }
                    Issue.record("no version was seen half there: \(log.text)")
                }
            }
        }
    }

    /// Loads a version and kills muster-boot with a part of it on its disk; `false` when the file was whole before that was
    /// seen, and then muster-boot runs on. It ends when the client does, at the latest.
    private func isKilledHalfway(
        _ boot: pid_t,
        _ network: BootNetwork,
        _ version: String,
        _ partial: String,
        _ bytes: Int
    ) async throws -> Bool {
        let url = "http://10.77.0.1/images/node-minimal/\(version)/initramfs"
        let hasEnded = Mutex(false)
        async let cut: (isSuccess: Bool, output: String) = {
            defer { hasEnded.withLock { $0 = true } }
            return try await network.runClient(
                "curl",
                "--silent",
                "--fail",
                "--max-time",
                "60",
                "--output",
                "/dev/null",
                url
            )
        }()
        while !hasEnded.withLock({ $0 }), Self.size(partial) == 0 { await Task.yield() }
        // While it is stopped it adds nothing: what is seen now is what the kill leaves.
        kill(boot, SIGSTOP)
        let isHalf = (1..<bytes).contains(Self.size(partial))
        kill(boot, isHalf ? SIGKILL : SIGCONT)
        let loaded = try await cut
        if isHalf { #expect(!loaded.isSuccess, "it had nothing of a file that was not whole") }
        return isHalf
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    private func again(
        _ place: SegmentPrograms,
        _ version: String,
        _ partial: String,
        _ digest: String
    ) async throws {
        let log = BootLog()
        _ = try await place.bootServer(log) { _ in
            #expect(!log.text.contains("waits for approval"), "it is enrolled already")
            let loaded = try await place.load(version, "initramfs")
            #expect(loaded == digest)
            #expect(log.text.contains("is gone on with at byte"), "\(log.text)")
            #expect(access(partial, F_OK) != 0)
        }
    }
}

extension SegmentPrograms {
    func approve(_ log: BootLog) async throws {
        try #require(await log.waits(for: "--code "), "\(log.text)")
        let code = try #require(log.text.split(separator: "--code ").last?.prefix(11))
        let digits = code.prefix { !$0.isWhitespace }
        try await ask("POST", "api/bootservers/rack-7/approve", #"{"code":"\#(digits)"}"#)
    }
}
