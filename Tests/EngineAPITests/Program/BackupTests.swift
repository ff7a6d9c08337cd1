import Foundation
import Glibc
import Testing

/// `muster-engine backup` and `restore` beside a running engine.
@Suite(.serialized) struct BackupTests {
    private static let networks = "/ovirt-engine/api/networks"

    /// A network is what is there before a backup or not.
    private static func add(_ name: String, _ place: EnginePrograms, _ user: String) async throws {
        let body = #"{"name":"\#(name)","data_center":{"name":"Default"}}"#
        let made = try await place.curl(
            networks,
            "--user",
            user,
            "--header",
            "Content-Type: application/json",
            "--data",
            body
        )
        #expect(made.status.map { (200...202).contains($0) } == true, "\(made)")
    }

    @Test("what was committed is in the backup, also while the engine runs; what came later is gone after a restore")
    func backsUpOnline() async throws {
        try await EnginePrograms.run { place in
            let password = "\(place.directory)/password"
            try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: password))
            #expect(try await place.initialize("--admin-password-file", password).exit == 0)
            let (file, user) = ("\(place.directory)/backup", "admin@internal:correct horse")
            try await place.serving { _, next in
                try await next("ready: https=127.0.0.1:8443")
                try await Self.add("before", place, user)
                let made = try await place.engine("backup", file, "--data-directory", place.data)
                #expect(made.exit == 0 && made.output.contains("0 hosts"), "\(made)")
                try await Self.add("after", place, user)
                let running = try await place.engine("restore", file, "--overwrite", "--data-directory", place.data)
                #expect(running.exit == 78 && running.errors.contains("Another muster-engine uses"), "\(running)")
                let again = try await place.engine("backup", file, "--data-directory", place.data)
                #expect(again.exit == 78 && again.errors.contains("There is a file"), "\(again)")
            }
            let full = try await place.engine("restore", file, "--data-directory", place.data)
            #expect(full.exit == 78 && full.errors.contains("is not empty"), "\(full)")
            let restored = try await place.engine("restore", file, "--overwrite", "--data-directory", place.data)
            #expect(restored.exit == 0 && restored.output.contains("are back"), "\(restored)")
            try await place.serving { _, next in
                try await next("ready: https=127.0.0.1:8443")
                let shown = try await place.curl(Self.networks, "--user", user)
                #expect(shown.body.contains(#""before""#) && !shown.body.contains(#""after""#), "\(shown)")
            }
        }
    }
}
