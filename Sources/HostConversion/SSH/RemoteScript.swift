package import SystemPackage

/// A POSIX shell script for the server, and what may become of it.
///
/// It goes in on standard input behind its own length: a connection that breaks on the way runs nothing of it. The command
/// line has only words of our own in it, which every login shell reads alike.
package struct RemoteScript: Sendable {
    package var text: String
    /// What it is for, as the end of the sentence `took longer than 30 s for: …`.
    package var purpose: String
    /// A local file that the script finds as its standard input.
    package var payload: FilePath?
    package var timeLimit: Duration
    /// How long the server may give no sign of life meanwhile: it gives one every `aliveSeconds`.
    package var silenceLimit: Duration = Self.silenceLimit
    package var aliveSeconds = 20
    /// What it may print, in bytes; more is an error of whoever reads the answer.
    package var outputLimit: Int

    package init(
        _ text: String,
        purpose: String,
        payload: FilePath? = nil,
        timeLimit: Duration,
        outputLimit: Int = 1 << 20
    ) {
        (self.text, self.purpose, self.payload) = (text, purpose, payload)
        (self.timeLimit, self.outputLimit) = (timeLimit, outputLimit)
    }

    package static let silenceLimit: Duration = .seconds(180)
    /// A line of standard error that says no more than that.
    static let aliveMark = "muster-alive"

    /// Says it, until the script's shell has ended. No child of that shell, whose `wait` would never return.
    private var heartbeat: String {
        """
        alive=$({ while sleep \(aliveSeconds) 2> /dev/null; do kill -0 $$ 2> /dev/null || exit; echo \(Self.aliveMark) >&2; done; } \
            < /dev/null > /dev/null & echo $!)
        trap 'kill $alive 2> /dev/null' EXIT

        """
    }

    /// Stands in front of a script's length. Lines before it (a password that sudo did not ask for) are skipped.
    private static let mark = "muster-script:"
    /// Stands in front of a script's output. What a login shell's own files print before it is skipped.
    static let outputMark = "muster-output:"

    /// Reads the script whole before it runs it; `head -c` takes no byte of what is behind it.
    private static let reader =
        "LC_ALL=C; export LC_ALL; "
        + "while IFS= read -r line; do case $line in \(mark)*) size=${line#\(mark)}; "
        + "script=$(head -c $size; echo .); script=${script%.}; [ ${#script} -eq $size ] || exit 70; "
        + "echo \(outputMark); eval \"$script\"; exit $?; ;; esac; done; exit 70"

    static func command(_ privilege: SSHConnection.Privilege) -> String {
        switch privilege {
        case .isRoot: "exec /bin/sh -c '\(reader)'"
        case .sudo: "exec sudo -n -- /bin/sh -c '\(reader)'"
        // -k: it asks also where it would not need to, so that the first line is always the password.
        case .sudoWithPassword: "exec sudo -S -k -p '' -- /bin/sh -c '\(reader)'"
        }
    }

    func input(_ privilege: SSHConnection.Privilege) throws(ConversionError) -> FileDescriptor {
        var head: [UInt8] = []
        if case .sudoWithPassword(let password) = privilege { head += Array("\(password)\n".utf8) }
        let text = Array((heartbeat + text).utf8)
        head += Array("\(Self.mark)\(text.count)\n".utf8) + text
        return try SSHFolder.input(head, payload: payload)
    }
}

/// What a script printed and how it ended.
package struct RemoteAnswer: Sendable {
    package var output: [UInt8]
    /// Whether it printed more than was allowed.
    package var isCut: Bool
    /// Its standard error: hostile text.
    package var complaint: String
    package var exitCode: Int32

    /// `nil` where the script never began.
    init?(_ ending: SSHProgram.Ending) {
        let mark = Array("\(RemoteScript.outputMark)\n".utf8)
        guard let exitCode = ending.exitCode, let begin = Self.end(of: mark, in: ending.output) else { return nil }
        output = Array(ending.output[begin...])
        (isCut, complaint, self.exitCode) = (ending.isCut, Self.withoutSignsOfLife(ending.complaint), exitCode)
    }

    private static func withoutSignsOfLife(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).filter { $0 != RemoteScript.aliveMark }
            .joined(separator: "\n")
    }

    /// Where the line that is `mark` ends.
    private static func end(of mark: [UInt8], in bytes: [UInt8]) -> Int? {
        var start = 0
        while start + mark.count <= bytes.count {
            if bytes[start..<start + mark.count].elementsEqual(mark) { return start + mark.count }
            guard let newline = bytes[start...].firstIndex(of: 10) else { return nil }
            start = newline + 1
        }
        return nil
    }
}
