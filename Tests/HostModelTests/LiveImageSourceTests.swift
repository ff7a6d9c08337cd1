import HostModel
import Testing

/// `muster.image=`, the volume ids of media, and the sizes of hash trees.
@Suite struct LiveImageSourceTests {
    @Test(arguments: [
        ("http://10.77.0.1/images/node-debian/0123456789ab", "http://10.77.0.1/images/node-debian/0123456789ab"),
        ("http://10.77.0.1:8080/images/node/v1/", "http://10.77.0.1:8080/images/node/v1"),
        ("http://boot.example/node/v1", "http://boot.example/node/v1"),
        ("medium:NODE_DEBIAN_E4ED3B9A", "medium:NODE_DEBIAN_E4ED3B9A"),
    ])
    func aSourceIsReadAndWritten(value: String, canonical: String) throws {
        let source = try LiveImageSource(parsing: value)
        #expect(source.description == canonical)
        #expect(try LiveImageSource(parsing: canonical) == source)
    }

    @Test("the folder names image and version") func folder() throws {
        let folder = try LiveImageFolder(parsing: "http://10.77.0.1:8080/images/node-debian/0123456789ab")
        #expect((folder.name, folder.version) == ("node-debian", "0123456789ab"))
        #expect(
            folder.target("manifest.json", query: "mac=x") == "/images/node-debian/0123456789ab/manifest.json?mac=x"
        )
    }

    @Test(
        "A28: what is no boot server's folder is refused up front",
        arguments: [
            "", "file:///dev/zero", "https://10.0.0.1/images/n/v", "ftp://10.0.0.1/images/n/v", "/images/n/v",
            "http://169.254.169.254/latest/meta-data", "http://0.0.0.0/images/n/v", "http://224.0.0.1/images/n/v",
            "http://255.255.255.255/images/n/v", "http://user@10.0.0.1/images/n/v", "http://10.0.0.1",
            "http://10.0.0.1/",
            "http://10.0.0.1/v", "http://10.0.0.1/images/../v", "http://10.0.0.1/images/n/v?x=1",
            "http://10.0.0.1/images/n/v#x", "http://10.0.0.1:0/images/n/v", "http://10.0.0.1:65536/images/n/v",
            "http://10.0.0.1:080/images/n/v", "http://[::1]/images/n/v", "http:///images/n/v", "http://a b/images/n/v",
            "http://10.0.0.1/images/%6e/v", "http://10.0.0.1/a/b/c/d/e/f/g/h/i", "medium:", "medium:lower",
            "medium:A-B",
            "medium:../../etc", "medium:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ]
    )
    func refuses(value: String) {
        #expect(throws: KernelArgumentError.self) { try LiveImageSource(parsing: value) }
    }

    @Test(arguments: [
        ("node-debian", "e4ed3b9a0123", "NODE_DEBIAN_E4ED3B9A"), ("node.el9", "abc", "NODE_EL9_ABC"),
        ("a-very-long-name-for-an-image-of-mine", "e4ed3b9a0123", "A_VERY_LONG_NAME_FOR_AN_E4ED3B9A"),
    ])
    func aMediumIsNamedByImageAndVersion(name: String, version: String, volumeID: String) throws {
        #expect(VolumeID(image: name, version: version).text == volumeID)
        #expect(volumeID.utf8.count <= 32)
        _ = try LiveImageSource(parsing: "medium:\(volumeID)")
    }

    @Test(
        "a hash tree has the size that the kernel expects",
        arguments: [
            (1, [Int64]()), (2, [1]), (128, [1]), (129, [2, 1]), (16_384, [128, 1]), (16_385, [129, 2, 1]),
        ] as [(Int64, [Int64])]
    )
    func levels(dataBlocks: Int64, levels: [Int64]) throws {
        #expect(RootVerity.levels(dataBlocks: dataBlocks) == levels)
        let digest = Nonce.random()
        let verity = RootVerity(rootHash: digest, salt: digest, dataSize: dataBlocks * 4096)
        #expect(verity.fileSize == (dataBlocks + levels.reduce(0, +)) * 4096)
    }

    @Test(arguments: [0, -4096, 4095, 4097, .max] as [Int64])
    func dataOfNoWholeBlocksHasNoTree(dataSize: Int64) {
        let digest = Nonce.random()
        #expect(RootVerity(rootHash: digest, salt: digest, dataSize: dataSize).fileSize == nil)
    }
}
