import Crypto
import CryptoExtras
import Foundation
import NIOPosix

/// A password as it is kept: scrypt (RFC 7914) with a salt of its own, written
/// `scrypt$N$r$p$salt$key`, salt and key in hex.
struct PasswordHash: Hashable, Sendable {
    private var rounds: Int
    private var blockSize: Int
    private var parallelism: Int
    private var salt: [UInt8]
    private var key: [UInt8]

    /// 32 MiB and about a tenth of a second.
    private static let (rounds, blockSize, parallelism) = (1 << 15, 8, 1)
    private static let keyBytes = 32
    private static let saltBytes = 16

    static func make(_ password: String) async throws(EngineError) -> PasswordHash {
        var hash = PasswordHash(
            rounds: rounds,
            blockSize: blockSize,
            parallelism: parallelism,
            salt: (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max) },
            key: []
        )
        hash.key = try await hash.derive(password)
        return hash
    }

    /// A hash that no password has: its key is too short.
    static let unmatchable = PasswordHash(
        rounds: rounds,
        blockSize: blockSize,
        parallelism: parallelism,
        salt: Array(repeating: 0, count: saltBytes),
        key: []
    )

    /// `nil` for text that is no hash of ours.
    init?(encoded: String) {
        let parts = encoded.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let parallelism = Int(parts[3]), let salt = Array(hexDigits: parts[4]), let key = Array(hexDigits: parts[5])
        else { return nil }
        self.init(rounds: rounds, blockSize: blockSize, parallelism: parallelism, salt: salt, key: key)
    }

    var encoded: String { "scrypt$\(rounds)$\(blockSize)$\(parallelism)$\(salt.hexDigits)$\(key.hexDigits)" }

    private init(rounds: Int, blockSize: Int, parallelism: Int, salt: [UInt8], key: [UInt8]) {
        (self.rounds, self.blockSize, self.parallelism, self.salt, self.key) = (
            rounds, blockSize, parallelism, salt, key
        )
    }

    /// Compares in constant time.
    func matches(_ password: String) async throws(EngineError) -> Bool {
        SymmetricKey(data: try await derive(password)) == SymmetricKey(data: key)
    }

    /// On NIO's pool of threads: a tenth of a second would hold up everything else here.
    private func derive(_ password: String) async throws(EngineError) -> [UInt8] {
        let (rounds, blockSize, parallelism, salt) = (rounds, blockSize, parallelism, salt)
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try KDF.Scrypt.deriveKey(
                    from: Array(password.utf8),
                    salt: salt,
                    outputByteCount: Self.keyBytes,
                    rounds: rounds,
                    blockSize: blockSize,
                    parallelism: parallelism
                ).withUnsafeBytes { Array($0) }
            }
        } catch {
            throw EngineError(.failed, "The password could not be hashed: \(error).")
        }
    }
}

extension [UInt8] {
    /// `nil` for an odd number of digits or another character.
    init?(hexDigits text: some StringProtocol) {
        let digits = text.utf8.map { digit in Character(UnicodeScalar(digit)).hexDigitValue }
        guard digits.count.isMultiple(of: 2), digits.allSatisfy({ $0 != nil }) else { return nil }
        let values = digits.compactMap(\.self)
        self = stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }
}
