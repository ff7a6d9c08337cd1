import Crypto
import EngineClient
import Foundation
import HostModel
import Testing

@testable import BootServer

/// What a boot server on another segment keeps of its enrolment, and what may cost it.
@Suite struct SegmentEnrolmentTests {
    /// Of 2020; the certificate is for the key of 32 ones, as `muster:boot/` with this id.
    private static let id = "11111111-1111-4111-8111-111111111111"
    private static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBPjCB5KADAgECAgEBMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC211c3RlciB0
        ZXN0MB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowFjEUMBIGA1UEAwwL
        bXVzdGVyIHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQSSJaXGMaaicYz
        notsphF76lTdkCqD604hg87KnH0v+4kqx79lxlRgDf9ytRSAuaxqBlHouTklG0Rj
        pV062KoRoyMwITAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggq
        hkjOPQQDAgNJADBGAiEA3W6mBDZ1Lu7nqUs97yZg70KEbZSmuvs02o22Ey8OZLsC
        IQD4BSONq7JDoOLOb0/cwAOU+LkI4B2svsNv2hhjnbL1Qw==
        -----END CERTIFICATE-----
        """
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBWzCCAQCgAwIBAgIBAjAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAttdXN0ZXIg
        dGVzdDAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBYxFDASBgNVBAMM
        C2Jvb3Qgc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEb/A7lJJBzh2t
        1DUZ5pYOCoW0GmmgXDKBA6orzhWUyhY8T3U6Vb8B3FP2wLDH7ueLQMb/fSWpbiKC
        uYnO9xwUSqM/MD0wOwYDVR0RBDQwMoYwbXVzdGVyOmJvb3QvMTExMTExMTEtMTEx
        MS00MTExLTgxMTEtMTExMTExMTExMTExMAoGCCqGSM49BAMCA0kAMEYCIQCAeim0
        npyt8FEaR+O45CdEhmjvck//2Xxl/e9SbMDMGwIhAPgFmafKp/uoveSqrxmuLqSM
        RdQm4ImRDnArUfo/ObZA
        -----END CERTIFICATE-----
        """
    private static let fingerprint = "fd3f52852b7b22c014f53d28feb8945074be69d881639714aae3d25825d8876d"
    private static let ended: Int64 = 1_609_459_200

    private static let files = ["key.pem", "certificate.pem", "ca.pem", "id"]

    /// An enrolment in `state/engine`.
    private static func keep(in directory: TemporaryDirectory) throws {
        _ = try MembershipFolder(stateDirectory: "\(directory.path)/state")
        let key = try P256.Signing.PrivateKey(rawRepresentation: [UInt8](repeating: 1, count: 32))
        for (name, text) in zip(files, [key.pemRepresentation, certificate, authority, id]) {
            try directory.write("state/engine/\(name)", Array("\(text)\n".utf8))
        }
    }

    private static func contents(_ directory: TemporaryDirectory) throws -> [[UInt8]] {
        try files.map { try directory.read("state/engine/\($0)") }
    }

    private static func wish(_ fingerprint: String? = nil) -> SegmentEnrolment.Wish {
        // Nobody listens there.
        SegmentEnrolment.Wish(
            endpoint: .https(host: "127.0.0.1", port: 1),
            fingerprint: fingerprint.flatMap { Fingerprint($0) },
            name: nil
        )
    }

    private static func enrolment(
        _ directory: TemporaryDirectory,
        fingerprint: String? = nil,
        now: Int64 = ended - 1
    ) throws -> SegmentEnrolment {
        try SegmentEnrolment(
            wish(fingerprint),
            stateDirectory: "\(directory.path)/state",
            clock: SegmentClock { now * 1000 },
            second: .zero,
            logger: AnswerCacheTests.quiet
        )
    }

    @Test("a wrong clock costs no enrolment", arguments: [0, ended - 1, ended + 1, 4_000_000_000])
    func clocks(_ now: Int64) async throws {
        let directory = try TemporaryDirectory()
        try Self.keep(in: directory)
        let before = try Self.contents(directory)
        let known = try await Self.enrolment(directory, fingerprint: Self.fingerprint, now: now).enrol()
        #expect(known.id.rawValue == Self.id && known.end == Self.ended)
        #expect(try Self.contents(directory) == before)
        let doubt = MembershipFolder(reading: "\(directory.path)/state").doubt(now: now)
        #expect((doubt == nil) == (now == Self.ended - 1))
        #expect(doubt?.what.contains("2021-01-01 00:00:00 UTC") != false)
    }

