import HostModel

/// The scripts that run a conversion's library on the server.
enum ServerScript {
    private static let folder = ConversionLibrary.folder

    /// Lays the library and the step's own script there, waits for an earlier run, and does the step.
    static func step(_ step: ConversionStep, mode: String, lockSeconds: Int) -> String {
        let id = step.id.rawValue
        return prelude + """
            mkdir -p "$D/step-\(id)" && lay "$D/library" \(shellQuoted(ConversionLibrary.text)) &&
                lay "$D/step-\(id)/script" \(shellQuoted(step.script)) && lay "$D/undo" \(shellQuoted(undoProgram)) ||
                full
            step=\(id)
            . "$D/library"
            flock -w \(lockSeconds) 9 || { said="$(tail -n 1 "$D/journal" 2> /dev/null)
            "; answer busy; }
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
        flock -w "${lock_seconds:-60}" 9 || { echo 'a conversion is at work' >&2; exit \(busyCode); }
        . \(folder)/library
        undo_all

        """

    /// What `undo` and `farewell` end with where another run is at work (sysexits.h: try again later).
    static let busyCode: Int32 = 75

    /// All but the way in, which is needed should the connection break before the report has arrived.
    static func undo(lockSeconds: Int) -> String {
        """
        trap '' HUP
        [ -e \(folder)/undo ] || { cat /run/muster-undone 2> /dev/null || printf 'nothing here\\nend\\n'; exit 0; }
        # Waiting for an earlier run of ours may end with nothing left to do: its report is there.
        said=$(keep_access=yes lock_seconds=\(lockSeconds) sh \(folder)/undo)
        code=$?
        if [ $code != 0 ] && [ ! -e \(folder)/undo ] && [ -e /run/muster-undone ]; then cat /run/muster-undone; exit 0; fi
        printf '%s\\n' "$said"
        exit $code

        """
    }

    /// After it, the way in and the conversion's own folder go, unless there is something left to try again.
    static func farewell(lockSeconds: Int) -> String {
        """
        trap '' HUP
        D=\(folder)
        [ -e "$D/undo" ] && [ ! -s "$D/failed-undo" ] || exit 0
        exec 9> "$D/lock"
        flock -w \(lockSeconds) 9 || exit \(busyCode)
        if [ -e "$D/step-access/script" ]; then timeout -k 5 60 sh "$D/step-access/script" undo > /dev/null 2>&1 < /dev/null 9>&-; fi
        code=$?
        [ $code != 0 ] || rm -rf "$D"
        exit $code

        """
    }

    static let finish = """
        : > \(folder)/finished && sync -f \(folder)

        """
}
