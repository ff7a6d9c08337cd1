import AgentWire
import HostModel
import NIOCore
import SystemPackage
import Testing

@testable import Agent

#if canImport(Glibc)
import Glibc
#endif

/// Work on disks as the engine sees it: `serve` and `apply` as they are, a stand-in for what writes.
@Suite struct ImageWorkTests {
    private static let id = "0c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60"
    private static let other = "1c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60"
    private static let install = #"""
        {"jobId": "0c7ee4a3-5b4a-4a51-8f0a-1b2c3d4e5f60", "disk": "serial=QM00001", "wipe": "QM 00001", "image": "http://10.88.0.1/images/node-debian/0123456789ab"}
        """#

    private func serving(
        _ body: (AgentRig, Daemon) async throws -> Void
    ) async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { apply in try await rig.serving { _ in try await body(rig, apply) } }
        }
    }

    private func job(_ rig: AgentRig) async throws -> NodeJob? {
        let lines = try await rig.client("engine", "Host.getJobs")
        let line = try #require(lines.first { $0.hasPrefix("{") })
        return try NodeJobs(result: try JSONText.decode(JSONValue.self, from: ByteBuffer(string: line))).jobs.values
            .first
    }

    /// Asks until the job has ended.
    private func ended(_ rig: AgentRig) async throws -> NodeJob {
        while true {
            if let job = try await job(rig), job.status != .running { return job }
        }
    }

    private func script(_ rig: AgentRig, _ text: String) throws {
        try rig.installer.write(Array(text.utf8), to: "work")
    }

    @Test("disks are told as the program tells them, with the hostile ones among them")
    func disks() async throws {
        try await serving { rig, _ in
            let refused = try await rig.client("engine", "Host.getDisks")
            #expect(refused.contains { $0.contains("\"code\": 21,") })
            let told =
                #"[{"name":"sda","serial":"QM00001","bytes":10737418240,"contents":["GPT","\u001b[2J"],"inUse":false}]"#
            try rig.installer.write(Array(told.utf8), to: "disks.json")
            let answer = try await rig.client("engine", "Host.getDisks")
            #expect(answer.contains { $0.contains("QM00001") && $0.contains("10737418240") }, "\(answer)")
            try rig.installer.write(Array("nonsense".utf8), to: "disks.json")
            #expect(try await rig.client("engine", "Host.getDisks").contains { $0.contains("can not be read") })
        }
    }

    @Test("an installation: its words are one argument each, its progress is seen, twice asked it is done once")
    func installs() async throws {
        try await serving { rig, _ in
            let gate = rig.installer.file("gate").string
            try #require(mkfifo(gate, 0o600) == 0)
            try script(
                rig,
                """
                echo '{"step":"Write the root image","done":25,"total":100}'
                read go < '\(gate)'
                echo '{"result":"done"}'
                """
            )
            let begun = try await rig.client(
                "engine",
                "Host.installImage",
                Self.install,
                "Host.installImage",
                Self.install
            )
            #expect(begun.filter { $0 == "true" }.count == 2, "\(begun)")
            var seen = try await job(rig)
            while seen?.percent != 25 { seen = try await job(rig) }
            #expect(seen?.status == .running && seen?.step.raw == "Write the root image" && seen?.id == Self.id)
            let upgrade = #"{"jobId": "\#(Self.other)", "image": "http://10.88.0.1/images/node/v2"}"#
            let second = try await rig.client("engine", "Host.upgradeImage", upgrade, "Host.reboot")
            #expect(second.filter { $0.contains("\"code\": 40,") }.count == 2, "one at a time: \(second)")
            let writer = open(gate, O_WRONLY)
            #expect(write(writer, "go\n", 3) == 3)
            close(writer)
            let end = try await ended(rig)
            #expect(end.status == .done && end.error == nil)
            let asked = rig.askedOfInstaller().filter { $0.hasPrefix("install ") }
            #expect(
                asked == [
                    "install --disk=serial=QM00001 --wipe=QM 00001 "
                        + "--image=http://10.88.0.1/images/node-debian/0123456789ab --progress=json"
                ]
            )
        }
    }

    @Test(
        "how a program ends becomes a sentence and a remedy",
        arguments: [
            (#"echo '{"error":"two disks match","remedy":"name one"}'; exit 65"#, "Two disks match.", "Name one."),
            ("echo oops >&2; exit 70", "muster-agent upgrade ended with status 70: oops.", "Look at the node's log"),
            (#"echo '{"result":"done"}'; exit 1"#, "ended with status 1", "Look at"),
            ("exit 0", "ended with status 0", "Look at"),
            ("kill -9 $$", "ended by a signal", "Look at"),
            ("echo 'error: no slot'; echo '  try: install it'; exit 65", "No slot.", "Install it."),
            // A line without an end and without measure costs nothing.
            (#"head -c 3000000 /dev/zero | tr '\0' x; echo; echo '{"error":"no"}'; exit 65"#, "No.", "Look at"),
        ]
    )
    func failures(script text: String, sentence: String, remedy: String) async throws {
        try await serving { rig, _ in
            try script(rig, text)
            let upgrade = #"{"jobId": "\#(Self.other)", "image": "http://10.88.0.1/images/node/v2"}"#
            #expect(try await rig.client("engine", "Host.upgradeImage", upgrade).contains("true"))
            let end = try await ended(rig)
            #expect(end.status == .failed)
            #expect(end.error?.contains(sentence) == true, "\(end)")
            #expect(end.remedy?.contains(remedy) == true, "\(end)")
        }
    }

    @Test("what would be done, and what would be refused")
    func plans() async throws {
        try await serving { rig, _ in
            try script(
                rig,
                """
                case "$*" in *--dry-run*) ;; *) exit 70 ;; esac
                echo '{"step":"wipe sda"}'; echo '{"step":"make 5 partitions"}'
                """
            )
            let plan = try await rig.client("engine", "Host.planInstallation", Self.install)
            #expect(plan.contains(#"{"steps": ["wipe sda", "make 5 partitions"]}"#), "\(plan)")
            try script(rig, #"echo '{"error":"sda holds LVM","remedy":"add --wipe"}'; exit 65"#)
            let refused = try await rig.client("engine", "Host.planInstallation", Self.install)
            #expect(refused.contains { $0.contains("Sda holds LVM. Add --wipe.") && $0.contains("\"code\": 21,") })
            #expect(try await job(rig) == nil, "a plan is no work")
        }
    }

    @Test(
        "orders that are not exactly what is expected are refused before a program is run",
        arguments: [
            ("Host.installImage", #"{"jobId": "x", "disk": "serial=1"}"#),
            ("Host.installImage", #"{"jobId": "ID"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "--wipe=x"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "a\n--wipe=x"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "a\u0000b"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "$(reboot)"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "serial=1", "wipe": ""}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": ["serial=1"]}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "serial=1", "image": "/etc"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "serial=1", "image": "http://169.254.169.254/a/b"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "serial=1", "image": "http://10.0.0.1/../b/c"}"#),
            ("Host.installImage", #"{"jobId": "ID", "disk": "serial=1", "force": true}"#),
            ("Host.upgradeImage", #"{"jobId": "ID"}"#),
            ("Host.upgradeImage", #"{"jobId": "ID", "image": "http://10.0.0.1/a/b", "disk": "serial=1"}"#),
            ("Host.rollbackImage", #"{"jobId": "ID", "image": "http://10.0.0.1/a/b"}"#),
            ("Host.rollbackImage", "[]"),
        ]
    )
    func hostile(method: String, params: String) async throws {
        try await serving { rig, _ in
            let text = params.replacing("ID", with: Self.id)
            let answer = try await rig.client("engine", method, text)
            let codes = ["11", "21", "-32602"].map { "\"code\": \($0)," }
            #expect(answer.contains { line in codes.contains { line.contains($0) } }, "\(answer)")
            #expect(rig.askedOfInstaller().allSatisfy { $0 == "slots --json" })
        }
    }

    @Test("serve is killed in the middle: the work goes on, and the next serve tells of it")
    func serveKilled() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.applying { _ in
                let gate = rig.installer.file("gate").string
                try #require(mkfifo(gate, 0o600) == 0)
                try script(rig, "read go < '\(gate)'\necho '{\"result\":\"done\"}'\n")
                try await rig.serving { serve in
                    let begun = try await rig.client("engine", "Host.installImage", Self.install, "leave")
                    #expect(begun.contains("true"))
                    serve.kill()
                }
                let writer = open(gate, O_WRONLY)
                #expect(write(writer, "go\n", 3) == 3)
                close(writer)
                let end = try await rig.serving { _ in try await ended(rig) }
                #expect(end.status == .done)
            }
        }
    }

    @Test("apply is killed in the middle: its next start ends the program and gives a plain answer")
    func applyKilled() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try await rig.serving(isReady: true) { _ in
                let gate = rig.installer.file("gate").string
                try #require(mkfifo(gate, 0o600) == 0)
                try script(
                    rig,
                    """
                    trap '' PIPE
                    echo $$ > "$here/pid"
                    echo '{"step":"Write the root image","done":1,"total":4}'
                    while :; do read go < '\(gate)'; done
                    """
                )
                try await rig.applying { apply in
                    #expect(try await rig.client("engine", "Host.installImage", Self.install).contains("true"))
                    while try await job(rig)?.step.raw.isEmpty != false {}
                    apply.kill()
                }
                let pid = try #require(pid_t(readLine(of: rig.installer.file("pid")) ?? ""))
                #expect(kill(pid, 0) == 0, "it outlived apply")
                try await rig.applying { _ in
                    #expect(ProcessMark(pid) == nil, "and not its next start")
                    let end = try await ended(rig)
                    #expect(end.status == .failed && end.id == Self.id)
                    #expect(end.error?.contains("ended in the middle") == true)
                    #expect(end.remedy?.isEmpty == false)
                    // The same order is the same work; another one begins.
                    try script(rig, #"echo '{"result":"done"}'"#)
                    let rollback = #"{"jobId": "\#(Self.other)"}"#
                    let again = try await rig.client(
                        "engine",
                        "Host.installImage",
                        Self.install,
                        "Host.rollbackImage",
                        rollback
                    )
                    #expect(again.filter { $0 == "true" }.count == 2)
                    #expect(try await ended(rig).job_type == "rollback")
                }
            }
        }
    }

    @Test("a trial and its end, and a slot that was given up, are told once the engine is heard")
    func trial() async throws {
        let trial =
            #"{"running":"b","slots":{"a":{"name":"n","version":"v1","state":"good"},"b":{"name":"n","version":"v2","state":"trial"}}}"#
        try await AgentRig.run { rig in
            try rig.approve()
            try rig.tell("muster.image=slot:b muster.trial")
            try rig.installer.write(Array(trial.utf8), to: "slots.json")
            try await rig.applying { apply in
                try await rig.serving { _ in
                    let own = try await rig.client(
                        "own",
                        to: "127.0.0.1",
                        isLocal: true,
                        "Host.ping2",
                        "Host.getCapabilities"
                    )
                    let shown = try image(own)
                    #expect(shown.slot == "b" && shown.isTrial && shown.version.raw == "v2")
                    #expect(shown.otherSlot?.version.raw == "v1")
                    try rig.sub("run").write(Array("slot b (n v2) did not come up\n".utf8), to: SlotTrial.fallName)
                    let fallen = trial.replacing(#""running":"b""#, with: #""running":"a""#)
                        .replacing(#""state":"trial""#, with: #""state":"failed""#)
                    try rig.installer.write(Array(fallen.utf8), to: "slots.json")
                    #expect(try await rig.client("engine", "Host.ping2").contains("true"))
                    var now = shown
                    while now.isTrial { now = try image(try await rig.client("engine", "Host.getCapabilities")) }
                    #expect(now.slot == "a" && now.version.raw == "v1")
                    #expect(now.fallBack?.version.raw == "v2" && now.fallBack?.slot == "b")
                    #expect(now.fallBack?.reason?.raw == "slot b (n v2) did not come up")
                }
            }
        }
    }

    private func image(_ lines: [String]) throws -> NodeImageReport {
        let line = try #require(lines.first { $0.hasPrefix("{") })
        return try HostCapabilities(result: try JSONText.decode(JSONValue.self, from: ByteBuffer(string: line)))
            .musterImage
    }

    @Test("a node from the network says which image it is, without apply and without a disk")
    func fromTheNetwork() async throws {
        try await AgentRig.run { rig in
            try rig.approve()
            try rig.tell("muster.image=http://10.88.0.1/images/node-debian/0123456789ab quiet")
            try await rig.serving { _ in
                let shown = try image(try await rig.client("engine", "Host.getCapabilities"))
                #expect(shown.name.raw == "node-debian" && shown.version.raw == "0123456789ab" && shown.slot == nil)
            }
        }
    }

    @Test("the real program behind it: its disks are understood, its refusals come with candidates and code 21")
    func realProgram() async throws {
        try await serving { rig, _ in
            let words =
                "exec \(AgentRig.program) \"$@\" --loop-devices --command-line \(rig.directory.file("command-line"))"
            try rig.installer.write(
                Array("#!/bin/sh\n\(words)\n".utf8),
                to: "installer",
                permissions: [.ownerReadWriteExecute]
            )
            let answer = try await rig.client("engine", "Host.getDisks")
            let line = try #require(answer.first { $0.hasPrefix("{") })
            let value = try JSONText.decode(JSONValue.self, from: ByteBuffer(string: line))
            let disks = try NodeDisks(result: value).disks
            #expect(disks.allSatisfy { !$0.name.raw.isEmpty && $0.bytes >= 0 })
            let nowhere = Self.install.replacing("serial=QM00001", with: "serial=NO-SUCH-DISK")
            let refused = try await rig.client("engine", "Host.planInstallation", nowhere)
            #expect(refused.contains { $0.contains("\"code\": 21,") && $0.contains("No disk fits") }, "\(refused)")
            #expect(try await rig.client("engine", "Host.installImage", nowhere).contains("true"))
            let end = try await ended(rig)
            #expect(end.status == .failed && end.error?.contains("No disk fits") == true, "\(end)")
            #expect(end.remedy?.isEmpty == false)
            let rollback = #"{"jobId": "\#(Self.other)"}"#
            #expect(try await rig.client("engine", "Host.rollbackImage", rollback).contains("true"))
            let back = try await ended(rig)
            #expect(back.error == "This node does not run from a disk that it was installed to.", "\(back)")
        }
    }

    @Test("a reboot is answered and then done, once")
    func reboots() async throws {
        try await serving { rig, _ in
            let answer = try await rig.client("engine", "Host.reboot", "Host.reboot", "Host.installImage", Self.install)
            #expect(answer.filter { $0 == "true" }.count == 2)
            #expect(answer.contains { $0.contains("about to reboot") })
            while !rig.askedOfInstaller().contains("reboot") { await Task.yield() }
            #expect(rig.askedOfInstaller().filter { $0 == "reboot" }.count == 1)
        }
    }
}