    @Test("a mistyped --ca-fingerprint costs no enrolment: it is said, with what to do")
    func otherFingerprint() async throws {
        let directory = try TemporaryDirectory()
        try Self.keep(in: directory)
        let before = try Self.contents(directory)
        let enrolment = try Self.enrolment(directory, fingerprint: String(repeating: "0", count: 64))
        let failure = await #expect(throws: StartFailure.self) { try await enrolment.enrol() }
        #expect(failure?.kind == .configuration)
        #expect(failure?.cause.contains(Self.fingerprint) == true)
        #expect(failure?.remedy.contains("remove \(directory.path)/state/engine") == true)
        #expect(try Self.contents(directory) == before)
    }

    @Test("what is damaged is kept for a person to look at", arguments: ["key.pem", "certificate.pem", "ca.pem", "id"])
    func damage(_ name: String) async throws {
        let directory = try TemporaryDirectory()
        try Self.keep(in: directory)
        try directory.write("state/engine/\(name)", Array("damaged".utf8))
        let before = try Self.contents(directory)
        let enrolment = try Self.enrolment(directory)
        let failure = await #expect(throws: StartFailure.self) { try await enrolment.enrol() }
        #expect(failure?.kind == .configuration)
        #expect(try Self.contents(directory) == before)
    }

    @Test func withoutACertificateItIsNobodys() throws {
        let directory = try TemporaryDirectory()
        try Self.keep(in: directory)
        let enrolment = try Self.enrolment(directory)
        #expect(try enrolment.membership()?.id.rawValue == Self.id)
        MembershipFolder(reading: "\(directory.path)/state").directory.remove("certificate.pem")
        #expect(try enrolment.membership()?.id == nil)
    }

    @Test("a denied boot server keeps its key and its claim; one whose claim is over makes another")
    func denied() async throws {
        let directory = try TemporaryDirectory()
        let enrolment = try Self.enrolment(directory)
        let folder = MembershipFolder(reading: "\(directory.path)/state")
        let key = try folder.makeKey().pemRepresentation
        let claim = MembershipFolder.OpenClaim(
            id: .random(),
            nonce: .random(),
            engineNonce: .random(),
            authority: Self.authority,
            pollSeconds: 1,
            peer: Self.fingerprint,
            isOpened: true
        )
        try folder.keep(claim)
        for end in [SegmentEnrolment.End.denied, .later("busy")] {
            try await enrolment.wait(after: end, 1)
            #expect(folder.openClaim() == claim && folder.key()?.pemRepresentation == key, "\(end)")
        }
        try await enrolment.wait(after: .again("gone"), 1)
        #expect(folder.openClaim() == nil)
    }

    @Test(
        "only an engine that does not know the claim any more ends it",
        arguments: [(404, true), (409, true), (410, true)]
            + [400, 401, 403, 408, 413, 429, 500, 502, 503, 504].map { ($0, false) }
    )
    func ends(_ status: Int, _ isOver: Bool) {
        let end = SegmentEnrolment.end(status, "a test")
        if case .again = end { #expect(isOver) } else { #expect(!isOver) }
    }

    @Test func theCheckMakesNothing() async throws {
        let directory = try TemporaryDirectory()
        let place = CacheDirectory(directory.path)
        let nobody = SegmentCheck(
            Self.wish(),
            stateDirectory: "\(directory.path)/state",
            logger: AnswerCacheTests.quiet
        )
        #expect(await nobody.findings().map { $0.remedy != nil } == [true], "nobody answers")
        #expect(place.names().isEmpty)
        try Self.keep(in: directory)
        let before = try Self.contents(directory)
        let late = SegmentClock { (Self.ended + 1) * 1000 }
        for (fingerprint, count) in [(Self.fingerprint, 2), (String(repeating: "0", count: 64), 1)] {
            let check = SegmentCheck(
                Self.wish(fingerprint),
                stateDirectory: "\(directory.path)/state",
                clock: late,
                logger: AnswerCacheTests.quiet
            )
            #expect(await check.findings().count == count)
        }
        #expect(try Self.contents(directory) == before)
        #expect(CacheDirectory("\(directory.path)/state").names() == ["engine"])
    }
}
