/// Who the node is, and the agent on it.
extension ConversionPlan {
    static let accounts = ConversionStep(
        id: .accounts,
        event: "makes the users and groups of a node, with the numbers that all hosts share",
        limit: 120,
        check: #"""
            for entry in $accounts; do
                split_account "$entry"
                [ "$(number_of group "$group")" = "$gid" ] || [ "$shared" = no ] || return 1
                [ "$(number_of passwd "$user")" = "$uid" ] || [ "$shared" = no ] || return 1
            done
            """#,
        action: #"""
            keep_accounts
            for entry in $accounts; do
                split_account "$entry"
                # A number of somebody else's stays his, where no storage is shared by it (the preflight said so).
                other=$(getent group "$gid" | cut -d: -f1)
                if [ -n "$other" ] && [ "$other" != "$group" ]; then
                    [ "$shared" = no ] || { echo "gid $gid is $other's" >&2; exit 1; }
                    echo "gid $gid is $other's: $group is left out"; continue
                fi
                if [ -z "$(number_of group "$group")" ]; then groupadd -r -g "$gid" "$group"
                elif [ "$(number_of group "$group")" != "$gid" ]; then groupmod -g "$gid" "$group"; fi
                other=$(getent passwd "$uid" | cut -d: -f1)
                if [ -n "$other" ] && [ "$other" != "$user" ]; then
                    [ "$shared" = no ] || { echo "uid $uid is $other's" >&2; exit 1; }
                    echo "uid $uid is $other's: $user is left out"; continue
                fi
                if [ -z "$(number_of passwd "$user")" ]; then
                    useradd -r -M -u "$uid" -g "$gid" -d "/var/lib/$user" -s /sbin/nologin "$user"
                elif [ "$(number_of passwd "$user")" != "$uid" ]; then usermod -u "$uid" "$user"; fi
            done
            for group in qemu sanlock; do
                if getent group "$group" > /dev/null; then usermod -a -G "$group" vdsm; fi
            done
            if getent passwd qemu > /dev/null; then usermod -a -G kvm qemu; fi
            if [ -c /dev/kvm ]; then chgrp kvm /dev/kvm || true; fi
            """#,
        undo: #"""
            for entry in $accounts; do
                split_account "$entry"
                if had passwd "$user"; then
                    old=$(old_number passwd "$user"); [ "$(number_of passwd "$user")" = "$old" ] || usermod -u "$old" "$user"
                elif getent passwd "$user" > /dev/null; then userdel "$user"; fi
            done
            for entry in $accounts; do
                split_account "$entry"
                if had group "$group"; then
                    old=$(old_number group "$group"); [ "$(number_of group "$group")" = "$old" ] || groupmod -g "$old" "$group"
                elif getent group "$group" > /dev/null; then groupdel "$group"; fi
            done
            if [ -c /dev/kvm ] && getent group kvm > /dev/null; then chgrp kvm /dev/kvm || true; fi
            """#,
        variables: [
            "accounts": NodeAccount.all.map {
                "\($0.user ?? ""):\($0.uid):\($0.group):\($0.gid):\($0.isShared ? "yes" : "no")"
            }.joined(separator: " ")
        ],
        remedy: "see which user or group of the server has the number, and give it another"
    )

    static let hostID = ConversionStep(
        id: .hostID,
        event: "gives the server its machine id",
        limit: 30,
        check: "[ -s /etc/vdsm/vdsm.id ] && cat /etc/vdsm/vdsm.id > \"$S/output\"",
        action: #"""
            id=$(tr 'A-Z' 'a-z' < /sys/class/dmi/id/product_uuid 2> /dev/null | grep -xE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' || true)
            case $id in
            '' | 0*0-0000-0000-0000-0*0 | ffffffff-* | 03000200-0400-0500-0006-000700080009 | 12345678-1234-5678-90ab-cddeefaabbcc)
                id=$(cat /proc/sys/kernel/random/uuid) ;;
            esac
            mkdir -p /etc/vdsm
            [ -s /etc/vdsm/vdsm.id ] || write /etc/vdsm/vdsm.id 644 "$id"
            cat /etc/vdsm/vdsm.id > "$S/output"
            """#,
        undo: ":",
        remedy: "see whether /etc/vdsm can be written"
    )

    static func agentFile(_ digest: String) throws(ConversionPlanFailure) -> ConversionStep {
        guard Nonce(hex: digest) != nil else { throw .digest }
        return ConversionStep(
            id: .agentFile,
            event: "lays the agent on the server",
            limit: 600,
            check: #"[ -x /usr/bin/muster-agent ] && [ "$(sha256sum < /usr/bin/muster-agent)" = "$digest  -" ]"#,
            action: #"""
                keep /usr/bin/muster-agent
                cat > /usr/bin/.muster-agent.new
                [ "$(sha256sum < /usr/bin/.muster-agent.new)" = "$digest  -" ] || { echo 'the file did not arrive whole' >&2; exit 1; }
                chmod 755 /usr/bin/.muster-agent.new
                # It must start here before anything depends on it.
                /usr/bin/.muster-agent.new --version
                sync /usr/bin/.muster-agent.new
                mv -f /usr/bin/.muster-agent.new /usr/bin/muster-agent
                label /usr/bin/muster-agent
                """#,
            undo: #"""
                rm -f /usr/bin/.muster-agent.new
                put_back /usr/bin/muster-agent
                """#,
            variables: ["digest": digest],
            remedy:
                "see whether /usr has room and may be written, and whether the agent starts there: muster-agent --version",
            takesAgentFile: true
        )
    }

    static let key = ConversionStep(
        id: .key,
        event: "makes the host's key, which never leaves it",
        limit: 60,
        check: #"""
            openssl pkey -in /var/lib/muster-agent/key.pem -noout 2> /dev/null || return 1
            openssl req -new -key /var/lib/muster-agent/key.pem -subj /CN=node > "$S/output"
            """#,
        action: #"""
            [ -d /var/lib/muster-agent ] || : > "$S/made-folder"
            install -d -m 750 -o 0 -g 36 /var/lib/muster-agent
            keep /var/lib/muster-agent/key.pem
            (umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out /var/lib/muster-agent/.key.new)
            chown 0:36 /var/lib/muster-agent/.key.new
            chmod 640 /var/lib/muster-agent/.key.new
            mv -f /var/lib/muster-agent/.key.new /var/lib/muster-agent/key.pem
            openssl req -new -key /var/lib/muster-agent/key.pem -subj /CN=node > "$S/output"
            """#,
        undo: #"""
            rm -f /var/lib/muster-agent/.key.new
            put_back /var/lib/muster-agent/key.pem
            if [ -e "$S/made-folder" ]; then rm -rf /var/lib/muster-agent; fi
            """#,
        remedy: "see whether openssl is installed and /var/lib can be written"
    )

    /// The step after `key`. `certificate`: PEM, leaf first; `authority`: the CA's certificate.
    package static func certificate(
        _ certificate: String,
        authority: String,
        host: UniqueID,
        engine: EngineAddress
    ) -> ConversionStep {
        ConversionStep(
            id: .certificate,
            event: "lays the host's certificate beside its key",
            limit: 60,
            check: #"""
                [ "$(cat $folder/host-id 2> /dev/null)" = "$host" ] && [ "$(cat $folder/certificate.pem)" = "$certificate" ] &&
                    [ "$(cat $folder/ca.pem)" = "$authority" ] && fits
                """#,
            // The host id is taken away first and comes last: where it is, the others are whole and belong to it.
            action: #"""
                for name in ca.pem certificate.pem engine host-id; do keep "$folder/$name"; done
                rm -f "$folder/host-id"
                write "$folder/ca.pem" 644 "$authority"
                write "$folder/certificate.pem" 644 "$certificate"
                write "$folder/engine" 644 "$engine"
                fits || { echo 'the certificate is not for the key of this host' >&2; exit 1; }
                write "$folder/host-id" 644 "$host"
                # An agent that runs already has another one's.
                systemctl try-restart muster-register.service muster-serve.service 2> /dev/null || true
                """#,
            undo: #"""
                for name in host-id certificate.pem ca.pem engine; do put_back "$folder/$name"; done
                """#,
            variables: [
                "certificate": trimmed(certificate), "authority": trimmed(authority), "host": host.rawValue,
                "engine": engine.description, "folder": "/var/lib/muster-agent",
            ],
            remedy: "sign the request of this host again: start the conversion again"
        )
    }

    /// `$(…)` takes line ends away, so what it is compared with has none.
    static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.last?.isNewline == true { text.removeLast() }
        return String(text)
    }

    static func agentConfiguration(_ request: ConversionRequest) -> ConversionStep {
        let fingerprint = request.engineFingerprint.map { " management_server_fingerprint=\($0)" } ?? ""
        return ConversionStep(
            id: .agentConfiguration,
            event: "tells the agent its engine, and systemd its services",
            limit: 60,
            check: #"""
                [ "$(cat /etc/muster-agent/arguments 2> /dev/null)" = "$arguments" ] || return 1
                for unit in apply register serve; do
                    [ "$(cat /etc/systemd/system/muster-$unit.service 2> /dev/null)" = "$(agent_unit $unit)" ] || return 1
                done
                """#,
            action: #"""
                mkdir -p /etc/muster-agent
                write /etc/muster-agent/arguments 644 "$arguments"
                for unit in apply register serve; do
                    write "/etc/systemd/system/muster-$unit.service" 644 "$(agent_unit $unit)"
                done
                label /etc/muster-agent /etc/systemd/system
                systemctl daemon-reload
                systemctl try-restart muster-register.service muster-serve.service 2> /dev/null || true
                """#,
            undo: ":",
            variables: ["arguments": "management_server=\(request.engine)\(fingerprint)"],
            remedy: "see whether /etc/systemd/system can be written"
        )
    }
}
