/// A word for POSIX sh that is exactly this text: in single quotes, each of its own single quotes outside of them.
///
/// A zero byte cannot be in a word; it and what follows it are left out.
package func shellQuoted(_ text: some StringProtocol) -> String {
    let kept = text.unicodeScalars.prefix { $0 != "\0" }
    var quoted = "'"
    for scalar in kept {
        if scalar == "'" { quoted += "'\\''" } else { quoted.unicodeScalars.append(scalar) }
    }
    return quoted + "'"
}
