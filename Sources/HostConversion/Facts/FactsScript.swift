/// Asks a server what it is. POSIX sh and what EL 8 to 10 and Debian 12 have on a minimal installation; changes nothing.
///
/// Every answer is bounded in time and size and goes out as base64 (`ServerTranscript`), so that no name of a mount, a unit or
/// a package can be taken for anything else. `$address` and `$engine` are set in front of it.
enum FactsScript {
    /// The first part: what an item is.
    static let items = #"""
        count=0
        item() {
            text=$(timeout -k 2 10 /bin/sh -c "$3" facts "$address" "$engine" 2>/dev/null </dev/null | head -c "$2" | base64 | tr -d '\n')
            [ -n "$text" ] || return 0
            printf '%s %s\n' "$1" "$text"
            count=$((count + 1))
        }
        PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
        echo 'muster-answer 1'

        """#

    /// The second part: every item with its size limit in bytes.
    static let questions = #"""
        item os-release 8192 'cat /etc/os-release'
        item architecture 64 'uname -m'
        item kernel 256 'uname -r'
        item init 64 'cat /proc/1/comm'
        item virt 64 'systemd-detect-virt'
        item cpu 16384 'sed "/^$/q" /proc/cpuinfo'
        item kvm 16 '[ -c /dev/kvm ] && echo yes'
        item kvm-log 1024 'dmesg | grep -i "kvm.*disabled" | tail -n 3'
        item memory 1024 'head -n 5 /proc/meminfo'
        item disk 65536 'df -Pk'
        item inodes 65536 'df -Pi'
        item mounts 131072 'cat /proc/mounts'
        item clock 32 'date +%s'
        item name 512 'hostname -f 2>/dev/null || uname -n'
        item own-addresses 4096 'getent ahosts "$(uname -n)"'
        item reverse 1024 'getent hosts "$1"'
        item engine-addresses 4096 'getent ahosts "$2"'
        item active 4096 'for unit in firewalld iptables nftables ufw NetworkManager systemd-networkd networking network; do
            [ "$(systemctl is-active $unit.service)" = active ] && echo $unit.service; done'
        item ifcfg 64 'ls /etc/sysconfig/network-scripts | grep "^ifcfg-" | grep -vx ifcfg-lo | head -n 1'
        item rules 131072 '{ nft list ruleset; iptables -S; } 2>/dev/null'
        item selinux 32 'getenforce'
        item guests 4096 'ps -e -o comm= | grep -E "^(qemu-system|qemu-kvm|xend|xl$)"'
        item links 65536 'cd /sys/class/net && for link in *; do
            kind=device vlan=- below=- members=- master=-
            [ -e "$link/ifindex" ] || continue
            [ -d "$link/bridge" ] && kind=bridge
            [ -d "$link/bonding" ] && kind=bond && members=$(tr " " , < "$link/bonding/slaves")
            [ -e "/proc/net/vlan/$link" ] && kind=vlan && vlan=$(sed -n "s/.*VID: \([0-9]*\).*/\1/p" "/proc/net/vlan/$link") &&
                below=$(sed -n "s/^Device: //p" "/proc/net/vlan/$link")
            grep -qx DEVTYPE=vlan "$link/uevent" && kind=vlan
            [ -e "/run/teamd/$link.pid" ] && kind=team
            [ "$(readlink "$link/master" | sed "s,.*/,,")" = ovs-system ] && kind=openvswitch
            [ "$link" = ovs-system ] && kind=openvswitch
            [ -e "$link/master" ] && master=$(readlink "$link/master" | sed "s,.*/,,")
            echo "$link $kind ${master:--} ${vlan:--} ${below:--} ${members:--}"; done'
        item addresses 131072 'ip -o address'
        item packages 1048576 'if command -v rpm >/dev/null && [ -e /etc/redhat-release ]; then rpm -qa --qf "ii %{NAME} %{VERSION}-%{RELEASE}\n"
            else dpkg-query -W -f "\${db:Status-Abbrev} \${Package} \${Version}\n"; fi'
        item audit 4096 'dpkg --audit'
        item package-manager 256 'ps -e -o comm= | grep -xE "apt|apt-get|dpkg|dnf|yum|rpm|unattended-upgr"'
        item repositories 65536 'if [ -d /etc/yum.repos.d ]; then
            awk "/^\[/ {if (on && url) print url; on = 1; url = \"\"} /^[ \t]*enabled[ \t]*=[ \t]*(0|[Ff]alse|[Nn]o)/ {on = 0}
                /^[ \t]*(baseurl|mirrorlist|metalink)[ \t]*=/ {url = \$0; sub(/^[^=]*=[ \t]*/, \"\", url)}
                END {if (on && url) print url}" /etc/yum.repos.d/*.repo
            else apt-get update --print-uris | sed -n "s/^.\(https*:[^ ]*\). .*/\1/p"; fi'
        item reboot 64 '[ -e /run/reboot-required ] || [ -e /var/run/reboot-required ] && echo yes && exit
            command -v needs-restarting >/dev/null && ! needs-restarting -r >/dev/null && echo yes'
        item uuid 64 'cat /sys/class/dmi/id/product_uuid'
        item vdsm-id 128 'cat /etc/vdsm/vdsm.id'
        item agent-host 64 'cat /var/lib/muster-agent/host-id'
        item agent-engine 256 'cat /var/lib/muster-agent/engine'
        item agent-authority 128 'openssl x509 -in /var/lib/muster-agent/ca.pem -noout -fingerprint -sha256'
        item conversion-engine 512 'cat /var/lib/muster-conversion/engine'
        item initiator 1024 'cat /etc/iscsi/initiatorname.iscsi'
        item passwd 65536 'cut -d: -f1-3 /etc/passwd'
        item group 65536 'cut -d: -f1-3 /etc/group'
        item cmdline 4096 'cat /proc/cmdline'
        item strange 1024 'find /etc -xdev -name "*[[:cntrl:]]*" | head -n 3'
        item missing 1024 'for tool in awk base64 cp cut find flock grep head sed sha256sum sort systemctl tail timeout tr; do
            command -v $tool >/dev/null || echo $tool; done'
        item earlier 32 'if [ -e /var/lib/muster-conversion/finished ]; then echo finished
            elif [ -e /var/lib/muster-conversion/journal ]; then echo unfinished; fi'
        echo "end $count"

        """#

    /// Tries to connect to each `HOST PORT` of its arguments, all at once, and prints those that answered. bash is on every
    /// server of both families, and has the only TCP client that is.
    static let reach = #"""
        set -- $endpoints
        while [ $# -ge 2 ]; do
            (timeout -k 1 8 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null </dev/null && echo "$1 $2") &
            shift 2
        done
        wait

        """#
}
