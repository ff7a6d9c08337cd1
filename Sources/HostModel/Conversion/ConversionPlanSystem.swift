/// The server's own services, as a node has them.
extension ConversionPlan {
    static func libvirt(_ family: ServerFacts.Distribution.Family) -> ConversionStep {
        ConversionStep(
            id: .libvirt,
            event: "sets up libvirt",
            limit: 300,
            check: #"""
                has_unit libvirtd.service || return 0
                [ "$(cat "$file" 2> /dev/null)" = "$settings" ] && systemctl is-enabled --quiet libvirtd.service
                """#,
            // One libvirtd instead of EL 9's daemons, as oVirt has it. Guests are the engine's: nothing starts them at boot.
            action: #"""
                has_unit libvirtd.service || { echo 'libvirt is not installed'; return 0; }
                for part in qemu network nodedev nwfilter secret storage interface proxy; do
                    for kind in socket service; do
                        has_unit "virt${part}d.$kind" || continue
                        keep_unit "virt${part}d.$kind"
                        systemctl disable --now "virt${part}d.$kind" || true
                    done
                done
                keep_unit libvirtd.service
                write "$file" 644 "$settings"
                rm -f /etc/libvirt/qemu/networks/autostart/default.xml
                systemctl enable libvirtd.service
                systemctl restart libvirtd.service || echo 'libvirtd does not start yet'
                """#,
            undo: "put_units_back",
            variables: [
                "file": family == .deb ? "/etc/default/libvirt-guests" : "/etc/sysconfig/libvirt-guests",
                "settings": "ON_BOOT=ignore\nON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=600",
            ],
            remedy: "see journalctl -u libvirtd"
        )
    }

    static let tuning = ConversionStep(
        id: .tuning,
        event: "tunes the kernel for guests",
        limit: 120,
        check: #"[ "$(cat /etc/sysctl.d/90-muster.conf 2> /dev/null)" = "$settings" ]"#,
        action: #"""
            if [ ! -e "$S/sysctl" ]; then
                for name in $names; do
                    if value=$(sysctl -n "$name" 2> /dev/null); then echo "$name=$value"; fi
                done > "$S/sysctl.new"
                mv "$S/sysctl.new" "$S/sysctl"
            fi
            write /etc/sysctl.d/90-muster.conf 644 "$settings"
            # A container may not set them; a server does.
            sysctl -q -p /etc/sysctl.d/90-muster.conf || echo 'the kernel did not take all of them'
            if command -v tuned-adm > /dev/null && systemctl is-active --quiet tuned.service; then
                [ -e "$S/tuned" ] || tuned-adm active | sed -n 's/^Current active profile: //p' > "$S/tuned"
                tuned-adm profile virtual-host
            fi
            """#,
        undo: #"""
            rm -f /etc/sysctl.d/90-muster.conf
            if [ -e "$S/sysctl" ]; then sysctl -q -p "$S/sysctl" || true; fi
            if [ -e "$S/tuned" ] && command -v tuned-adm > /dev/null; then
                profile=$(cat "$S/tuned")
                if [ -n "$profile" ]; then tuned-adm profile "$profile"; else tuned-adm off; fi
            fi
            """#,
        variables: [
            "names": "vm.dirty_ratio vm.dirty_background_ratio fs.aio-max-nr",
            "settings": "vm.dirty_ratio = 5\nvm.dirty_background_ratio = 2\nfs.aio-max-nr = 1048576",
        ],
        remedy: "see sysctl --system and tuned-adm active"
    )

    /// Of ovirt.md 2.6, step 12.
    private static let ports = "54321/tcp 54322/tcp 16514/tcp 161/udp 2223/tcp 49152-49216/tcp 5900-6923/tcp"

    /// Only firewalld: rules of a person's own hand are not ours to change, and the preflight names the ports.
    static let firewall = ConversionStep(
        id: .firewall,
        event: "opens the ports of a node in the firewall",
        limit: 120,
        check: #"""
            systemctl is-active --quiet firewalld.service || return 0
            for port in $ports; do firewall-cmd -q --permanent --query-port="$port" && firewall-cmd -q --query-port="$port" || return 1; done
            """#,
        action: #"""
            systemctl is-active --quiet firewalld.service || { echo 'firewalld is not on: nothing is changed'; return 0; }
            for port in $ports; do
                if ! firewall-cmd -q --query-port="$port"; then
                    echo "$port" >> "$S/opened"
                    firewall-cmd -q --add-port="$port"
                fi
                firewall-cmd -q --permanent --add-port="$port"
            done
            """#,
        undo: #"""
            [ -e "$S/opened" ] || return 0
            for port in $(cat "$S/opened"); do
                firewall-cmd -q --remove-port="$port" || true
                firewall-cmd -q --permanent --remove-port="$port" || true
            done
            """#,
        variables: ["ports": ports],
        remedy: "see firewall-cmd --state and firewall-cmd --list-all"
    )

    static func kdump(_ request: ConversionRequest) -> ConversionStep {
        ConversionStep(
            id: .kdump,
            event: "lets kdump tell the engine that a dump is being written",
            limit: 120,
            check: #"grep -qxF "fence_kdump_nodes $engine" /etc/kdump.conf 2> /dev/null"#,
            action: #"""
                [ -e /etc/kdump.conf ] || { echo 'kexec-tools is not installed' >&2; exit 1; }
                keep_unit kdump.service
                { sed 's/^\(fence_kdump.*\)/# \1/' /etc/kdump.conf; echo "fence_kdump_nodes $engine"; echo 'fence_kdump_args -p 7410 -i 5'; } > /etc/.kdump.new
                chmod --reference=/etc/kdump.conf /etc/.kdump.new
                mv -f /etc/.kdump.new /etc/kdump.conf
                label /etc/kdump.conf
                systemctl restart kdump.service || echo 'kdump does not start: see crashkernel='
                """#,
            undo: "rm -f /etc/.kdump.new",
            variables: ["engine": request.engine.host.rawValue],
            remedy: "see kdumpctl status, and crashkernel= in /proc/cmdline"
        )
    }

    static let services = ConversionStep(
        id: .services,
        event: "starts the agent, now and at every boot",
        limit: 180,
        check: #"""
            for unit in muster-apply muster-register muster-serve; do
                systemctl is-active --quiet "$unit.service" && systemctl is-enabled --quiet "$unit.service" || return 1
            done
            """#,
        action: #"""
            for unit in chronyd.service chrony.service; do
                has_unit "$unit" || continue
                keep_unit "$unit"
                systemctl enable --now "$unit" || true
                break
            done
            for unit in muster-apply muster-register muster-serve; do
                keep_unit "$unit.service"
                systemctl enable "$unit.service"
                systemctl restart "$unit.service"
            done
            """#,
        undo: #"""
            systemctl disable --now muster-serve.service muster-register.service muster-apply.service || true
            put_units_back
            systemctl reset-failed muster-serve.service muster-register.service muster-apply.service 2> /dev/null || true
            """#,
        remedy: "see journalctl -u muster-serve -u muster-apply -u muster-register"
    )
}
