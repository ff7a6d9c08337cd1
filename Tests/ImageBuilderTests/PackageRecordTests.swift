import HostModel
import Testing

@testable import ImageBuilder

@Suite struct PackageRecordTests {
    @Test func readsWhatAptPrints() throws {
        let digest = String(repeating: "ab", count: 32)
        let text = """
            Package: linux-image-amd64
            Version: 6.1.192-2
            Depends: linux-image-6.1.0-56-amd64 (= 6.1.192-2), base | other (>> 1)
            Description: a meta-package
             Package: not-a-field
            Size: 1480
            SHA256: \(digest)

            Package: installed-by-hand
            Version: 1

            Package: last
            Version: 1:2~3
            Architecture: all
            Size: 5
            SHA256: \(digest)
            """
        let records = PackageRecord.parse(text)
        let sha256 = try #require(Nonce(hex: digest))
        #expect(
            records.map(\.pin) == [
                PackagePin(name: "linux-image-amd64", version: "6.1.192-2", size: 1480, sha256: sha256),
                PackagePin(name: "last", version: "1:2~3", size: 5, sha256: sha256, architecture: "all"),
            ]
        )
        #expect(records.first?.depends == ["linux-image-6.1.0-56-amd64", "base"])
    }

    @Test(arguments: ["bash", "g++", "libstdc++-12-dev", "0ad", "a.b"])
    func packageNames(name: String) { #expect(PackageRequest.isPackageName(name)) }

    @Test(arguments: ["", "a", "-o", "--help", "Bash", "a b", "a/b", "a=1", "ä", "bash\n"])
    func noPackageNames(name: String) { #expect(!PackageRequest.isPackageName(name)) }
}
