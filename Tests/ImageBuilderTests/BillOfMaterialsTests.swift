import FoundationEssentials
import Glibc
import HostModel
import SystemPackage
import Testing

@testable import ImageBuilder

@Suite struct BillOfMaterialsTests {
    @Test("case 57: the bill lists what dpkg-query lists") func debianTree() async throws {
        let scratch = try Scratch("dpkg")
        let database = scratch.file("tree/var/lib/dpkg")
        _ = try await output(
            of: "mkdir",
            ["-p", database.appending("updates").string, database.appending("info").string]
        )
        _ = try scratch.write([], to: "tree/var/lib/dpkg/status")
        _ = try scratch.write([], to: "tree/var/lib/dpkg/available")
        for (name, version) in [("zeta", "1:2.0-1+b3"), ("alpha", "0~rc1"), ("gone", "3")] {
            try await pack(name, version, in: scratch)
            let root = ["--root=\(scratch.file("tree"))", "--force-not-root", "--force-script-chrootless"]
            _ = try await output(of: "dpkg", root + ["--install", scratch.file("\(name).deb").string])
            if name == "gone" { _ = try await output(of: "dpkg", root + ["--remove", name]) }
        }
        let listed = try await output(
            of: "dpkg-query",
            ["--admindir", database.string, "-W", "-f", "${db:Status-Abbrev}${Package}\t${Version}\n"]
        )
        let expected = listed.split(separator: "\n").filter { $0.hasPrefix("ii ") }.map { $0.dropFirst(3) }
        let status = String(decoding: try scratch.bytes("tree/var/lib/dpkg/status"), as: UTF8.self)
        let packages = SBOMPackage.parse(dpkgStatus: status)
        #expect(packages.map { "\($0.name)\t\($0.version)" } == expected.map(String.init))
        #expect(packages.map(\.name) == ["alpha", "zeta"])
        let document = SPDXDocument(try SealedImage(isSigned: false).manifest, packages: packages, epoch: 0)
        let read = try SPDXPackageList.read(try document.encoded())
        #expect(read.map { "\($0.name)\t\($0.version)" } == expected.map(String.init))
    }

    @Test("case 57: the bill lists what rpm -qa lists") func rpmList() throws {
        let text = """
            zlib\t0\t1.2.11-40.el9\tx86_64\t202088
            gpg-pubkey\t0\t8483c65d-5ccc5b19\t(none)\t0
            bind-libs\t32\t9.16.23-18.el9\tx86_64\t3367056

            """
        let packages = try #require(SBOMPackage.parse(rpmList: text, distribution: "centos"))
        #expect(packages.map(\.name) == ["bind-libs", "zlib"])
        #expect(packages.map(\.version) == ["32:9.16.23-18.el9", "1.2.11-40.el9"])
        #expect(packages[0].purl == "pkg:rpm/centos/bind-libs@32%3A9.16.23-18.el9?arch=x86_64")
        #expect(packages[1].installedSize == 202_088)
        #expect(SBOMPackage.parse(rpmList: "zlib 1.2\n", distribution: "centos") == nil)
    }

    @Test("case 57: the bill is the same each time, and its time is the epoch") func isReproducible() throws {
        let one = try SealedImage()
        let other = try SealedImage()
        let bytes = try one.scratch.bytes("sbom.spdx.json")
        #expect(try other.scratch.bytes("sbom.spdx.json") == bytes)
        #expect(try other.scratch.bytes("manifest.json.p7s") == one.scratch.bytes("manifest.json.p7s"))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains(#""created" : "2023-11-14T22:13:20Z""#))
        #expect(text.contains("pkg:deb/debian/libstdc%2B%2B6@1%3A12.2%2Bb1~x?arch=amd64"))
    }

    /// By the SPDX project's own validator where it is installed, else by the rules of the schema that our documents can break.
    @Test("case 57: the bill is valid SPDX 2.3") func isValid() async throws {
        let image = try SealedImage()
        let file = image.scratch.file("sbom.spdx.json").string
        let report = try await output(
            of: "python3",
            [Project.root.appending("Tests/ImageBuilderTests/check-spdx.py").string, file]
        )
        #expect(report == "valid\n", "\(report)")
    }

    private func pack(_ name: String, _ version: String, in scratch: Scratch) async throws {
        _ = try await output(of: "mkdir", ["-p", scratch.file("\(name)/DEBIAN").string])
        let control =
            "Package: \(name)\nVersion: \(version)\nArchitecture: all\nMaintainer: N <n@example.org>\nDescription: x\n y\n"
        _ = try scratch.write(Array(control.utf8), to: "\(name)/DEBIAN/control")
        let package = scratch.file("\(name).deb").string
        _ = try await output(
            of: "dpkg-deb",
            ["--root-owner-group", "-Zgzip", "-b", scratch.file(name).string, package]
        )
    }
}
