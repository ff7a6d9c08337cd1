import HostModel

/// The scripts that run a conversion's library on the server.
enum ServerScript {
    private static let folder = ConversionLibrary.folder

    /// Lays the library and the step's own script there, waits for an earlier run, and does the step. `begins`: the first
    /// question of a run, which goes on after an earlier one was stopped; whoever asked before that does not.
    static func step(_ step: ConversionStep, mode: String, lockSeconds: Int, begins: Bool) -> String {
        let id = step.id.rawValue
        return prelude + (begins ? goOn : "") + """
            mkdir -p "$D/step-\(id)" && lay "$D/library" \(shellQuoted(ConversionLibrary.text)) &&
                lay "$D/step-\(id)/script" \(shellQuoted(step.script)) && lay "$D/undo" \(shellQuoted(undoProgram)) ||
                full
            step=\(id)
            . "$D/library"
            flock -w \(lockSeconds) 9 || { said="$(tail -n 1 "$D/journal" 2> /dev/null)
            "; answer busy; }
            [ ! -e "$D/stop" ] || answer stopped
            step_run \(id) \(step.limit) \(mode)

            """
    }

    private static let goOn = """
        rm -f "$D/stop"

        """

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
        [ -n "${keep_access:-}" ] || rm -f \(folder)/stop
        flock -w "${lock_seconds:-60}" 9 || { echo 'a conversion is at work' >&2; exit \(busyCode); }
        . \(folder)/library
        undo_all

        """

    /// What `undo` and `farewell` end with where another run is at work (sysexits.h: try again later).
    static let busyCode: Int32 = 75
    /// What `undo` ends with where it was stopped between two steps.
    static let stoppedCode: Int32 = 76

    /// All but the way in, which is needed should the connection break before the report has arrived.
    static func undo(lockSeconds: Int, begins: Bool) -> String {
        """
        trap '' HUP
        \(begins ? "rm -f \(folder)/stop" : ":")
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

    /// Whoever is at work there ends after its step, or, when that takes longer than `graceSeconds`, at once; whoever waits
    /// for its turn does nothing any more. Prints whether a step was ended, and the journal's last line.
    static func stop(graceSeconds: Int) -> String {
        processes + """
            trap '' HUP
            PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
            D=\(folder)
            [ -d "$D" ] || { echo end; exit 0; }
            : > "$D/stop" && exec 9> "$D/lock" || exit 70
            ended=no
            flock -w \(graceSeconds) 9 || {
                ended=yes
                read -r worker < "$D/worker" && tr '\\0' ' ' < "/proc/$worker/cmdline" | grep -q "^timeout .*$D/step-" &&
                    end_tree "$worker"
                flock -w \(stopSeconds) 9 || exit \(busyCode)
            }
            echo "ended $ended"
            echo "last $(tail -n 1 "$D/journal" 2> /dev/null)"
            echo end

            """
    }

    /// How long what is left of a run may take once its step was ended: /etc is hashed.
    static let stopSeconds = 120

    /// `end_tree PID`: ends a process and all below it; first as they like, then for good. A package manager's own children
    /// are not in the group that `timeout` ends.
    private static let processes = #"""
        # PID.START of a process and of all below it.
        tree() {
            cat /proc/[0-9]*/stat 2> /dev/null | sed -n 's/^\([0-9]*\) (.*) \([A-Za-z]\) /\1 \2 /p' | awk -v root="$1" '
                { parent[$1] = $3; start[$1] = $21 }
                END { for (p in parent) { q = p; while (q != root && q > 1 && q in parent) q = parent[q]
                    if (q == root) print p "." start[p] } }'
        }
        # Those that still are: a number may be another process's by now.
        left() {
            for one; do
                start=$(sed -n 's/^[0-9]* (.*) //p' "/proc/${one%.*}/stat" 2> /dev/null | awk '$1 != "Z" {print $20}')
                [ "$start" != "${one#*.}" ] || echo "${one%.*}"
            done
        }
        end_tree() {
            all=$(tree "$1")
            kill -TERM $(left $all) 2> /dev/null
            tries=0
            while [ -n "$(left $all)" ] && [ $tries -lt 20 ]; do
                sleep 0.5
                tries=$((tries + 1))
            done
            rest=$(left $all)
            [ -z "$rest" ] || kill -KILL $rest 2> /dev/null
        }

        """#

    static let finish = """
        : > \(folder)/finished && sync -f \(folder)

        """
}
