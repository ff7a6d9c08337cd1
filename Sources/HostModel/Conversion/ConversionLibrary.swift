/// What every script of a conversion has on the server: where things are kept, and how a step is done and taken back.
///
/// Everything lies under /var/lib/muster-conversion (0700): `journal` with a line for every step begun, done and undone; `etc`,
/// a copy of /etc as it was before the first change, and `etc.before`, the list of what was in it; `etc.after`, the list as
/// we left it last, and `foreign`, the names that others changed since then; `packages.before`; and a folder for each step
/// with its script, its log and what it keeps; `worker`, the process of the step at work, and `stop`, where that was the last
/// one for now. `undo` takes everything back without the engine:
/// `sh /var/lib/muster-conversion/undo`.
package enum ConversionLibrary {
    package static let folder = "/var/lib/muster-conversion"

    /// The functions that steps use, and those that run them.
    package static let text = files + keeping + system + journal + undoing

    /// `etc_list ROOT`: a line for everything under it, `PATH TAB TYPE MODE UID GID LINK HASH`. Names with control characters
    /// are left out: they could be taken for two lines (the preflight names them).
    private static let files = #"""
        D=/var/lib/muster-conversion
        S=$D/step-${step:-none}
        PATH=/usr/sbin:/usr/bin:/sbin:/bin
        LC_ALL=C
        export PATH LC_ALL
        umask 022

        etc_list() {
            (
                cd "$1" || exit
                set -- . -xdev -name '*[[:cntrl:]]*' -prune -o
                {
                    find "$@" -type f -exec sha256sum -z {} + | tr '\0' '\n'
                    echo
                    find "$@" ! \( -type l -lname '*[[:cntrl:]]*' \) -printf '%p\t%y %m %U %G %l\n'
                } | awk -F '\t' '
                    !listing && $0 == "" { listing = 1; next }
                    !listing { hash[substr($0, 67)] = substr($0, 1, 64); next }
                    { print $0 ($2 ~ /^f/ ? " " hash[$1] : "") }' | sort
            )
        }
        # etc_now FILE: the list of /etc as it is. Hashing is saved where nothing can have changed since the last list: no
        # file there has another inode, size, mode, owner or time of change.
        etc_now() {
            sign=$(find /etc -xdev -printf '%p %i %s %m %U %G %C@\n' | sha256sum)
            if [ -e "$D/etc.last" ] && [ "$sign" = "$(cat "$D/etc.sign" 2> /dev/null)" ]; then cp "$D/etc.last" "$1"
            else
                rm -f "$D/etc.sign"
                etc_list /etc > "$1" && cp "$1" "$D/etc.last" && echo "$sign" > "$D/etc.sign"
            fi
        }
        # Only the file systems that are ours to wait for: another may be busy for minutes.
        flush() { sync -f "$D" /etc /usr /var/lib; }
        # The names of what differs between two such lists.
        differing() { sort "$1" "$2" | uniq -u | cut -f 1 | uniq; }

        # write FILE MODE TEXT: whole or not at all.
        write() {
            printf '%s\n' "$3" > "${1%/*}/.muster.new" && chmod "$2" "${1%/*}/.muster.new" &&
                mv -f "${1%/*}/.muster.new" "$1"
        }
        label() { if command -v restorecon > /dev/null; then restorecon -R "$@" || true; fi; }

        """#

    /// Files outside of /etc, units, users and packages as they were.
    private static let keeping = #"""
        keep() {
            [ ! -e "$S/absent$1" ] && [ ! -e "$S/kept$1" ] && [ ! -L "$S/kept$1" ] || return 0
            mkdir -p "$S/absent${1%/*}" "$S/kept${1%/*}"
            if [ -e "$1" ] || [ -L "$1" ]; then
                cp -a -- "$1" "$S/kept$1.new" && mv -f "$S/kept$1.new" "$S/kept$1"
            else : > "$S/absent$1"; fi
        }
        was_there() { [ -e "$S/kept$1" ] || [ -L "$S/kept$1" ]; }
        put_back() {
            if was_there "$1"; then cp -a -- "$S/kept$1" "$1.muster-old" && mv -f "$1.muster-old" "$1"
            elif [ -e "$S/absent$1" ]; then rm -f -- "$1"; fi
        }

        has_unit() { systemctl cat "$1" > /dev/null 2>&1; }
        keep_unit() {
            grep -qs "^$1 " "$S/units" && return
            echo "$1 $(systemctl is-active "$1" 2> /dev/null) $(systemctl is-enabled "$1" 2> /dev/null)" >> "$S/units"
        }
        # What starts a unit at boot is under /etc, and comes back with it.
        put_units_back() {
            [ -e "$S/units" ] || return 0
            while read -r unit active enabled; do
                has_unit "$unit" || continue
                case $enabled in
                enabled) systemctl enable "$unit" ;;
                disabled) systemctl disable "$unit" ;;
                esac
                if [ "$active" = active ]; then systemctl start "$unit"; else systemctl stop "$unit"; fi
            done < "$S/units"
        }

        number_of() { getent "$1" "$2" | cut -d: -f3; }
        split_account() {
            user=${1%%:*}; set -- "${1#*:}"; uid=${1%%:*}; set -- "${1#*:}"
            group=${1%%:*}; set -- "${1#*:}"; gid=${1%%:*}; shared=${1#*:}
        }
        keep_accounts() {
            [ -e "$S/accounts" ] && return
            { getent passwd | sed 's/^/passwd:/'; getent group | sed 's/^/group:/'; } | cut -d: -f 1,2,4 > "$S/accounts.new"
            mv "$S/accounts.new" "$S/accounts"
        }
        # Where nothing was kept, the step never began its work: everything counts as having been there.
        had() { [ ! -e "$S/accounts" ] || grep -qxE "$1:$2:[0-9]+" "$S/accounts"; }
        old_number() {
            if [ -e "$S/accounts" ]; then sed -n "s/^$1:$2://p" "$S/accounts"; else number_of "$1" "$2"; fi
        }

        installed() {
            if [ -e /etc/debian_version ]; then
                dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package} ${Version}\n' | sed -n 's/^.[^nc]. *//p'
            else rpm -qa --qf '%{NAME}.%{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n'; fi | sort
        }
        # Those that are there now, were not before the conversion, and were right after our step: what others put there
        # since stays.
        packages_added() {
            installed | cut -d ' ' -f 1 | sort > "$S/now"
            cut -d ' ' -f 1 "$D/packages.before" | sort > "$S/then"
            { cat "$S/packages.after" 2> /dev/null || installed; } | cut -d ' ' -f 1 | sort > "$S/ours"
            comm -23 "$S/now" "$S/then" | comm -12 - "$S/ours"
        }

        """#

    private static let system = #"""
        fits() {
            [ "$(openssl x509 -in /var/lib/muster-agent/certificate.pem -noout -pubkey)" = \
                "$(openssl pkey -in /var/lib/muster-agent/key.pem -pubout)" ]
        }
        source_line() {
            if [ -n "$key" ]; then echo "deb [signed-by=/etc/apt/keyrings/muster.asc] $url ./"
            else echo "deb [trusted=yes] $url ./"; fi
        }
        source_lines() {
            printf '[muster]\nname=Muster\nbaseurl=%s\nenabled=1\n' "$url"
            if [ -n "$key" ]; then printf 'gpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-muster\n'
            else echo 'gpgcheck=0'; fi
            [ -z "$authority" ] || echo 'sslcacert=/etc/pki/tls/certs/muster-ca.pem'
        }
        # The units as a kickstart installs them (kickstart/install-agent.sh.template).
        agent_unit() {
            case $1 in
            apply) set -- apply 'sets up networks' 'apply --without-boot-network' ;;
            register) set -- register 'registers this host with its engine' 'register --stay --command-line /etc/muster-agent/arguments' ;;
            serve) set -- serve 'answers the engine' 'serve --user vdsm' ;;
            esac
            printf '%s\n' '[Unit]' "Description=Muster: $2" 'Wants=network-online.target' 'After=network-online.target' \
                '' '[Service]' "ExecStart=/usr/bin/muster-agent $3" 'Restart=always' 'RestartSec=1' \
                'RuntimeDirectory=muster-agent' 'RuntimeDirectoryMode=0755' 'RuntimeDirectoryPreserve=yes' \
                '' '[Install]' 'WantedBy=multi-user.target'
        }

        """#

    /// `conversion_begin`, `step_run ID LIMIT MODE`; the answer is a transcript.
    private static let journal = #"""
        items=0
        emit() {
            [ -n "$2" ] || return 0
            printf '%s %s\n' "$1" "$2"
            items=$((items + 1))
        }
        # answer RESULT CODE: what became of the step, what it gives, and the end of its log.
        answer() {
            echo 'muster-answer 1'
            emit result "$(printf %s "$1" | base64)"
            emit code "$(printf %s "${2:-0}" | base64)"
            emit output "$(head -c 65536 "$S/output" 2> /dev/null | base64 | tr -d '\n')"
            emit log "$({ printf %s "${said:-}"; tail -c 8192 "$S/log"; } 2> /dev/null | base64 | tr -d '\n')"
            emit free "$(df -Pk "$D" | awk 'NR == 2 {print $4}' | base64)"
            echo "end $items"
            exit 0
        }
        record() { echo "$1 $2" >> "$D/journal" && sync "$D/journal"; }
        state_of() { sed -n "s/^\([a-z]*\) $1\$/\1/p" "$D/journal" 2> /dev/null | tail -n 1; }

        # Everything as it is before the first change, once.
        conversion_begin() {
            [ ! -e "$D/ready" ] || return 0
            rm -rf "$D/etc.new" "$D/etc"
            mkdir "$D/etc.new" && cp -ax /etc/. "$D/etc.new/" && mv "$D/etc.new" "$D/etc" &&
                etc_now "$D/etc.before" && etc_list "$D/etc" > "$D/etc.copied" || return
            if ! cmp -s "$D/etc.before" "$D/etc.copied"; then
                echo 'what was copied of /etc is not what is there:' >&2
                differing "$D/etc.before" "$D/etc.copied" | head -n 20 >&2
                return 1
            fi
            rm -f "$D/etc.copied"
            # Room for what the way back writes, should the disk be full then: its lists, and a file of /etc.
            : > "$D/foreign" && installed > "$D/packages.before" &&
                cat "$D/etc.before" "$D/etc.before" "$D/etc.before" "$D/packages.before" "$D/packages.before" > "$D/spare" &&
                cp "$D/etc.before" "$D/etc.after" && flush && : > "$D/ready"
        }
        # at_work SECONDS: what runs now changes /etc for so long at most, and every change until then counts as ours.
        at_work() { touch -d "$1 seconds" "$D/at-work" && sync "$D/at-work"; }
        # at_rest LIST: /etc as we leave it; whoever changes it from here on is another.
        at_rest() { sync "$1" && mv -f "$1" "$D/etc.after" && rm -f "$D/at-work"; }
        # What others changed under /etc since we left it, so that it is never taken back with ours. Where we never left it,
        # as our run was cut off, that is what changed later than such a run could.
        note_foreign() {
            [ -e "$D/etc.after" ] || return 0
            etc_now "$D/etc.now" && differing "$D/etc.after" "$D/etc.now" > "$D/changed" || return
            if [ -e "$D/at-work" ]; then
                ( cd /etc && find . -xdev -newercm "$D/at-work" ) | sort > "$D/later"
                comm -12 "$D/changed" "$D/later" >> "$D/foreign"
            else cat "$D/changed" >> "$D/foreign"; fi
        }
        # worked SECONDS PROGRAM...: runs it so long at most, and notes who it is, so that it can be ended before.
        worked() {
            within=$1; shift
            sh -c 'echo $$ > "$0" 2> /dev/null; exec "$@"' "$D/worker" timeout -k 10 "$within" "$@"
        }
        step_is_done() { timeout -k 5 60 sh "$S/script" check > "$S/check.log" 2>&1 < /dev/null 9>&-; }
        step_run() {
            : > "$S/output"
            if [ "$3" != do ] || [ "$(state_of "$1")" = "done" ]; then
                if step_is_done && [ "$(state_of "$1")" = "done" ]; then answer already; fi
                [ "$3" = do ] || answer needed
            fi
            : > "$S/output"
            said=$({ conversion_begin && note_foreign && at_work $(($2 + 60)) && rm -f "$D/finished" && record begun "$1"; } 2>&1) ||
                answer unsaved $?
            said=
            worked "$2" sh "$S/script" do > "$S/log" 2>&1 9>&-
            code=$?
            if [ $code = 0 ]; then
                step_is_done || { echo 'it ran, but is not done' >> "$S/log"; code=1; }
            fi
            [ "$1" != packages ] || installed > "$S/packages.after"
            etc_now "$D/etc.list" && at_rest "$D/etc.list"
            [ $code = 0 ] || answer failed $code
            flush
            record "done" "$1" || answer unsaved 1
            answer "done"
        }

        """#

    /// `undo_all`: every step that began, the last first; then /etc, as far as it is ours; then what still differs.
    private static let undoing = #"""
        undo_all() {
            # Without a journal nothing was begun, only copied.
            [ -e "$D/journal" ] || { rm -rf "$D"; echo end; return 0; }
            rm -f "$D/spare" "$D/etc.list"
            # Who cannot tell what others changed must not take it back.
            note_foreign && sort -u "$D/foreign" > "$D/theirs" && at_work 1860 && : > "$D/failed-undo" || {
                echo "what others changed under /etc cannot be told: is there room in $D?" >&2
                return 1
            }
            for one in $(sed -n 's/^begun //p' "$D/journal" | awk '!seen[$0]++ {all = $0 " " all} END {print all}'); do
                # Between two steps is where it may be stopped.
                [ ! -e "$D/stop" ] || exit 76
                [ "$(state_of "$one")" != undone ] || continue
                [ "$one" != access ] || [ -z "${keep_access:-}" ] || continue
                at_work 1860 || true
                if worked 1800 sh "$D/step-$one/script" undo > "$D/step-$one/undo.log" 2>&1 < /dev/null 9>&-; then record undone "$one"
                else echo "$one" >> "$D/failed-undo"; fi
            done
            at_work 1860 || true
            put_etc_back
            systemctl daemon-reload || true
            report_undo
        }
        put_etc_back() {
            etc_now "$D/etc.now"
            differing "$D/etc.before" "$D/etc.now" > "$D/differing"
            comm -23 "$D/differing" "$D/theirs" > "$D/ours"
            sort -r "$D/ours" | while IFS= read -r name; do
                [ ! -e "$D/etc/$name" ] && [ ! -L "$D/etc/$name" ] || continue
                if [ -d "/etc/$name" ] && [ ! -L "/etc/$name" ]; then rmdir -- "/etc/$name"; else rm -f -- "/etc/$name"; fi
            done 2> "$D/etc.log"
            while IFS= read -r name; do
                if [ -d "$D/etc/$name" ] && [ ! -L "$D/etc/$name" ]; then
                    [ -d "/etc/$name" ] || mkdir -- "/etc/$name"
                    chown --reference="$D/etc/$name" -- "/etc/$name"
                    chmod --reference="$D/etc/$name" -- "/etc/$name"
                elif [ -e "$D/etc/$name" ] || [ -L "$D/etc/$name" ]; then
                    [ ! -d "/etc/$name" ] || [ -L "/etc/$name" ] || rmdir -- "/etc/$name"
                    cp -a -- "$D/etc/$name" "/etc/$name.muster-old" && mv -fT -- "/etc/$name.muster-old" "/etc/$name"
                fi
            done < "$D/ours" 2>> "$D/etc.log"
            # A folder's mode may have changed while its files came back.
            etc_now "$D/etc.now" && listed=yes || listed=
        }
        # Lines `REASON NAME`; the folder of the conversion goes when every step was taken back.
        report_undo() {
            differing "$D/etc.before" "$D/etc.now" > "$D/differing"
            installed > "$D/packages.now"
            {
                while read -r one; do echo "step $one $(tail -n 1 "$D/step-$one/undo.log" | tr -d '[:cntrl:]' | head -c 300)"; done < "$D/failed-undo"
                comm -12 "$D/differing" "$D/theirs" | sed 's,^\./,foreign /etc/,'
                comm -23 "$D/differing" "$D/theirs" | sed 's,^\./,kept /etc/,'
                sort "$D/packages.before" "$D/packages.now" | uniq -u | cut -d ' ' -f 1 | sort -u | sed 's/^/package /'
                echo end
            } > "$D/report"
            # Whoever ordered this may have lost the connection: the report stays for him until the next boot.
            cp "$D/report" /run/muster-undone
            [ -z "$listed" ] || at_rest "$D/etc.now"
            [ -s "$D/failed-undo" ] || [ -n "${keep_access:-}" ] || rm -rf "$D"
            cat /run/muster-undone
        }

        """#
}
