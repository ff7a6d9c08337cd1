/// Where packages come from, and which: the same three functions for dnf and for apt.
extension ConversionPlan {
    static func access(_ key: String, _ request: ConversionRequest) -> ConversionStep {
        ConversionStep(
            id: .access,
            event: "lets the engine sign in by its own key",
            limit: 60,
            check: #"""
                grep -qxF -- "$key" /root/.ssh/authorized_keys 2> /dev/null || return 1
                [ -z "$print" ] || [ "$(cut -d ' ' -f 1 "$D/engine" 2> /dev/null)" = "$print" ]
                """#,
            action: #"""
                keep /root/.ssh/authorized_keys
                [ -d /root/.ssh ] || { mkdir -m 700 /root/.ssh; : > "$S/made-folder"; }
                # The key of an engine from which this one takes over goes.
                former=$(cat "$S/key" 2> /dev/null || true)
                { grep -vxF -e "$key" -e "${former:-$key}" /root/.ssh/authorized_keys 2> /dev/null || true
                    printf '%s\n' "$key"; } > /root/.ssh/.muster.new
                chmod 600 /root/.ssh/.muster.new
                mv -f /root/.ssh/.muster.new /root/.ssh/authorized_keys
                label /root/.ssh
                write "$S/key" 600 "$key"
                [ -z "$print" ] || write "$D/engine" 600 "$print $engine"
                """#,
            // Others may have added keys since: only ours is taken out.
            undo: #"""
                rm -f /root/.ssh/.muster.new
                if [ -e /root/.ssh/authorized_keys ]; then
                    grep -vxF -- "$key" /root/.ssh/authorized_keys > "$S/rest" || true
                    if [ -s "$S/rest" ] || was_there /root/.ssh/authorized_keys; then
                        cat "$S/rest" > /root/.ssh/authorized_keys
                        if [ -e "$S/kept/root/.ssh/authorized_keys" ]; then
                            chmod --reference="$S/kept/root/.ssh/authorized_keys" /root/.ssh/authorized_keys
                        fi
                    else rm -f /root/.ssh/authorized_keys; fi
                fi
                [ ! -e "$S/made-folder" ] || rmdir /root/.ssh 2> /dev/null || true
                """#,
            variables: [
                "key": key, "print": request.engineFingerprint.map { "\($0)" } ?? "",
                "engine": "\(request.engine)",
            ],
            remedy: "see whether /root/.ssh can be written"
        )
    }

    static func repository(
        _ repository: ConversionRequest.Repository,
        _ family: ServerFacts.Distribution.Family
    ) -> ConversionStep {
        ConversionStep(
            id: .repository,
            event: "adds the package repository \(repository.url)",
            limit: 600,
            check: family == .deb
                ? #"[ "$(cat /etc/apt/sources.list.d/muster.list 2> /dev/null)" = "$(source_line)" ]"#
                : #"[ "$(cat /etc/yum.repos.d/muster.repo 2> /dev/null)" = "$(source_lines)" ]"#,
            action: family == .deb ? aptRepository : dnfRepository,
            // Its files lie under /etc, which is put back as a whole.
            undo: family == .deb
                ? "rm -f /etc/apt/sources.list.d/muster.list /etc/apt/apt.conf.d/90muster"
                : "rm -f /etc/yum.repos.d/muster.repo",
            variables: [
                "url": repository.url, "key": repository.key ?? "", "authority": trimmed(repository.authority ?? ""),
                "host": TCPEndpoint(url: repository.url)?.host ?? "",
            ],
            remedy:
                "see whether the server reaches \(repository.url), and whether the repository is signed by the key that was given"
        )
    }

    private static let aptRepository = #"""
        if [ -n "$key" ]; then
            mkdir -p /etc/apt/keyrings
            write /etc/apt/keyrings/muster.asc 644 "$key"
        fi
        if [ -n "$authority" ]; then
            mkdir -p /etc/apt/keyrings
            write /etc/apt/keyrings/muster-ca.pem 644 "$authority"
            write /etc/apt/apt.conf.d/90muster 644 "Acquire::https::$host::CaInfo \"/etc/apt/keyrings/muster-ca.pem\";
        Acquire::https::$host::Proxy \"DIRECT\";"
        fi
        write /etc/apt/sources.list.d/muster.list 644 "$(source_line)"
        # Only this one: another that is down is not this step's concern.
        apt-get update -o Dir::Etc::SourceList=/etc/apt/sources.list.d/muster.list -o Dir::Etc::SourceParts=- \
            -o APT::Get::List-Cleanup=0 --error-on=any
        """#

    private static let dnfRepository = #"""
        if [ -n "$key" ]; then write /etc/pki/rpm-gpg/RPM-GPG-KEY-muster 644 "$key"; fi
        if [ -n "$authority" ]; then write /etc/pki/tls/certs/muster-ca.pem 644 "$authority"; fi
        write /etc/yum.repos.d/muster.repo 644 "$(source_lines)"
        dnf -q -y --disablerepo='*' --enablerepo=muster --refresh makecache
        """#

    static func packages(
        _ names: [String],
        _ family: ServerFacts.Distribution.Family
    ) throws(ConversionPlanFailure) -> ConversionStep {
        for name in names {
            let isName = name.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "+-._".utf8.contains($0)
            }
            guard (1...128).contains(name.utf8.count), isName, !name.hasPrefix("-") else { throw .package(name) }
        }
        return ConversionStep(
            id: .packages,
            event: "installs \(names.count) packages and what they need",
            limit: 3600,
            check: family == .deb
                ? #"[ "$(dpkg-query -W -f '${db:Status-Status}\n' $packages 2> /dev/null | grep -cx installed)" = "$number" ]"#
                : "rpm -q --quiet $packages",
            action: family == .deb ? aptInstall : dnfInstall,
            undo: family == .deb ? dpkgPurge : rpmErase,
            variables: ["packages": names.joined(separator: " "), "number": "\(names.count)"],
            remedy: "see what the package manager said; then start the conversion again, or take it back"
        )
    }

    private static let aptInstall = #"""
        export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
        # What an earlier run left half done.
        dpkg --force-confdef --force-confold --configure -a
        set -- -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold
        apt-get "$@" --fix-broken install
        apt-get -o DPkg::Lock::Timeout=300 update
        apt-get "$@" --no-install-recommends install $packages
        """#

    private static let dnfInstall = #"""
        dnf -y --setopt=install_weak_deps=False --setopt=skip_if_unavailable=True install $packages
        """#

    /// dpkg and rpm remove exactly what they are told, need no repository, and refuse what others depend on.
    private static let dpkgPurge = #"""
        export DEBIAN_FRONTEND=noninteractive
        dpkg --force-confdef --force-confold --configure -a || true
        added=$(packages_added)
        [ -z "$added" ] || dpkg --purge $added
        """#

    private static let rpmErase = #"""
        added=$(packages_added)
        [ -z "$added" ] || rpm -e $added
        """#
}
