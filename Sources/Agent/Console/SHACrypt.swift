import Crypto

/// A password hash of the SHA-crypt schemes, `$5$…` and `$6$…`, as crypt(3) and `openssl passwd -5|-6` make them
/// (U. Drepper, "Unix crypt using SHA-256 and SHA-512", 2007). Others, such as `$y$`, are not known.
package struct SHACrypt: Hashable, Sendable {
    private enum Scheme: Hashable {
        case sha256
        case sha512
    }

    private let scheme: Scheme
    private let rounds: Int
    private let salt: [UInt8]
    private let encoded: String

    /// The longest password, in bytes.
    package static let passwordBytesMax = 128
    /// What the schemes allow, but for an upper bound that keeps a wrong password from taking hours.
    private static let roundsRange = 1000...1_000_000
    private static let roundsDefault = 5000
    private static let saltBytesMax = 16

    /// Reads `$6$[rounds=N$]SALT$HASH`; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        var parts = text.split(omittingEmptySubsequences: false) { $0 == "$" }.map { String($0) }
        guard parts.count >= 4, parts.removeFirst().isEmpty else { return nil }
        switch parts.removeFirst() {
        case "5": scheme = .sha256
        case "6": scheme = .sha512
        default: return nil
        }
        if parts[0].hasPrefix("rounds=") {
            guard let number = Int(parts.removeFirst().dropFirst(7)), Self.roundsRange.contains(number) else {
                return nil
            }
            rounds = number
        } else {
            rounds = Self.roundsDefault
        }
        guard parts.count == 2, parts[1].utf8.count == (scheme == .sha256 ? 43 : 86) else { return nil }
        (salt, encoded) = (Array(parts[0].utf8.prefix(Self.saltBytesMax)), parts[1])
    }

    /// Compares in a time that does not depend on where they differ.
    package func accepts(_ password: String) -> Bool {
        let key = Array(password.utf8)
        guard key.count <= Self.passwordBytesMax else { return false }
        let computed: String
        switch scheme {
        case .sha256: computed = Self.encode256(digest(key, SHA256.self))
        case .sha512: computed = Self.encode512(digest(key, SHA512.self))
        }
        return zip(computed.utf8, encoded.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func digest<Hash: HashFunction>(_ key: [UInt8], _ hash: Hash.Type) -> [UInt8] {
        let first = Self.firstDigest(key, salt, hash)
        let keySequence = Self.stretched(
            Self.hashed(Array(repeating: key, count: key.count).flatMap(\.self), hash),
            to: key.count
        )
        let saltRounds = 16 + Int(first[0])
        let saltSequence = Self.stretched(
            Self.hashed(Array(repeating: salt, count: saltRounds).flatMap(\.self), hash),
            to: salt.count
        )
        var last = first
        for round in 0..<rounds {
            var bytes = round % 2 == 1 ? keySequence : last
            if round % 3 != 0 { bytes += saltSequence }
            if round % 7 != 0 { bytes += keySequence }
            bytes += round % 2 == 1 ? last : keySequence
            last = Self.hashed(bytes, hash)
        }
        return last
    }

    private static func firstDigest<Hash: HashFunction>(_ key: [UInt8], _ salt: [UInt8], _ hash: Hash.Type) -> [UInt8] {
        let alternate = hashed(key + salt + key, hash)
        var bytes = key + salt + stretched(alternate, to: key.count)
        var count = key.count
        while count > 0 {
            bytes += count % 2 == 1 ? alternate : key
            count /= 2
        }
        return hashed(bytes, hash)
    }

    private static func hashed<Hash: HashFunction>(_ bytes: [UInt8], _ hash: Hash.Type) -> [UInt8] {
        Array(Hash.hash(data: bytes))
    }

    /// The digest over and over, up to `count` bytes.
    private static func stretched(_ digest: [UInt8], to count: Int) -> [UInt8] {
        (0..<count).map { digest[$0 % digest.count] }
    }

    private static let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    private static func symbols(_ high: UInt8, _ middle: UInt8, _ low: UInt8, count: Int) -> String {
        let bits = Int(high) << 16 | Int(middle) << 8 | Int(low)
        return String((0..<count).map { alphabet[bits >> (6 * $0) & 63] })
    }

    /// The schemes write three bytes a third of the digest apart as four symbols, and turn them by one place each time.
    private static func encode512(_ digest: [UInt8]) -> String {
        var text = ""
        var (first, second, third) = (0, 21, 42)
        for _ in 0..<21 {
            text += symbols(digest[first], digest[second], digest[third], count: 4)
            (first, second, third) = (second + 1, third + 1, first + 1)
        }
        return text + symbols(0, 0, digest[63], count: 2)
    }

    private static func encode256(_ digest: [UInt8]) -> String {
        var text = ""
        var (first, second, third) = (0, 10, 20)
        for _ in 0..<10 {
            text += symbols(digest[first], digest[second], digest[third], count: 4)
            (first, second, third) = (third + 1, first + 1, second + 1)
        }
        return text + symbols(0, digest[31], digest[30], count: 3)
    }
}
