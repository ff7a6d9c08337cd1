/// Hands the management network's devices over: what set them up so far leaves them alone from now on.
///
/// Nothing of the live network changes here; that is setupNetworks' affair, with its connectivity check. Should it never
/// commit a network, a unit gives the devices back at the next boot.
extension ConversionPlan {
    static func network(_ request: ConversionRequest) -> ConversionStep {
        ConversionStep(
            id: .network,
            event: "hands the devices of the management network over to the agent",
            limit: 180,
            check: check,
            action: functions + action,
            undo: functions + undo,
            variables: ["address": request.address, "guard": guardUnit],
            remedy: "see ip address, and journalctl -u NetworkManager -u networking"
        )
    }

    private static let check = #"""
        [ -e "$S/saved" ] || return 1
        [ ! -s "$S/devices" ] || [ "$(cat /etc/systemd/system/muster-network-guard.service 2> /dev/null)" = "$guard" ]
        """#

    /// Until a network was committed, the server's own settings hold at every boot.
    private static let guardUnit = """
        [Unit]
        Description=Muster: gives the network back where none was committed
        DefaultDependencies=no
        After=local-fs.target
        Before=network-pre.target networking.service NetworkManager.service systemd-networkd.service network.service
        Wants=network-pre.target
        ConditionPathExists=!/var/lib/vdsm/persistence/netconf

        [Service]
        Type=oneshot
        ExecStart=/bin/sh /var/lib/muster-conversion/step-network/give-back

