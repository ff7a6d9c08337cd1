import Glibc
import Signing
import SystemPackage
import Testing

@Suite struct ImageKeyDirectoryTests {
    private static let now: Int64 = 1_750_000_000
    private static let content = Array("manifest".utf8)

    @Test func aKeyIsMadeOnceAndForItsOwnerAlone() throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        #expect(kind { try directory.signer(passphrase: nil) } == .missing)
        let certificate = try directory.create(name: "site", passphrase: nil, now: Self.now)
        #expect(Scratch.names(scratch.file("key")) == [ImageKeyDirectory.keyName])
        #expect(mode(directory.keyFile) == 0o600)
        #expect(mode(directory.path) == 0o700)
        let before = try scratch.read("key/key.pem")
        #expect(kind { try directory.create(name: "site", passphrase: nil, now: Self.now) } == .present)
        #expect(try scratch.read("key/key.pem") == before)
        #expect(try directory.signer(passphrase: nil).certificate == certificate)
        #expect(try directory.isEncrypted() == false)
    }

    @Test func rotationKeepsTheOldCertificate() throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        let first = try directory.create(name: "site", passphrase: nil, now: Self.now)
        let old = try directory.signer(passphrase: nil).sign(Self.content)
        let second = try directory.rotate(name: "site", passphrase: nil, now: Self.now)
        let third = try directory.rotate(name: "site", passphrase: nil, now: Self.now)
        let trusted = try directory.certificates()
        #expect(trusted.certificates == [third, second, first])
        #expect(try trusted.verify(old, over: Self.content) == first)
        let new = try directory.signer(passphrase: nil).sign(Self.content)
        #expect(try trusted.verify(new, over: Self.content) == third)
        #expect(try #require(TrustedCertificates([second, first])).certificates.contains(third) == false)
        #expect(Scratch.names(directory.path) == ["key.pem", "trusted.pem"])
    }

    /// Killed after the certificates were written, before the key was: the old key is whole, and trusted once.
    @Test func aHalfRotationChangesNothing() throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        let first = try directory.create(name: "site", passphrase: nil, now: Self.now)
        _ = try scratch.write(first.pem.utf8, to: "key/trusted.pem")
        _ = try scratch.write("half".utf8, to: "key/key.pem.new")
        #expect(try directory.certificates().certificates == [first])
        let second = try directory.rotate(name: "site", passphrase: nil, now: Self.now)
        #expect(try directory.certificates().certificates == [second, first])
        #expect(Scratch.names(directory.path) == ["key.pem", "trusted.pem"])
    }

    @Test func aPassphraseIsAskedFor() async throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        let certificate = try directory.create(name: "site", passphrase: "geheim", now: Self.now)
        #expect(try directory.isEncrypted())
        #expect(try directory.certificates().certificates == [certificate])
        #expect(kind { try directory.signer(passphrase: nil) } == .passphrase)
        #expect(kind { try directory.signer(passphrase: "falsch") } == .passphrase)
        #expect(kind { try directory.signer(passphrase: "") } == .passphrase)
        _ = try directory.signer(passphrase: "geheim").sign(Self.content)
        let key = directory.keyFile.string
        #expect(try await openssl(["pkey", "-in", key, "-passin", "pass:geheim", "-noout"]).succeeded)
        #expect(try await openssl(["x509", "-in", key, "-noout", "-purpose"]).succeeded)
    }

    @Test func whatOthersCanReadIsRefused() throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        _ = try directory.create(name: "site", passphrase: nil, now: Self.now)
        #expect(chmod(directory.keyFile.string, 0o640) == 0)
        #expect(kind { try directory.signer(passphrase: nil) } == .files)
    }

    /// Every prefix of the file, and every byte changed, is an error or the very same key.
    @Test func damagedKeyFiles() throws {
        let scratch = try Scratch()
        let directory = ImageKeyDirectory(scratch.file("key"))
        let certificate = try directory.create(name: "site", passphrase: nil, now: Self.now)
        let whole = try scratch.read("key/key.pem")
        for count in stride(from: 0, to: whole.count - 1, by: 31) {
            _ = try scratch.write(whole.prefix(count), to: "key/key.pem")
            #expect(throws: SigningError.self, "\(count) bytes") { try directory.signer(passphrase: nil) }
        }
        for index in stride(from: 0, to: whole.count, by: 23) {
            var changed = whole
            changed[index] ^= 1
            _ = try scratch.write(changed, to: "key/key.pem")
            let signer = try? directory.signer(passphrase: nil)
            #expect(signer == nil || signer?.certificate.name == certificate.name)
        }
    }

    @Test func aKeyWithAnothersCertificateIsRefused() throws {
        let scratch = try Scratch()
        let one = ImageKeyDirectory(scratch.file("one"))
        _ = try one.create(name: "one", passphrase: nil, now: Self.now)
        let two = try ImageKeyDirectory(scratch.file("two")).create(name: "two", passphrase: nil, now: Self.now)
        let key = String(decoding: try scratch.read("one/key.pem"), as: UTF8.self)
        let end = try #require(key.firstRange(of: "-----BEGIN CERTIFICATE")).lowerBound
        _ = try scratch.write((key[..<end] + two.pem).utf8, to: "one/key.pem")
        #expect(kind { try one.signer(passphrase: nil) } == .malformed)
    }

    private func mode(_ path: FilePath) -> mode_t {
        var status = stat()
        return stat(path.string, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func kind(_ body: () throws -> some Any) -> SigningError.Kind? { ImageSignerTests.kind(body) }
}
