import Archive
import Glibc
import Signing
import SystemPackage

/// Why an image was not built, and what to do about it: one sentence each.
package struct BuildError: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The definition or an argument is wrong.
        case definition
        /// A tool of the build machine is missing.
        case missingTool
        /// The package registry, or a package.
        case packages
        case diskFull
        /// Reading or writing failed otherwise.
        case files
        /// The result breaks a rule of the definition (too large, a library missing).
        case result
        /// Another build holds the directory.
        case busy
        /// Ctrl-C, or the task was cancelled.
        case interrupted
        /// The build needs root.
        case privilege
        /// A key, a certificate or a signature.
        case signing
        /// An image is not what it should be: damaged, cut off, of another kind.
        case image
    }

    package var kind: Kind
    package var message: String
    package var remedy: String

    package init(_ kind: Kind, _ message: String, remedy: String) {
        (self.kind, self.message, self.remedy) = (kind, message, remedy)
    }

    /// Translates what a lower floor threw while `doing` something.
    init(_ error: any Error, doing operation: String) {
        switch error {
        case let error as BuildError:
            self = error
        case let error as ImageDefinitionError:
            self.init(.definition, error.description, remedy: "correct the definition and build again")
        case is CancellationError:
            self = .interrupted
        case let error as SigningError:
            self.init(.signing, error.message, remedy: error.remedy)
        case let error as ArchiveError where error.code == ENOSPC || error.code == EDQUOT:
            self = .diskFull(operation)
        case let error as Errno where error == .noSpace || error.rawValue == EDQUOT:
            self = .diskFull(operation)
        default:
            let remedy = "see whether the file is there and can be read and written, and build again"
            self.init(.files, "could not \(operation): \(error)", remedy: remedy)
        }
    }

    static let interrupted = BuildError(
        .interrupted,
        "the build was interrupted",
        remedy: "build again: what was finished is kept"
    )

    static func diskFull(_ operation: String) -> BuildError {
        BuildError(
            .diskFull,
            "the disk is full: could not \(operation)",
            remedy: "free space there and build again; nothing was left behind"
        )
    }
}

extension BuildError: CustomStringConvertible {
    package var description: String { message }
}
