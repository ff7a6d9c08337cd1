import HostModel

/// The scripts that run a conversion's library on the server.
enum ServerScript {
    private static let folder = ConversionLibrary.folder

    /// Lays the library and the step's own script there, waits for an earlier run, and does the step.
    static func step(_ step: ConversionStep, mode: String) -> String {
        let id = step.id.rawValue
        return prelude + """
            mkdir -p "$D/step-\(id)" && lay "$D/library" \(shellQuoted(ConversionLibrary.text)) &&
                lay "$D/step-\(id)/script" \(shellQuoted(step.script)) && lay "$D/undo" \(shellQuoted(undoProgram)) ||
                full
            step=\(id)
            . "$D/library"
            flock -w \(Conversion.lockSeconds) 9 || answer busy
            step_run \(id) \(step.limit) \(mode)

            """
    }

    /// Nothing on the server is begun before the lock is there; a connection that ends does not end what runs.
    private static let prelude = """
        trap '' HUP
        PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
        umask 077
        D=\(folder)
        lay() { printf %s "$2" > "$1.new" && mv -f "$1.new" "$1"; }
        # Without room for the scripts there is none for anything: said without a file.
        full() {
            free=$(df -Pk /var | awk 'NR == 2 {print $4}' | base64)
            printf 'muster-answer 1\\nresult %s\\nfree %s\\nend 2\\n' "$(printf unsaved | base64)" "$free"
            exit 0
        }
        rm -f /run/muster-undone
        mkdir -p "$D" && chmod 700 "$D" && exec 9> "$D/lock" || full

        """

    /// `sh /var/lib/muster-conversion/undo`, also by hand.
    private static let undoProgram = """
        # Takes the conversion of this server back, without the engine.
        exec 9> \(folder)/lock
        flock -w \(Conversion.lockSeconds) 9 || { echo 'a conversion is at work' >&2; exit 75; }
        . \(folder)/library
        undo_all

        """

    /// All but the way in, which is needed should the connection break before the report has arrived.
    static let undo = """
        trap '' HUP
        [ -e \(folder)/undo ] || { cat /run/muster-undone 2> /dev/null || echo end; exit 0; }
        # Waiting for an earlier run of ours may end with nothing left to do: its report is there.
        said=$(keep_access=yes sh \(folder)/undo)
        code=$?
        if [ $code != 0 ] && [ ! -e \(folder)/undo ] && [ -e /run/muster-undone ]; then cat /run/muster-undone; exit 0; fi
        printf '%s\\n' "$said"
        exit $code

        """

    /// After it, the way in and the conversion's own folder go, unless there is something left to try again.
    static let farewell = """
        trap '' HUP
        D=\(folder)
        [ -e "$D/undo" ] && [ ! -s "$D/failed-undo" ] || exit 0
        exec 9> "$D/lock"
        flock -w \(Conversion.lockSeconds) 9 || exit 75
        if [ -e "$D/step-access/script" ]; then timeout -k 5 60 sh "$D/step-access/script" undo > /dev/null 2>&1 < /dev/null 9>&-; fi
        code=$?
        rm -rf "$D"
        exit $code

        """

    static let finish = """
        : > \(folder)/finished && sync -f \(folder)

        """
}
