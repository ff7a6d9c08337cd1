import Glibc
package import SystemPackage

/// The folder that holds an image key: `key.pem` (private key and certificate, mode 0600) and `trusted.pem` (the
/// certificates of keys that were rotated out). Files are written beside their place and renamed, so that a killed program
/// leaves the old key or the new one.
package struct ImageKeyDirectory: Hashable, Sendable {
    package static let keyName = "key.pem"
    package static let trustedName = "trusted.pem"
    private static let unfinished = ".new"

    package let path: FilePath

    package init(_ path: FilePath) { self.path = path }

    package var keyFile: FilePath { path.appending(Self.keyName) }

    /// Whether there is a key that this user may use.
    package var hasReadableKey: Bool { access(keyFile.string, R_OK) == 0 }

    /// Makes a key; `name` becomes the certificate's, `now` is in seconds since 1970. A key that is there is left alone.
    package func create(name: String, passphrase: String?, now: Int64) throws(SigningError) -> SigningCertificate {
        try makeFolder()
        let lock = try lockFolder()
        defer { try? lock.close() }
        guard access(keyFile.string, F_OK) != 0 else {
            throw SigningError(
                .present,
                "there is an image key already: \(keyFile)",
                remedy: "muster image key rotate, which keeps images of the old one valid"
            )
        }
        let signer = try ImageSigner.generate(name: name, now: now)
        try replace(Self.keyName, with: try ImageKeyFile.encode(signer, passphrase: passphrase), permissions: 0o600)
        return signer.certificate
    }

    /// Replaces the key. The old private key is gone afterwards; its certificate stays trusted.
    package func rotate(name: String, passphrase: String?, now: Int64) throws(SigningError) -> SigningCertificate {
        _ = try certificates()
        let lock = try lockFolder()
        defer { try? lock.close() }
        let old = try certificates()
        let signer = try ImageSigner.generate(name: name, now: now, trusted: old.certificates)
        // First the certificates: killed between the two, a rotation has only trusted the old certificate twice.
        try replace(Self.trustedName, with: Array(old.pem.utf8), permissions: 0o644)
        try replace(Self.keyName, with: try ImageKeyFile.encode(signer, passphrase: passphrase), permissions: 0o600)
        return signer.certificate
    }

    /// The own certificate first, then those of earlier keys. Needs no passphrase.
    package func certificates() throws(SigningError) -> TrustedCertificates {
        let own = try ImageKeyFile.certificate(try readKeyFile())
        guard let all = TrustedCertificates([own] + (try readTrusted())) else {
            throw SigningError(
                .malformed,
                "there are more than \(TrustedCertificates.countMax) trusted certificates",
                remedy: "take the oldest out of \(path.appending(Self.trustedName))"
            )
        }
        return all
    }

    /// The key, ready to sign.
    package func signer(passphrase: String?) throws(SigningError) -> ImageSigner {
        try ImageKeyFile.decode(try readKeyFile(), passphrase: passphrase, trusted: try readTrusted())
    }

    /// Whether a passphrase is needed to sign.
    package func isEncrypted() throws(SigningError) -> Bool {
        String(decoding: try readKeyFile(), as: UTF8.self).contains("ENCRYPTED PRIVATE KEY")
    }

    private func readTrusted() throws(SigningError) -> [SigningCertificate] {
        let file = path.appending(Self.trustedName)
        guard access(file.string, F_OK) == 0 else { return [] }
        return try TrustedCertificates(pem: try read(file, limit: TrustedCertificates.bytesMax)).certificates
    }

    private func readKeyFile() throws(SigningError) -> [UInt8] {
        var status = stat()
        guard stat(keyFile.string, &status) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw .files("read \(keyFile)", Errno(rawValue: errno)) }
            throw SigningError(
                .missing,
                "there is no image key at \(path)",
                remedy: "muster image key create --directory \(path)"
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            throw SigningError(
                .files,
                "others than its owner can read the image key \(keyFile)",
                remedy: "chmod 600 \(keyFile), and rotate the key if somebody may have read it"
            )
        }
        return try read(keyFile, limit: ImageKeyFile.bytesMax)
    }

    private func read(_ file: FilePath, limit: Int) throws(SigningError) -> [UInt8] {
        do {
            let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            let bytes = try [UInt8](unsafeUninitializedCapacity: limit + 1) { buffer, count in
                count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            guard bytes.count <= limit else { throw Errno.fileTooLarge }
            return bytes
        } catch {
            throw .files("read \(file)", error)
        }
    }

    private func makeFolder() throws(SigningError) {
        guard access(path.string, F_OK) != 0 else { return }
        // Above it, folders as mkdir -p makes them; the folder itself is the owner's alone.
        var parents: [FilePath] = []
        var parent = path.removingLastComponent()
        while !parent.isEmpty, access(parent.string, F_OK) != 0 {
            parents.append(parent)
            parent.removeLastComponent()
        }
        for folder in parents.reversed() { try makeFolder(folder, mode: 0o755) }
        try makeFolder(path, mode: 0o700)
    }

    private func makeFolder(_ folder: FilePath, mode: mode_t) throws(SigningError) {
        guard mkdir(folder.string, mode) == 0 || errno == EEXIST else {
            throw .files("make \(folder)", Errno(rawValue: errno))
        }
    }

    /// One program at a time makes or replaces a key; the kernel lets go when it ends.
    private func lockFolder() throws(SigningError) -> FileDescriptor {
        do {
            let folder = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
            guard flock(folder.rawValue, LOCK_EX | LOCK_NB) == 0 else {
                let reason = Errno(rawValue: errno)
                try? folder.close()
                throw reason
            }
            return folder
        } catch {
            throw .files("lock \(path)", error)
        }
    }

    private func replace(_ name: String, with bytes: [UInt8], permissions: CModeT) throws(SigningError) {
        let place = path.appending(name)
        let new = path.appending(name + Self.unfinished)
        do {
            unlink(new.string)
            let file = try FileDescriptor.open(
                new,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: permissions)
            )
            defer { try? file.close() }
            try file.writeAll(bytes)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            guard rename(new.string, place.string) == 0 else { throw Errno(rawValue: errno) }
            let folder = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
            defer { try? folder.close() }
            guard fsync(folder.rawValue) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            unlink(new.string)
            throw .files("write \(place)", error)
        }
    }
}
