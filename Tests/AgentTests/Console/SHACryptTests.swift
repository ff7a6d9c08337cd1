import Agent
import Testing

@Suite struct SHACryptTests {
    @Test(
        "hashes that openssl passwd made",
        arguments: [
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        ]
    )
    func vectors(hash: String) throws {
        let crypt = try #require(SHACrypt(hash))
        #expect(crypt.accepts("Hello world!"))
        for wrong in ["", "hello world!", "Hello world", "Hello world!!", String(repeating: "a", count: 129)] {
            #expect(!crypt.accepts(wrong))
        }
    }

    @Test("a password longer than the digest")
    func longPassword() throws {
        let hash = "$6$ab$HnA5TnIXZLaJia.NCYaJ8d09UoA6QTpKP1a7BUGWlqSEKOYX79MUlU1DMa5hX8/.0xmYmzd9feKcfseOxmGws/"
        let password = "a much longer password than sixty-four bytes, because the digest is repeated for it"
        #expect(try #require(SHACrypt(hash)).accepts(password))
    }

    @Test(arguments: [
        "", "$", "$6$", "plain", "$1$salt$hash", "$y$j9T$x$y", "$6$salt$short", "$6$rounds=x$salt$h",
        "$6$rounds=99999999$s$h", "*", "!",
    ])
    func refuses(hash: String) { #expect(SHACrypt(hash) == nil) }
}