        [Install]
        WantedBy=multi-user.target
        """

    private static let functions = #"""
        # The link that carries the address; behind a router that translates it, the one of the default route.
        carrier() {
            link=$(ip -o address show | awk -v a="$address" '{ split($4, p, "/") } p[1] == a { print $2; exit }')
            if [ -z "$link" ] || [ "$link" = lo ]; then
                link=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
            fi
            echo "$link"
        }
        # A link and everything below it.
        with_lower() {
            echo "$1"
            for lower in /sys/class/net/"$1"/lower_*; do
                [ ! -e "$lower" ] || (with_lower "${lower##*/lower_}")
            done
        }
        save_network() {
            link=$(carrier)
            : > "$S/devices"; : > "$S/addresses"; : > "$S/routes"; : > "$S/vlans"; : > "$S/ipv6"
            case $link in '' | lo | ovirtmgmt) return 0 ;; esac
            with_lower "$link" | awk '!seen[$0]++' > "$S/devices"
            ip -o address show dev "$link" scope global | awk '/ dynamic / && $3 == "inet6" { next } { print $2, $4 }' > "$S/addresses"
            for family in -4 -6; do
                ip -o $family route show dev "$link" | grep -v 'proto kernel\|proto ra' | sed "s/^/$family /; s/ linkdown//" || true
            done > "$S/routes"
            while read -r one; do
                [ -e "/proc/net/vlan/$one" ] || continue
                echo "$one $(sed -n 's/^Device: //p' "/proc/net/vlan/$one") $(sed -n 's/.*VID: \([0-9]*\).*/\1/p' "/proc/net/vlan/$one")"
            done < "$S/devices" > "$S/vlans"
            while read -r one; do [ ! -d "/sys/class/net/$one/bonding" ] || save_bond "$one"; done < "$S/devices"
            # Links below a bridge have no part in IPv6 while they are there.
            for one in $(cat "$S/devices"); do
                echo "$one $(cat "/proc/sys/net/ipv6/conf/$one/disable_ipv6" 2> /dev/null)"
            done > "$S/ipv6"
        }
        # The kernel takes them in this order.
        bond_options='mode fail_over_mac xmit_hash_policy lacp_rate ad_select miimon updelay downdelay primary_reselect'
        save_bond() {
            mkdir -p "$S/bonds/$1"
            for option in $bond_options; do
                cut -d ' ' -f 1 "/sys/class/net/$1/bonding/$option" > "$S/bonds/$1/$option" 2> /dev/null || true
            done
            tr ' ' '\n' < "/sys/class/net/$1/bonding/slaves" > "$S/bonds/$1/slaves"
        }
        # One that is gone is made as it was; one that stands gets the members back that it lost.
        put_bond_back() {
            if [ ! -d "/sys/class/net/$1/bonding" ]; then
                ip link add "$1" type bond || return
                for option in $bond_options; do
                    [ ! -s "$S/bonds/$1/$option" ] || cat "$S/bonds/$1/$option" > "/sys/class/net/$1/bonding/$option" || true
                done
            fi
            while read -r slave; do
                grep -qw -e "$slave" "/sys/class/net/$1/bonding/slaves" && continue
                ip link set dev "$slave" down && ip link set dev "$slave" master "$1" || true
            done < "$S/bonds/$1/slaves"
            ip link set dev "$1" up
        }
        is_active() { systemctl is-active --quiet "$1.service"; }
        leave_alone_NetworkManager() {
            is_active NetworkManager || return 0
            # What NetworkManager wrote there goes with its lease.
            case $(readlink /etc/resolv.conf) in
            */NetworkManager/*) cp -L /etc/resolv.conf /etc/.resolv.muster && mv -f /etc/.resolv.muster /etc/resolv.conf ;;
            esac
            mkdir -p /etc/NetworkManager/conf.d
            list=$(sed 's/^/interface-name:/' "$S/devices" | tr '\n' ';')
            write /etc/NetworkManager/conf.d/90-muster.conf 644 "[main]
        dns=none
        [keyfile]
        unmanaged-devices+=${list}interface-name:ovirtmgmt"
            # Started anew it does not touch what it does not manage; told to let go it would take the address away.
            systemctl restart NetworkManager.service
        }
        leave_alone_ifupdown() {
            [ -e /etc/network/interfaces ] || return 0
            for file in /etc/network/interfaces /etc/network/interfaces.d/*; do
                [ -f "$file" ] || continue
                awk -v names=" $(tr '\n' ' ' < "$S/devices")" '
                    $1 == "auto" || $1 ~ /^allow-/ {
                        kept = $1; gone = 0
                        for (i = 2; i <= NF; i++) if (index(names, " " $i " ")) gone = 1; else kept = kept " " $i
                        if (gone) { if (kept == $1) kept = "# left to muster-agent: " $0 }
                        else kept = $0
                        print kept; next
                    }
                    { print }' "$file" > "$S/interfaces.new"
                cmp -s "$file" "$S/interfaces.new" && continue
                keep "$file"
                cat "$S/interfaces.new" > "$file"
            done
            # A client that goes on would bring its address back.
            for device in $(cat "$S/devices"); do
                for file in /run/dhclient.$device.pid /run/dhclient-$device.pid; do
                    [ ! -s "$file" ] || [ "$(cat "/proc/$(cat "$file")/comm" 2> /dev/null)" != dhclient ] || kill "$(cat "$file")" || true
                done
            done
        }
        # It takes this up at its next start; until then it changes nothing of itself.
        leave_alone_networkd() {
            is_active systemd-networkd || return 0
            mkdir -p /etc/systemd/network
            write /etc/systemd/network/05-muster.network 644 "[Match]
        Name=$(tr '\n' ' ' < "$S/devices")ovirtmgmt
        [Link]
        Unmanaged=yes"
        }
        leave_alone_ifcfg() {
            is_active network || return 0
            for device in $(cat "$S/devices"); do
                file=/etc/sysconfig/network-scripts/ifcfg-$device
                [ -f "$file" ] || continue
                keep "$file"
                { sed '/^ONBOOT=/d' "$file"; echo ONBOOT=no; } > "$S/ifcfg.new" && cat "$S/ifcfg.new" > "$file"
            done
        }

        """#

    private static let action = #"""
        if [ ! -e "$S/saved" ]; then
            [ ! -e /var/lib/vdsm ] || : > "$S/had-vdsm"
            save_network
            cp -L /etc/resolv.conf "$S/resolv.conf" 2> /dev/null || true
            sync "$S/devices" "$S/addresses" "$S/routes"
            : > "$S/saved"
        fi
        [ -s "$S/devices" ] || { echo 'no link of the server carries the address: nothing is handed over'; exit 0; }
        leave_alone_ifupdown
        leave_alone_networkd
        leave_alone_ifcfg
        # Copies back what was kept, and removes what was added; also at a boot, before the network is set up.
        {
            echo 'rm -f /etc/NetworkManager/conf.d/90-muster.conf /etc/systemd/network/05-muster.network'
            ( cd "$S" && find kept -type f 2> /dev/null ) | while IFS= read -r one; do
                printf "cat '%s/%s' > '%s'\n" "$S" "$one" "${one#kept}"
            done
        } > "$S/give-back.new"
        mv "$S/give-back.new" "$S/give-back"
        keep_unit muster-network-guard.service
        write /etc/systemd/system/muster-network-guard.service 644 "$guard"
        label /etc/systemd/system
        systemctl daemon-reload
        systemctl enable muster-network-guard.service
        leave_alone_NetworkManager
        """#

    /// First the networks that the engine made go, by the agent itself; then the links are given what they had.
    private static let undo = #"""
        systemctl stop muster-register.service muster-serve.service muster-apply.service 2> /dev/null || true
        names_in() {
            for folder in /var/lib/vdsm/staging/netconf/$1 /var/lib/vdsm/persistence/netconf/$1; do
                [ ! -d "$folder" ] || ls "$folder"
            done | grep -xE '[A-Za-z0-9_.-]+' | sort -u
        }
        removed() { names_in "$1" | sed 's/.*/"&":{"remove":true}/' | tr '\n' ',' | sed 's/,$//'; }
        # A bond that was there before stays, with what it has.
        removed_bonds() {
            names_in bonds | grep -vxF -f "$S/devices" | sed 's/.*/"&":{"remove":true}/' | tr '\n' ',' | sed 's/,$//'
        }
        nets=$(removed nets); bonds=$(removed_bonds)
        if [ -n "$nets$bonds" ]; then
            printf '{"networks":{%s},"bondings":{%s},"options":{}}\n' "$nets" "$bonds" > "$S/removal.json"
            /usr/bin/muster-agent network apply "$S/removal.json" || ip link delete ovirtmgmt || true
        fi
        [ -e "$S/had-vdsm" ] || rm -rf /var/lib/vdsm
        if [ -s "$S/devices" ]; then
            for one in "$S"/bonds/*; do [ ! -d "$one" ] || put_bond_back "${one##*/}" || true; done
            while read -r name below tag; do
                [ -e "/sys/class/net/$name" ] || ip link add link "$below" name "$name" type vlan id "$tag" || true
            done < "$S/vlans"
            for device in $(cat "$S/devices"); do ip link set dev "$device" up || true; done
            # What was converted by an earlier version has none kept.
            [ ! -e "$S/ipv6" ] || while read -r device off; do
                [ -z "$off" ] || echo "$off" > "/proc/sys/net/ipv6/conf/$device/disable_ipv6" || true
            done < "$S/ipv6"
            while read -r device one; do ip address replace "$one" brd + dev "$device" || ip address replace "$one" dev "$device"; done < "$S/addresses"
            link=$(head -n 1 "$S/devices")
            while read -r family route; do ip "$family" route replace $route dev "$link" || true; done < "$S/routes"
            sh "$S/give-back" 2> /dev/null || true
            systemctl disable muster-network-guard.service || true
            rm -f /etc/systemd/system/muster-network-guard.service
            if is_active NetworkManager; then systemctl restart NetworkManager.service; fi
        fi
        """#
}
