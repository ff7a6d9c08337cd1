import Crypto
import Foundation

/// Seals what must be kept and never shown, with a key that lies beside the CA's and not in the database. Each value is bound
/// to the row that it belongs to.
struct SecretBox: Sendable {
    private let key: SymmetricKey

    init(_ directory: KeyDirectory) throws(EngineError) {
        guard let key = Nonce32(try directory.secretsKey()) else {
            throw EngineError(.failed, "The key of the secrets is broken.", remedy: "Restore pki/ from a backup.")
        }
        self.key = SymmetricKey(data: key.bytes)
    }

    func seal(_ secret: Secret, for row: String) throws(EngineError) -> Data {
        let sealed = try? AES.GCM.seal(Data(secret.value.utf8), using: key, authenticating: Data(row.utf8))
        guard let data = sealed?.combined else { throw EngineError(.failed, "A secret could not be sealed.") }
        return data
    }

    func open(_ data: Data, of row: String) throws(EngineError) -> Secret {
        guard let box = try? AES.GCM.SealedBox(combined: data),
            let plain = try? AES.GCM.open(box, using: key, authenticating: Data(row.utf8))
        else {
            throw EngineError(
                .failed,
                "A stored password can not be read with the key in pki/secrets.key.",
                remedy: "Give the password once more, or restore pki/ from the same backup as the database."
            )
        }
        return Secret(String(decoding: plain, as: UTF8.self))
    }
}

/// 64 hexadecimal digits of a key.
private struct Nonce32 {
    let bytes: [UInt8]

    init?(_ text: String) {
        let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
        guard digits.count == 64 else { return nil }
        bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

extension KeyDirectory {
    /// The key that seals secrets; a new one where there is none yet.
    func secretsKey() throws(EngineError) -> String {
        let file = "\(path)/secrets.key"
        if FileManager.default.fileExists(atPath: file) {
            // One that is there is never written over: every stored password hangs on it.
            guard let data = FileManager.default.contents(atPath: file) else {
                throw EngineError(.failed, "\(file) cannot be read.", remedy: "Restore pki/ from a backup.")
            }
            return String(decoding: data, as: UTF8.self)
        }
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        try DurableFile.write("\(key)\n".utf8, to: file, mode: 0o600)
        return key
    }
}
