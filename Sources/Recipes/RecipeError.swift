package import HostModel

/// Why a script could not be written. Nothing is sent to a machine then: a half-escaped script is worse than none.
package enum RecipeError: Error, Hashable, Sendable {
    /// A template names a placeholder that nobody fills.
    case unknownPlaceholder(template: String, name: String)
    /// `{{` without `}}`, or a name that is not lower-case letters and underscores.
    case malformedPlaceholder(template: String, line: Int)
    /// The first line is not `#!ipxe`.
    case notAScript(template: String)
    /// A word of the kernel command line would be read as something else by iPXE, GRUB or the kernel.
    case unsafeArgument(value: String, reason: String)
    /// The kernel cuts longer lines off (COMMAND_LINE_SIZE).
    case commandLineTooLong(bytes: Int, limit: Int)
    /// The image has no file of that role.
    case missingFile(image: String, role: ImageManifest.File.Role)
    /// A name in a manifest that is not one safe path component.
    case unsafeName(value: String)
    case unsupportedMode(profile: String, mode: BootProfile.Mode)
    /// A value for a kickstart that is no word of it.
    case unsafeWord(value: String)
    /// Values that do not go together.
    case contradiction(what: String, reason: String)
    /// A kickstart without the engine that the host is to register with.
    case engineUnknown
}

extension RecipeError: CustomStringConvertible {
    /// One sentence of cause, safe on a terminal, without a full stop.
    package var description: String {
        switch self {
        case .unknownPlaceholder(let template, let name): "\(template) asks for {{\(name)}}, which nobody fills"
        case .malformedPlaceholder(let template, let line):
            "line \(line) of \(template) has a malformed {{placeholder}}"
        case .notAScript(let template): "\(template) does not begin with the line #!ipxe"
        case .unsafeArgument(let value, let reason):
            "the kernel argument \"\(terminalEscaped(value))\" \(reason)"
        case .commandLineTooLong(let bytes, let limit):
            "the kernel command line is \(bytes) bytes long, and the kernel reads \(limit)"
        case .missingFile(let image, let role): "the image \(terminalEscaped(image)) has no \(role.rawValue)"
        case .unsafeName(let value): "\"\(terminalEscaped(value))\" cannot name an image, a version or a file"
        case .unsupportedMode(let profile, let mode):
            "the boot profile \(terminalEscaped(profile)) has the mode \(mode.rawValue), for which there is no script yet"
        case .unsafeWord(let value): "\"\(terminalEscaped(value))\" cannot stand in a kickstart file"
        case .contradiction(let what, let reason): "\(what) cannot be: \(reason)"
        case .engineUnknown: "this boot server was not told where the engine is"
        }
    }

    /// What to do about it.
    package var remedy: String {
        switch self {
        case .unknownPlaceholder, .malformedPlaceholder, .notAScript:
            "correct the file in the pxe or the kickstart directory"
        case .unsafeArgument, .commandLineTooLong: "change the kernel arguments of the boot profile or of the image"
        case .missingFile, .unsafeName: "build and publish the image again"
        case .unsupportedMode: "set a boot profile with the mode run, kickstart, local or deny"
        case .unsafeWord, .contradiction: "correct the kickstart settings of the profile or of the host"
        case .engineUnknown: "start muster-boot with --engine and --engine-fingerprint"
        }
    }
}
