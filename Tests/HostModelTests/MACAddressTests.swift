import HostModel
import Testing

@Suite struct MACAddressTests {
    @Test("with colons or hyphens, in either case", arguments: ["52:54:00:ab:CD:0f", "52-54-00-AB-cd-0F"])
    func forms(_ text: String) throws {
        let address = try #require(MACAddress(text))
        #expect(address.rawValue == 0x5254_00AB_CD0F)
        #expect(address.description == "52:54:00:ab:cd:0f" && address.hyphenated == "52-54-00-ab-cd-0f")
        #expect(MACAddress(address.description) == address && MACAddress(octets: address.octets) == address)
    }

    @Test("every prefix, and every letter exchanged, is none")
    func broken() {
        let text = "52:54:00:ab:cd:0f"
        for length in 0..<text.count { #expect(MACAddress(text.prefix(length)) == nil) }
        for place in 0..<text.count {
            var letters = Array(text)
            letters[place] = letters[place] == ":" ? "-" : "g"
            #expect(MACAddress(String(letters)) == nil, "\(String(letters))")
        }
    }

    @Test(
        "what is none",
        arguments: [
            "52:54:00:ab:cd:0f:", "52:54:00:ab:cd:0f0", ":52:54:00:ab:cd:0", "525400abcd0f", "52:54:00:ab:cd:0f:11",
            "52:54-00:ab:cd:0f", "52-54-00-ab-cd:0f", "5:254:00:ab:cd:0f", "+2:54:00:ab:cd:0f", "５2:54:00:ab:cd:0f",
            " 52:54:00:ab:cd:0f",
        ]
    )
    func refusals(_ text: String) { #expect(MACAddress(text) == nil) }
}
