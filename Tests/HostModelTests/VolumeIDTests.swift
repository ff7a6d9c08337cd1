import HostModel
import Testing

@Suite struct VolumeIDTests {
    @Test(
        "case 32: a volume id is 1 to 32 of A-Z 0-9 _",
        arguments: ["A", "NODE_1", String(repeating: "X", count: 32)]
    )
    func accepts(text: String) {
        #expect(VolumeID(text)?.text == text)
    }

    @Test(
        "case 32: empty, 33 characters, lower case, Unicode and what a command line would act on are refused",
        arguments: [
            "", String(repeating: "X", count: 33), "node", "NÖDE", "A B", "A-B", "A.B", "A\n", "A\u{0}", "É", "${x}",
        ]
    )
    func refuses(text: String) {
        #expect(VolumeID(text) == nil)
    }

    @Test(
        "case 32: every image's name and version make a valid id that ends with the version",
        arguments: [
            ("node-minimal", "e4ed3b9a0123", "NODE_MINIMAL_E4ED3B9A"), ("a.b_c", "1", "A_B_C_1"),
            (String(repeating: "n", count: 63), "0123456789ab", String(repeating: "N", count: 23) + "_01234567"),
        ]
    )
    func derives(name: String, version: String, id: String) {
        #expect(VolumeID(image: name, version: version).text == id)
        #expect(VolumeID(id) != nil)
    }
}
