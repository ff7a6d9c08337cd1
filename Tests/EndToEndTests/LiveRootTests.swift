import Glibc
import Subprocess
import SystemPackage
import Testing

/// The live root in QEMU, as packaging/live-root/try runs it: until a marker of the new root, or a sentence, is on the
/// console. Needs root, the built programs and the built agent.
@Suite(.enabled(if: isImageTestWanted, "MUSTER_TEST_IMAGES=1 runs it"), .serialized)
struct LiveRootTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var name: String
        var arguments: [String] = []
    }

    @Test(arguments: [
        Case(testDescription: "over HTTP, signed by an RSA key", name: "http"),
        Case(testDescription: "by SeaBIOS and iPXE", name: "pxe"),
        Case(testDescription: "signed by an EC key, the clock says 1970", name: "ec"),
        Case(testDescription: "case 43: every connection is dropped after a mebibyte", name: "cut"),
        Case(testDescription: "A26: a byte of the root image is changed on the server", name: "flipped"),
        Case(testDescription: "A26: the manifest was changed after it was signed", name: "unsigned"),
        Case(testDescription: "A26: an older version under the name of a newer one", name: "older"),
        Case(testDescription: "A26: a lower roll-back index than the initramfs's own", name: "rollback"),
        Case(testDescription: "A27: a signed root that is no squashfs", name: "foreign"),
        Case(testDescription: "A27: the root image on a CD is a link to a device", name: "medium-link"),
        Case(testDescription: "muster image run, the root from QEMU", name: "run"),
        Case(
            testDescription: "case 44: too little memory is a sentence",
            name: "memory",
            arguments: ["--memory", "320", "--ballast", "160"]
        ),
        Case(testDescription: "from a CD, the clock says 2099", name: "medium"),
        Case(testDescription: "case 59: a changed byte on a CD is an I/O error when it is read", name: "verity"),
        Case(testDescription: "case 59: muster.check finds it before the root is used", name: "medium-flip"),
    ])
    func boots(sample: Case) async throws {
        let result = try await run(
            .path(EndToEndTests.repository.appending("packaging/live-root/try")),
            arguments: Arguments([sample.name] + sample.arguments),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        #expect(result.terminationStatus == .exited(0), "\(result.standardOutput + result.standardError)")
    }
}

private var isImageTestWanted: Bool { getenv("MUSTER_TEST_IMAGES").map { String(cString: $0) } == "1" }
