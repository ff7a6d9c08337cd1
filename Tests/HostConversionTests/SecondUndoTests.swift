import Glibc
import HostConversion
import HostModel
import Testing

/// Ways back, and steps, that did not come to their end, and what people did to the server until the next one. Takes root:
/// `make test-convert`.
@Suite(.serialized, .enabled(if: getenv("MUSTER_TEST_CONVERT") != nil)) struct SecondUndoTests {
    /// The last step, the first to be taken back; and one in the middle.
    private static let (last, middle) = ("step-network/script", "step-tuning/script")

    @Test(
        "what others change after a way back that a step kept from its end stays theirs",
        arguments: [false, true]
    )
    func keepsChangesBetweenTwo(isConvertedBetween: Bool) async throws {
        let bed = try await ConversionBed()
        try await bed.conversion(EventList()).run()
        try await Self.replace(Self.middle, by: "exit 1", on: bed.server)
        let first = try await bed.undo()
        #expect(first.failed.count == 1 && first.failed.first?.hasPrefix("tuning") == true, "\(first.text)")
        try await Self.administrate(bed.server)
        try await Self.restore(Self.middle, on: bed.server)
        if isConvertedBetween { try await bed.conversion(EventList()).run() }
        try await Self.expectKept(bed, try await bed.undo())
        // A conversion writes its own settings anew.
        guard !isConvertedBetween else { return }
        #expect(try await bed.server.shell("tail -n 1 /etc/default/libvirt-guests") == "# by hand\n")
    }

    @Test("what others change long after a way back that a power cut ended stays theirs")
    func keepsChangesAfterCut() async throws {
        let bed = try await ConversionBed()
        try await bed.conversion(EventList()).run()
        try await Self.replace(Self.last, by: "pkill -9 -f '^sh \(ConversionLibrary.folder)/undo'", on: bed.server)
        let cut = await #expect(throws: ConversionError.self) { try await bed.undo() }
        #expect(cut?.message.contains("not taken back to its end") == true, "\(cut?.message ?? "")")
        // As long ago as a step of the way back may take.
        try await bed.server.shell("touch -d '1 minute ago' \(ConversionLibrary.folder)/at-work")
        try await Self.administrate(bed.server)
        try await Self.restore(Self.last, on: bed.server)
        try await Self.expectKept(bed, try await bed.undo())
    }

    @Test("what others change long after a step of the conversion that a power cut ended stays theirs")
    func keepsChangesAfterCutStep() async throws {
        var bed = try await ConversionBed(size: TestServer.onDisk)
        let conversion = try await bed.conversion(EventList())
        let run = Task { try await conversion.run() }
        try await bed.server.awaitBegun(.tuning)
        bed.server = try await bed.server.powerCycled(serve: bed.folder)
        run.cancel()
        _ = await run.result
        // The step's limit is over, and the clock that files are stamped by has gone on.
        try await bed.server.shell(
            """
            touch \(ConversionLibrary.folder)/at-work; cd /run
            until touch tick; find tick -newercm \(ConversionLibrary.folder)/at-work | grep -q .; do :; done
            """
        )
        try await Self.administrate(bed.server)
        try await Self.expectKept(bed, try await bed.undo())
    }

    private static func replace(_ file: String, by script: String, on server: TestServer) async throws {
        let path = "\(ConversionLibrary.folder)/\(file)"
        try await server.shell("mv \(path) \(path).real; cat > \(path)", input: script + "\n")
    }

    private static func restore(_ file: String, on server: TestServer) async throws {
        let path = "\(ConversionLibrary.folder)/\(file)"
        try await server.shell("mv \(path).real \(path)")
    }

    /// A person's work on the server: files that the conversion never saw, one that it changed, and an account.
    private static func administrate(_ server: TestServer) async throws {
        try await server.shell(
            """
            echo changed >> /etc/motd; echo mine > '/etc/a file of $(mine)'; mkdir /etc/mine; useradd alice
            echo '# by hand' >> /etc/default/libvirt-guests
            """
        )
    }

    private static func expectKept(_ bed: ConversionBed, _ report: ConversionUndo.Report) async throws {
        #expect(report.isComplete, "\(report.text)")
        let theirs = [
            "/etc/motd", "/etc/a file of $(mine)", "/etc/mine", "/etc/default/libvirt-guests", "/etc/passwd",
            "/etc/shadow",
        ]
        for file in theirs { #expect(report.foreign.contains(file), "\(file): \(report.text)") }
        // Nothing of ours is taken for theirs.
        let accounts = ["/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"]
        let known = Set(theirs + (theirs + accounts).map { $0 + "-" } + accounts)
        #expect(report.foreign.allSatisfy { known.contains($0) }, "\(report.text)")
        let left = try await bed.server.shell(
            "id -un alice; tail -n 1 /etc/motd; cat '/etc/a file of $(mine)'; ls -d /etc/mine"
        )
        #expect(left == "alice\nchanged\nmine\n/etc/mine\n")
        let ours = "getent passwd vdsm qemu sanlock; ls /usr/bin/muster-agent 2> /dev/null; true"
        #expect(try await bed.server.shell(ours) == "")
    }
}
