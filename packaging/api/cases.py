"""What oVirt's SDK does with an engine of ours. Every case makes what it needs, and takes it away again."""
import collections, contextlib, io, json, os, pycurl, subprocess, time, urllib.parse

import ovirtsdk4 as sdk
import ovirtsdk4.types as types

import playbook
from bed import PASSWORD, REPOSITORY, URL, until

HOSTS = 3
# What schemathesis may take, in seconds.
OPENAPI_SECONDS = 100
# Operations, of some 175, of which one call at least succeeds.
OPENAPI_REACHED = 80
NOBODY = "00000000-0000-4000-8000-000000000000"


@contextlib.contextmanager
def refused(error, code=None, words=""):
    """The body fails with an error of this class, with this HTTP code, and a fault that says these words."""
    try:
        yield
    except sdk.Error as raised:
        assert type(raised) is error, f"{type(raised).__name__}: {raised}"
        assert code is None or raised.code == code, f"code {raised.code}: {raised}"
        assert words in str(raised), str(raised)
        if code and code not in (401, 404):
            assert raised.fault is not None and raised.fault.reason and raised.fault.detail, str(raised)
    else:
        raise AssertionError(f"nothing was refused, expected {error.__name__} {code}")


def same(found, expected):
    assert found == expected, f"found {found!r}, expected {expected!r}"


def raw(place, method, path, body=None, headers=()):
    """Status, headers and body of a request of no SDK."""
    curl, answer, lines = pycurl.Curl(), io.BytesIO(), []
    curl.setopt(pycurl.URL, "https://127.0.0.1" + path)
    curl.setopt(pycurl.CUSTOMREQUEST, method)
    curl.setopt(pycurl.NOBODY, method == "HEAD")
    curl.setopt(pycurl.CAINFO, str(place.ca))
    curl.setopt(pycurl.HTTPHEADER, list(headers))
    curl.setopt(pycurl.WRITEFUNCTION, answer.write)
    curl.setopt(pycurl.HEADERFUNCTION, lambda line: lines.append(line.decode("latin-1").strip()))
    if body is not None:
        curl.setopt(pycurl.POSTFIELDS, body)
    curl.perform()
    fields = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return curl.getinfo(pycurl.RESPONSE_CODE), fields, answer.getvalue().decode()


def basic():
    import base64
    return "Authorization: Basic " + base64.b64encode(f"admin@internal:{PASSWORD}".encode()).decode()


def fleet(connection, status="up"):
    """The simulated hosts once all of them have this status."""
    service = connection.system_service().hosts_service()

    def there():
        hosts = service.list(search=f"name=sim-* and status={status} sortby name")
        return hosts if len(hosts) == HOSTS else None
    return until(there)


def case_sign_in(place):
    "a token for a password, its end, and everything that is refused on the way"
    with refused(sdk.AuthError, words="access_denied"):
        place.connect(password="wrong").test(raise_exception=True)
    with refused(sdk.AuthError):
        place.connect(username="nobody@internal").test(raise_exception=True)
    same(place.connect(password="wrong").test(), False)
    connection = place.connect()
    same(connection.test(raise_exception=True), True)
    token = connection.authenticate()
    same(place.connect(username=None, password=None, token=token).test(raise_exception=True), True)
    # A token that ended: the SDK is told so by 401, signs in again by itself and repeats the call.
    form = urllib.parse.urlencode({"scope": "ovirt-app-api", "token": token})
    same(raw(place, "POST", "/ovirt-engine/services/sso-logout", form)[0], 200)
    same(connection.system_service().clusters_service().list(search="name=Default")[0].name, "Default")
    assert connection.authenticate() != token
    token = connection.authenticate()
    connection.close()
    # Whoever has nothing but an ended token signs in no more.
    stale = place.connect(username=None, password=None, token=token)
    same(stale.test(), False)
    status, fields, body = raw(place, "GET", "/ovirt-engine/api/hosts", headers=["Accept: application/xml"])
    same(status, 401)
    assert fields["www-authenticate"].startswith("basic realm="), fields
    assert fields["content-type"].startswith("application/xml") and "<fault>" in body, (fields, body)
    same(raw(place, "GET", "/ovirt-engine/api", headers=[basic()])[0], 200)


def case_root(place):
    "the root of the API: what it is, which version, where everything is"
    with place.connect() as connection:
        api = connection.system_service().get()
        same((api.product_info.version.major, api.product_info.version.minor), (4, 5))
        assert api.product_info.instance_id and api.product_info.name and api.product_info.vendor
        same(api.special_objects.root_tag.id, "00000000-0000-0000-0000-000000000000")
        assert api.summary.hosts.total >= 0 and api.summary.hosts.active >= 0
        assert abs(api.time.timestamp() - time.time()) < 60, api.time
        assert api.authenticated_user.id and api.effective_user.id
    status, fields, body = raw(place, "HEAD", "/ovirt-engine/api", headers=[basic(), "Accept: application/xml"])
    same((status, body), (200, ""))
    assert "</ovirt-engine/api/hosts>; rel=hosts" in fields["link"], fields


def case_versions(place):
    "the version by path and by header, and its refusal"
    same(raw(place, "GET", "/ovirt-engine/api", headers=[basic(), "Version: 4"])[0], 200)
    same(raw(place, "GET", "/ovirt-engine/api", headers=[basic(), "Version: 3"])[0], 400)
    same(raw(place, "GET", "/ovirt-engine/api/v3/hosts", headers=[basic()])[0], 400)
    with place.connect(url=URL + "/v4") as connection:
        host = fleet(connection)[0]
        # The SDK follows only links below the address that it was given.
        same(connection.follow_link(host.cluster).name, "Default")


def case_forms(place):
    "the same in JSON and in XML, by Accept; correlation ids; what is no XML"
    for accept, kind in [("*/*", "application/json"), ("application/json", "application/json"),
                         ("application/xml", "application/xml"), ("text/xml", "application/xml")]:
        status, fields, body = raw(place, "GET", "/ovirt-engine/api/clusters",
                                   headers=[basic(), f"Accept: {accept}", "Correlation-Id: a b<c>-1"])
        same(status, 200)
        assert fields["content-type"].startswith(kind), (accept, fields)
        same(fields["correlation-id"], "abc-1")
    same(json.loads(raw(place, "GET", "/ovirt-engine/api/clusters", headers=[basic()])[2])["cluster"][0]["name"], "Default")
    xml = [basic(), "Content-Type: application/xml"]
    for body in ["<!DOCTYPE tag [<!ENTITY a \"x\">]><tag><name>&a;</name></tag>", "<tag><name>x</name>", "<host/>", "{}",
                 "<tag>" * 50000, ""]:
        status, fields, answer = raw(place, "POST", "/ovirt-engine/api/tags", body, xml)
        same(status, 400)
        assert "<fault>" in answer and "<reason>Request syntactically incorrect.</reason>" in answer, answer
    same(raw(place, "POST", "/ovirt-engine/api/tags", "<tag>" + " " * (1 << 20), xml)[0], 413)
    # 1 GiB is refused when it is announced.
    same(raw(place, "POST", "/ovirt-engine/api/tags", "<tag/>", xml + [f"Content-Length: {1 << 30}"])[0], 413)


def case_floods(place):
    "a gigabyte that nobody announced, and elements without an end: refused early, in bounded memory"
    before = place.resident()
    for piece in (b"<tag>" * 13107, b"<tag><name>" + b"x" * 65525, b" " * 65536):
        sent = 0

        def more(size):
            nonlocal sent
            if sent >= 1 << 30:
                return b""
            sent += len(piece)
            return piece[:size]
        curl, answer = pycurl.Curl(), io.BytesIO()
        curl.setopt(pycurl.URL, "https://127.0.0.1/ovirt-engine/api/tags")
        curl.setopt(pycurl.POST, True)
        curl.setopt(pycurl.CAINFO, str(place.ca))
        curl.setopt(pycurl.HTTPHEADER, [basic(), "Content-Type: application/xml", "Transfer-Encoding: chunked", "Expect:"])
        curl.setopt(pycurl.READFUNCTION, more)
        curl.setopt(pycurl.WRITEFUNCTION, answer.write)
        try:
            curl.perform()
        except pycurl.error as broken:
            # The engine closed the connection; its answer may have come before.
            assert broken.args[0] in (pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR), broken
        same(curl.getinfo(pycurl.RESPONSE_CODE) in (413, 0), True)
        assert sent < 64 << 20, f"{sent >> 20} MiB were taken"
    grown = place.resident() - before
    assert grown < 64, f"the engine grew by {grown:.0f} MiB"
    with place.connect() as connection:
        same(connection.test(raise_exception=True), True)


def case_hosts(place):
    "hosts: list, search, get, update, and every class of error"
    with place.connect() as connection:
        service = connection.system_service().hosts_service()
        hosts = fleet(connection)
        names = [host.name for host in hosts]
        same(names, ["sim-00001", "sim-00002", "sim-00003"])
        same(len(service.list(max=1)), 1)
        same([h.name for h in service.list(search='name="sim-00002"')], ["sim-00002"])
        same([h.name for h in service.list(search="name=sim-* sortby name desc page 2", max=2)], ["sim-00001"])
        same([h.name for h in service.list(search="(name=sim-00001 or name=sim-00003) and status!=down sortby name")],
             ["sim-00001", "sim-00003"])
        same(service.list(search="name=SIM-00001", case_sensitive=True), [])
        same(len(service.list(search="name=SIM-00001", case_sensitive=False)), 1)
        same(len(service.list(search="cluster=Default status=up")), HOSTS)
        same(service.list(search="name=nothing"), [])
        same(len(service.list(search="update_available=false and architecture!=ppc64 and type=ovirt_node")), HOSTS)
        same(len(service.list(all_content=True, follow="", search="name=sim-00001")), 1)
        with refused(sdk.Error, 400, "not understood"):
            service.list(search="name=")
        with refused(sdk.Error, 400, "follow="):
            service.list(follow="a..b")

        host = service.host_service(hosts[0].id)
        one = host.get()
        same((one.id, one.name, one.status, one.port, one.cluster.id), (hosts[0].id, names[0], types.HostStatus.UP, 54321,
                                                                         hosts[0].cluster.id))
        # What the collection's modules take apart without looking whether it is there.
        same(one.os.custom_kernel_cmdline.split(" "), [""])
        same((one.power_management.enabled, one.power_management.kdump_detection is not None), (False, True))
        same((one.spm.priority, one.spm.status, one.update_available), (5, types.SpmStatus.NONE, False))
        same((one.external_status, one.type is not None), (types.ExternalStatus.OK, True))
        assert one.certificate.subject and one.hardware_information.uuid and one.memory > 0
        same(connection.follow_link(one.cluster).name, "Default")
        same(connection.follow_link(one.tags), [])

        changed = host.update(types.Host(comment="rack <4> & more", spm=types.Spm(priority=3)))
        same((changed.comment, changed.spm.priority), ("rack <4> & more", 3))
        same(host.update(types.Host(comment="")).comment, "")
        with refused(sdk.Error, 400):
            host.update(types.Host(spm=types.Spm(priority=99)))
        with refused(sdk.Error, 409, "already"):
            host.update(types.Host(name=names[1]))
        with refused(sdk.NotFoundError, 404):
            service.host_service(NOBODY).get()
        with refused(sdk.NotFoundError, 404):
            service.host_service("no-uuid").get()
        with refused(sdk.Error, 400):
            service.add(types.Host(name="new"))
        for parameter in ({"deploy_hosted_engine": True}, {"undeploy_hosted_engine": True}):
            with refused(sdk.Error, 409):
                service.add(types.Host(name="new", address="127.0.0.9", root_password="x"), **parameter)
        with refused(sdk.Error, 400, "no way to sign in"):
            service.add(types.Host(name="new", address="127.0.0.9"))


def case_actions(place):
    "actions: out of service and back, refusals as an action that failed"
    with place.connect() as connection:
        service = connection.system_service().hosts_service()
        host = service.host_service(fleet(connection)[1].id)

        def status(wanted):
            return lambda: host.get().status == wanted
        with refused(sdk.Error, 409):
            host.activate()
        with refused(sdk.Error, 409):
            host.approve()
        host.deactivate(reason="a <look> inside")
        until(status(types.HostStatus.MAINTENANCE))
        with refused(sdk.Error, 409, "does not allow this"):
            host.deactivate()
        with refused(sdk.Error, 409):
            host.refresh()
        host.activate()
        until(status(types.HostStatus.UP))
        host.refresh()
        with refused(sdk.Error, 409, "storage pool manager"):
            host.force_select_spm()
        with refused(sdk.NotFoundError, 404):
            service.host_service(NOBODY).activate()
        status, _, body = raw(place, "POST", f"/ovirt-engine/api/hosts/{NOBODY}/activate", "<action/>",
                              [basic(), "Content-Type: application/xml"])
        assert status == 404 and "<action>" in body and "<status>failed</status>" in body, body


def case_clusters(place):
    "clusters: everything that ansible compares is there, kept when it is set, and refused when it makes no sense"
    with place.connect() as connection:
        service = connection.system_service().clusters_service()
        center = connection.system_service().data_centers_service().list(search="name=Default")[0]
        made = service.add(types.Cluster(
            name="sdk-c", description="d & <e>", comment="c", data_center=types.DataCenter(name="Default"),
            cpu=types.Cpu(architecture=types.Architecture.X86_64, type=""), version=types.Version(major=4, minor=7),
            ballooning_enabled=False, ksm=types.Ksm(enabled=True, merge_across_nodes=False),
            memory_policy=types.MemoryPolicy(over_commit=types.MemoryOverCommit(percent=150)),
            error_handling=types.ErrorHandling(on_error=types.MigrateOnError.DO_NOT_MIGRATE),
            fencing_policy=types.FencingPolicy(
                enabled=True, skip_if_connectivity_broken=types.SkipIfConnectivityBroken(enabled=True, threshold=40)),
            migration=types.MigrationOptions(
                auto_converge=types.InheritableBoolean.TRUE,
                bandwidth=types.MigrationBandwidth(assignment_method=types.MigrationBandwidthAssignmentMethod.AUTO)),
            required_rng_sources=[types.RngSource.HWRNG], switch_type=types.SwitchType.LEGACY, threads_as_cores=True))
        cluster = service.cluster_service(made.id)
        one = cluster.get()
        for found in (made, one, service.list(search="name=sdk-c")[0]):
            same((found.name, found.description, found.comment), ("sdk-c", "d & <e>", "c"))
            same((found.data_center.id, found.version.major, found.version.minor), (center.id, 4, 7))
            same((found.cpu.architecture, found.cpu.type), (types.Architecture.X86_64, None))
            same((found.ballooning_enabled, found.ksm.enabled, found.ksm.merge_across_nodes), (False, True, False))
            same(found.memory_policy.over_commit.percent, 150)
            same(found.error_handling.on_error, types.MigrateOnError.DO_NOT_MIGRATE)
            same((found.fencing_policy.enabled, found.fencing_policy.skip_if_connectivity_broken.threshold), (True, 40))
            same(found.fencing_policy.skip_if_sd_active.enabled, False)
            same((found.migration.auto_converge, found.migration.compressed),
                 (types.InheritableBoolean.TRUE, types.InheritableBoolean.INHERIT))
            same(found.migration.policy.id, "80554327-0569-496b-bdeb-fcbbf52b827b")
            same(set(found.required_rng_sources), {types.RngSource.HWRNG, types.RngSource.URANDOM})
            same((found.switch_type, found.firewall_type), (types.SwitchType.LEGACY, types.FirewallType.FIREWALLD))
            same((found.threads_as_cores, found.virt_service, found.gluster_service), (True, True, False))
            same((found.ha_reservation, found.trusted_service, found.tunnel_migration), (False, False, False))
            assert found.scheduling_policy.id and found.management_network.id
        assert connection.follow_link(one.networks)[0].name == "ovirtmgmt"
        changed = cluster.update(types.Cluster(ballooning_enabled=True, name="sdk-c2"))
        same((changed.name, changed.ballooning_enabled, changed.memory_policy.over_commit.percent), ("sdk-c2", True, 150))
        with refused(sdk.Error, 409):
            service.add(types.Cluster(name="SDK-C2"))
        with refused(sdk.Error, 400, "name"):
            service.add(types.Cluster(description="nameless"))
        with refused(sdk.NotFoundError, 404):
            service.add(types.Cluster(name="lost", data_center=types.DataCenter(name="nowhere")))
        with refused(sdk.Error, 400):
            cluster.update(types.Cluster(memory_policy=types.MemoryPolicy(over_commit=types.MemoryOverCommit(percent=-1))))
        same([c.name for c in service.list(search="datacenter=Default and name=sdk-*")], ["sdk-c2"])
        same(service.list(search="datacenter.name=nowhere"), [])
        cluster.remove()
        with refused(sdk.NotFoundError, 404):
            cluster.get()
        with refused(sdk.Error, 409, "hosts"):
            service.cluster_service(fleet(connection)[0].cluster.id).remove()


def case_data_centers(place):
    "data centers with their clusters and networks"
    with place.connect() as connection:
        service = connection.system_service().data_centers_service()
        made = service.add(types.DataCenter(name="sdk-d", description="x", comment="y", local=False,
                                            version=types.Version(major=4, minor=7)))
        center = service.data_center_service(made.id)
        one = center.get()
        same((one.name, one.description, one.comment, one.local), ("sdk-d", "x", "y", False))
        same((one.status, one.quota_mode), (types.DataCenterStatus.UP, types.QuotaModeType.DISABLED))
        assert one.version.major == 4 and [v.minor for v in one.supported_versions]
        same([n.name for n in connection.follow_link(one.networks)], ["ovirtmgmt"])
        same(connection.follow_link(one.clusters), [])
        networks = center.networks_service()
        red = networks.add(types.Network(name="red", vlan=types.Vlan(id=7)))
        same((red.vlan.id, red.data_center.id), (7, one.id))
        same(networks.network_service(red.id).get().name, "red")
        networks.network_service(red.id).remove()
        cluster = connection.system_service().clusters_service().add(
            types.Cluster(name="sdk-cd", data_center=types.DataCenter(id=made.id)))
        same([c.name for c in center.clusters_service().list()], ["sdk-cd"])
        inner = center.clusters_service().add(types.Cluster(name="sdk-ce"))
        same(inner.data_center.id, made.id)
        one = center.clusters_service().cluster_service(inner.id)
        same((one.update(types.Cluster(comment="c")).comment, one.get().name), ("c", "sdk-ce"))
        default = connection.system_service().clusters_service().list(search="name=Default")[0]
        with refused(sdk.NotFoundError, 404, "is not of the data center"):
            center.clusters_service().cluster_service(default.id).remove()
        one.remove()
        with refused(sdk.Error, 409, "clusters"):
            center.remove()
        connection.system_service().clusters_service().cluster_service(cluster.id).remove()
        same(center.update(types.DataCenter(description="")).description, "")
        with refused(sdk.Error, 409, "local"):
            center.update(types.DataCenter(local=True))
        center.remove()
        with refused(sdk.NotFoundError, 404):
            center.get()
        same(service.list(search="name=sdk-d"), [])


def case_networks(place):
    "networks, their labels, and what clusters say of them"
    with place.connect() as connection:
        system = connection.system_service()
        service = system.networks_service()
        made = service.add(types.Network(name="sdk-n", description="d", comment="c", data_center=types.DataCenter(name="Default"),
                                         vlan=types.Vlan(id=11), mtu=9000, usages=[types.NetworkUsage.VM]))
        network = service.network_service(made.id)
        one = network.get()
        same((one.name, one.vlan.id, one.mtu, one.usages), ("sdk-n", 11, 9000, [types.NetworkUsage.VM]))
        same((one.stp, one.port_isolation, one.vdsm_name, one.comment), (False, False, "sdk-n", "c"))
        with refused(sdk.Error, 409, "stp"):
            network.update(types.Network(stp=True))
        same(network.update(types.Network(stp=False, comment="")).comment, "")
        same([n.name for n in service.list(search='name="sdk-n" and datacenter="Default"')], ["sdk-n"])
        same(service.list(search='name="sdk-n" and datacenter="nowhere"'), [])
        same([n.name for n in service.list(search="vlanid=11")], ["sdk-n"])
        same(network.update(types.Network(mtu=1500, usages=[])).usages, [])
        with refused(sdk.Error, 400, "VLAN"):
            network.update(types.Network(vlan=types.Vlan(id=9999)))
        with refused(sdk.Error, 409):
            service.add(types.Network(name="sdk-n", data_center=types.DataCenter(name="Default")))
        labels = network.network_labels_service()
        same(labels.add(types.NetworkLabel(id="lab1")).id, "lab1")
        same([label.id for label in labels.list()], ["lab1"])
        same([label.id for label in connection.follow_link(network.get().network_labels)], ["lab1"])
        same(labels.label_service("lab1").get().id, "lab1")
        labels.label_service("lab1").remove()
        same(labels.list(), [])

        cluster = system.clusters_service().cluster_service(system.clusters_service().list(search="name=Default")[0].id)
        networks = cluster.networks_service()
        same(sorted(n.name for n in networks.list()), ["ovirtmgmt", "sdk-n"])
        same(networks.add(types.Network(id=made.id, required=False)).cluster.id, cluster.get().id)
        same(networks.add(types.Network(name="sdk-n")).id, made.id)
        same(networks.network_service(made.id).update(types.Network(required=True)).required, True)
        same(networks.network_service(made.id).update(types.Network(required=False)).required, False)
        same(networks.network_service(made.id).get().status, types.NetworkStatus.OPERATIONAL)
        networks.network_service(made.id).remove()
        same([n.name for n in networks.list()], ["ovirtmgmt"])
        with refused(sdk.NotFoundError, 404, "does not have"):
            networks.network_service(made.id).get()
        same(network.update(types.Network(usages=[types.NetworkUsage.VM])).usages, [types.NetworkUsage.VM])
        same(networks.add(types.Network(name="sdk-n")).required, True)
        # Whether guests use it is the network's own, not the cluster's.
        networks.network_service(made.id).update(types.Network(required=False, usages=[types.NetworkUsage.MIGRATION]))
        same(networks.network_service(made.id).get().usages, [types.NetworkUsage.MIGRATION, types.NetworkUsage.VM])
        management = next(n for n in networks.list() if n.name == "ovirtmgmt")
        with refused(sdk.Error, 409, "management network"):
            networks.network_service(management.id).remove()
        cluster.sync_all_networks()
        with refused(sdk.NotFoundError, 404):
            networks.add(types.Network(name="nothing"))
        network.remove()
        with refused(sdk.NotFoundError, 404):
            network.get()


def case_marks(place):
    "tags in their tree, affinity labels, and what hosts have of them"
    with place.connect() as connection:
        system = connection.system_service()
        host = system.hosts_service().host_service(fleet(connection)[0].id)
        tags = system.tags_service()
        top = tags.add(types.Tag(name="sdk-top", description="<t>"))
        low = tags.add(types.Tag(name="sdk-low", parent=types.Tag(name="sdk-top")))
        same((top.description, tags.tag_service(low.id).get().parent.id), ("<t>", top.id))
        same(connection.follow_link(low.parent).name, "sdk-top")
        with refused(sdk.Error, 409):
            tags.tag_service(top.id).remove()
        same(host.tags_service().add(types.Tag(name="sdk-low")).id, low.id)
        same([tag.name for tag in host.tags_service().list()], ["sdk-low"])
        same([h.id for h in system.hosts_service().list(search="tag=sdk-low")], [host.get().id])
        same([tag.name for tag in connection.follow_link(host.get().tags)], ["sdk-low"])
        host.tags_service().tag_service(low.id).remove()
        with refused(sdk.NotFoundError, 404):
            host.tags_service().tag_service(low.id).remove()
        same(tags.tag_service(low.id).update(types.Tag(description="")).description, "")
        tags.tag_service(low.id).remove()
        tags.tag_service(top.id).remove()

        labels = system.affinity_labels_service()
        label = labels.add(types.AffinityLabel(name="sdk-label", has_implicit_affinity_group=True))
        same(host.affinity_labels_service().add(types.AffinityLabel(id=label.id)).name, "sdk-label")
        one = labels.label_service(label.id).get()
        same(([h.id for h in one.hosts], one.has_implicit_affinity_group), ([host.get().id], True))
        same([h.id for h in labels.label_service(label.id).hosts_service().list()], [host.get().id])
        host.affinity_labels_service().label_service(label.id).remove()
        same(labels.label_service(label.id).hosts_service().add(types.Host(name="sim-00001")).id, host.get().id)
        labels.label_service(label.id).hosts_service().host_service(host.get().id).remove()
        same(host.affinity_labels_service().list(), [])
        labels.label_service(label.id).remove()
        with refused(sdk.NotFoundError, 404):
            labels.label_service(label.id).get()


def case_mac_pools(place):
    "MAC pools, of which the default one stays"
    with place.connect() as connection:
        service = connection.system_service().mac_pools_service()
        ranges = [types.Range(from_="00:1a:4a:01:00:00", to="00:1a:4a:01:00:ff")]
        made = service.add(types.MacPool(name="sdk-m", allow_duplicates=True, ranges=ranges))
        pool = service.mac_pool_service(made.id)
        one = pool.get()
        same((one.name, one.allow_duplicates, one.default_pool), ("sdk-m", True, False))
        same([(r.from_, r.to) for r in one.ranges], [("00:1a:4a:01:00:00", "00:1a:4a:01:00:ff")])
        more = ranges + [types.Range(from_="00:1a:4a:02:00:00", to="00:1a:4a:02:00:ff")]
        same(len(pool.update(types.MacPool(ranges=more)).ranges), 2)
        with refused(sdk.Error, 400):
            pool.update(types.MacPool(ranges=[types.Range(from_="x", to="y")]))
        pool.remove()
        default = next(p for p in service.list() if p.default_pool)
        with refused(sdk.Error, 409, "default"):
            service.mac_pool_service(default.id).remove()
        policies = connection.system_service().scheduling_policies_service()
        same({policy.name for policy in policies.list()} >= {"none", "evenly_distributed", "power_saving"}, True)
        same(policies.policy_service(policies.list()[0].id).get().name, policies.list()[0].name)


def case_events(place):
    "events: newest first, from an index on, by search, one by one"
    with place.connect() as connection:
        system = connection.system_service()
        host = fleet(connection)[0]
        service = system.events_service()
        newest = service.list(max=1)[0]
        system.tags_service().add(types.Tag(name="sdk-e"), query={"correlation_id": "sdk-corr-1"})
        tag = next(t for t in system.tags_service().list() if t.name == "sdk-e")
        system.tags_service().tag_service(tag.id).remove()
        later = service.list(from_=newest.index)
        assert all(event.index > newest.index for event in later), [event.index for event in later]
        indices = [event.index for event in service.list()]
        same(indices, sorted(indices, reverse=True))
        event = service.event_service(newest.id).get()
        same((event.id, event.index, event.code), (newest.id, newest.index, newest.code))
        assert event.description and event.time and event.severity is not None
        same((event.origin, event.custom_id, event.flood_rate), ("oVirt", -1, 30))
        up = service.list(search=f"type=13 and host.name={host.name}")
        assert up and all(e.code == 13 and e.host.id == host.id and e.host.name == host.name for e in up), up
        same(service.list(search="type=842 or type=841 or type=888"), [])
        marked = service.list(search="correlation_id=sdk-corr-1 and severity=normal and time=today")
        same(len(marked), 1)
        assert "sdk-e" in marked[0].description, marked[0].description
        same(service.list(search="message=*nothing-of-this*"), [])
        seen = types.Event(description="a disk <7> & more", severity=types.LogSeverity.WARNING, origin="sdk-watch", custom_id=7,
                           host=types.Host(id=host.id))
        added = service.add(seen)
        same((added.description, added.code, added.severity, added.origin, added.custom_id, added.host.id),
             ("a disk <7> & more", 9802, types.LogSeverity.WARNING, "sdk-watch", 7, host.id))
        same([e.id for e in service.list(search="origin=sdk-watch and custom_id=7")], [added.id])
        with refused(sdk.Error, 409, "already"):
            service.add(seen)
        with refused(sdk.Error, 400, "custom_id"):
            service.add(types.Event(description="x"))
        with refused(sdk.Error, 400, "oVirt"):
            service.add(types.Event(description="x", severity=types.LogSeverity.NORMAL, origin="oVirt", custom_id=1))
        service.undelete()
        with refused(sdk.NotFoundError, 404):
            service.event_service("999999999").get()
        with refused(sdk.Error, 409, "not taken back"):
            service.event_service(newest.id).remove()


def case_jobs(place):
    "jobs and their steps"
    with place.connect() as connection:
        system = connection.system_service()
        host = fleet(connection)[2]
        service = system.jobs_service()
        status, _, body = raw(place, "POST", f"/ovirt-engine/api/hosts/{host.id}/reboot", "<action/>",
                              [basic(), "Content-Type: application/xml"])
        same(status, 202)
        assert '<job id="' in body and "<status>pending</status>" in body, body
        job = next(j for j in service.list(max=10) if "sim-00003" in j.description)
        assert job.start_time and job.auto_cleared is not None and job.owner.id and job.status is not None
        one = service.job_service(job.id).get()
        steps = service.job_service(job.id).steps_service()
        listed = steps.list()
        assert len(listed) >= 3 and [step.number for step in listed] == list(range(1, len(listed) + 1)), listed
        assert all(step.type is not None and step.status is not None and step.description for step in listed)
        same([step.id for step in connection.follow_link(one.steps)], [step.id for step in listed])
        same(steps.step_service(listed[0].id).get().job.id, job.id)
        same([j.id for j in service.list(search=f"host=sim-00003 and description=*Reboot*")][:0], [])
        with refused(sdk.NotFoundError, 404):
            service.job_service(NOBODY).get()
        with refused(sdk.Error, 409):
            service.job_service(job.id).clear()
        with refused(sdk.Error, 409, "the engine's own"):
            steps.add(types.Step(description="x", type=types.StepEnum.EXECUTING))


def case_external_jobs(place):
    "jobs of other programs: made, given steps, ended, cleared"
    with place.connect() as connection:
        service = connection.system_service().jobs_service()
        made = service.add(types.Job(description="a backup of <all>", auto_cleared=False))
        job = service.job_service(made.id)
        one = job.get()
        same((one.description, one.status, one.external, one.auto_cleared),
             ("a backup of <all>", types.JobStatus.STARTED, True, False))
        steps = job.steps_service()
        first = steps.add(types.Step(description="look", type=types.StepEnum.VALIDATING, status=types.StepStatus.STARTED))
        second = steps.add(types.Step(description="copy", type=types.StepEnum.EXECUTING, status=types.StepStatus.STARTED))
        same([(step.number, step.type) for step in steps.list()],
             [(1, types.StepEnum.VALIDATING), (2, types.StepEnum.EXECUTING)])
        steps.step_service(first.id).end(succeeded=True)
        same(steps.step_service(first.id).get().status, types.StepStatus.FINISHED)
        with refused(sdk.Error, 409, "ended"):
            steps.step_service(first.id).end(succeeded=True)
        with refused(sdk.Error, 400, "type"):
            steps.add(types.Step(description="x"))
        same(service.list(search="kind=external and status=started")[0].id, made.id)
        job.end(succeeded=False)
        same((job.get().status, steps.step_service(second.id).get().status),
             (types.JobStatus.FAILED, types.StepStatus.FAILED))
        with refused(sdk.Error, 409):
            steps.add(types.Step(description="late", type=types.StepEnum.FINALIZING))
        job.clear()
        with refused(sdk.NotFoundError, 404):
            job.get()
        with refused(sdk.Error, 400, "description"):
            service.add(types.Job())


def case_host_networks(place):
    "what a host carries, and orders that change nothing or make no sense (real ones: the kernel's tests; these hosts are simulated)"
    with place.connect() as connection:
        service = connection.system_service().hosts_service().host_service(fleet(connection)[1].id)
        found = service.network_attachments_service().list()
        same([connection.follow_link(a.network).name for a in found], ["ovirtmgmt"])
        assert found[0].host_nic.id and found[0].in_sync is not None and found[0].reported_configurations
        same({a.ip.version for a in found[0].ip_address_assignments}, {types.IpVersion.V4, types.IpVersion.V6})
        followed = service.get(follow="network_attachments.network")
        same([a.network.usages is not None for a in followed.network_attachments], [True])
        service.setup_networks(check_connectivity=True, connectivity_timeout=60, commit_on_success=True)
        with refused(sdk.NotFoundError, 404, "sdk-none"):
            service.setup_networks(modified_network_attachments=[types.NetworkAttachment(
                network=types.Network(name="sdk-none"), host_nic=types.HostNic(name="eth0"))])
        service.commit_net_config()


def case_nics(place):
    "the cards of a host, what stands on them, and the one way to them from the attachments"
    with place.connect() as connection:
        service = connection.system_service().hosts_service().host_service(fleet(connection)[1].id)
        nics = service.nics_service().list()
        assert nics and nics[0].name == "eth0" and nics[0].mac.address.count(":") == 5, nics
        one = service.nics_service().nic_service(nics[0].id).get()
        same((one.name, one.status, one.bridged), ("eth0", types.NicStatus.UP, True))
        same(connection.follow_link(one.network).name, "ovirtmgmt")
        assert one.ip.address.startswith("127.") and one.boot_protocol is not None
        same([a.network.id for a in service.nics_service().nic_service(one.id).network_attachments_service().list()], [one.network.id])
        attachment = service.network_attachments_service().attachment_service(one.network.id).get()
        same(attachment.host_nic.id, one.id)
        same([n.name for n in service.get(follow="nics").nics][:1], ["eth0"])
        same(service.nics_service().nic_service(one.id).network_labels_service().list(), [])
        with refused(sdk.NotFoundError, 404):
            service.nics_service().nic_service("eth9").get()


def case_statistics(place):
    "what a host and its cards did last, by oVirt's names; guests, KSM, versions"
    with place.connect() as connection:
        host = fleet(connection)[0]
        service = connection.system_service().hosts_service().host_service(host.id)

        def heard():
            return service.statistics_service().list()
        found = {statistic.name: statistic for statistic in until(heard)}
        assert {"memory.total", "memory.used", "memory.free", "memory.shared", "swap.total", "swap.used", "swap.free",
                "ksm.cpu.current", "cpu.current.user", "cpu.current.system", "cpu.current.idle", "cpu.load.avg.5m",
                "boot.time", "hugepages.2048.free", "hugepages.2048.total"} == set(found), sorted(found)
        total = found["memory.total"]
        same((total.kind, total.unit, total.type, total.host.id),
             (types.StatisticKind.GAUGE, types.StatisticUnit.BYTES, types.ValueType.INTEGER, host.id))
        same(total.values[0].datum, 262144 << 20)
        used, free = (found[name].values[0].datum for name in ("memory.used", "memory.free"))
        same(used + free, total.values[0].datum)
        same(service.statistics_service().statistic_service(total.id).get().name, "memory.total")
        with refused(sdk.NotFoundError, 404):
            service.statistics_service().statistic_service(NOBODY).get()
        same({s.name for s in service.get(follow="statistics").statistics}, set(found))

        nic = service.nics_service().nic_service("eth0")
        numbers = {statistic.name: statistic for statistic in nic.statistics_service().list()}
        assert {"data.total.rx", "data.total.tx", "errors.total.rx", "errors.total.tx"} <= set(numbers), sorted(numbers)
        rx = numbers["data.total.rx"]
        same((rx.kind, rx.unit, rx.host_nic.id), (types.StatisticKind.COUNTER, types.StatisticUnit.BYTES, "eth0"))
        assert rx.values[0].datum >= 4294967296, rx.values[0].datum
        same(nic.statistics_service().statistic_service(rx.id).get().name, "data.total.rx")
        with refused(sdk.NotFoundError, 404):
            service.nics_service().nic_service("eth9").statistics_service().list()

        one = service.get()
        same((one.summary.active, one.summary.migrating, one.summary.total), (0, 0, 0))
        same((one.ksm.enabled, one.transparent_huge_pages.enabled), (False, False))
        same((one.se_linux.mode, one.kdump_status), (types.SeLinuxMode.ENFORCING, types.KdumpStatus.UNKNOWN))
        same((one.device_passthrough.enabled, one.auto_numa_status), (False, types.AutoNumaStatus.UNKNOWN))


def case_network_upkeep(place):
    "unmanaged networks, networks in sync, networks of another host, attachments one by one"
    with place.connect() as connection:
        system = connection.system_service()
        hosts = fleet(connection)
        service = system.hosts_service().host_service(hosts[1].id)
        same(service.unmanaged_networks_service().list(), [])
        same(service.get(follow="unmanaged_networks").unmanaged_networks, [])
        with refused(sdk.NotFoundError, 404):
            service.unmanaged_networks_service().unmanaged_network_service("6f6c64").remove()
        with refused(sdk.Error, 409, "cannot be copied"):
            service.copy_host_networks(source_host=types.Host(id=hosts[1].id))
        with refused(sdk.NotFoundError, 404):
            service.copy_host_networks(source_host=types.Host(name="nobody"))
        with refused(sdk.Error, 400, "source_host"):
            service.copy_host_networks()
        # Both have the management network and nothing else.
        service.copy_host_networks(source_host=types.Host(id=hosts[0].id))

        attachments = service.network_attachments_service()
        there = attachments.list()[0]
        same((there.host.id, connection.follow_link(there.host_nic).name), (hosts[1].id, "eth0"))
        one = attachments.attachment_service(there.id)
        with refused(sdk.Error, 409, "already"):
            attachments.add(types.NetworkAttachment(network=types.Network(name="ovirtmgmt"), host_nic=types.HostNic(name="eth0")))
        with refused(sdk.Error, 400, "host_nic"):
            attachments.add(types.NetworkAttachment(network=types.Network(name="ovirtmgmt")))
        with refused(sdk.NotFoundError, 404, "sdk-none"):
            attachments.add(types.NetworkAttachment(network=types.Network(name="sdk-none"), host_nic=types.HostNic(name="eth1")))
        with refused(sdk.Error, 409, "management"):
            one.remove()
        made = system.networks_service().add(types.Network(name="sdk-a", data_center=types.DataCenter(name="Default")))
        with refused(sdk.Error, 409, "another network"):
            one.update(types.NetworkAttachment(network=types.Network(id=made.id)))
        nic = service.nics_service().nic_service("eth0").network_attachments_service()
        same(nic.attachment_service(there.id).get().network.id, there.id)
        with refused(sdk.NotFoundError, 404):
            service.nics_service().nic_service("eth1").network_attachments_service().attachment_service(there.id).remove()
        service.commit_net_config()
        system.networks_service().network_service(made.id).remove()


def case_bonds(place):
    "networks on bonds with tags, addresses and labels: ordered, found as ordered, changed, copied, synchronized, taken away"
    with place.connect() as connection:
        system = connection.system_service()
        hosts = fleet(connection)
        first, second = (system.hosts_service().host_service(host.id) for host in hosts[:2])
        center = types.DataCenter(name="Default")
        red, blue, old = (system.networks_service().add(types.Network(name=name, vlan=vlan, data_center=center))
                          for name, vlan in (("sdk-red", types.Vlan(id=7)), ("sdk-blue", None), ("sdk-old", types.Vlan(id=9))))
        bond = types.HostNic(name="bond0", bonding=types.Bonding(
            options=[types.Option(name="mode", value="4", type="Dynamic link aggregation (802.3ad)"),
                     types.Option(name="miimon", value="100")],
            slaves=[types.HostNic(name="eth1"), types.HostNic(name="eth2")]))
        static = types.IpAddressAssignment(assignment_method=types.BootProtocol.STATIC, ip=types.Ip(
            address="192.0.2.10", netmask="255.255.255.0", gateway="192.0.2.1", version=types.IpVersion.V4))
        order = dict(modified_bonds=[bond], modified_network_attachments=[types.NetworkAttachment(
            network=types.Network(name="sdk-red"), host_nic=types.HostNic(name="bond0"), ip_address_assignments=[static])],
            check_connectivity=True, commit_on_success=True)
        first.setup_networks(**order)
        nics = {nic.name: nic for nic in first.nics_service().list()}
        found = nics["bond0"].bonding
        same(({(o.name, o.value, o.type) for o in found.options}, {connection.follow_link(s).name for s in found.slaves}),
             ({("mode", "4", "Dynamic link aggregation (802.3ad)"), ("miimon", "100", None)}, {"eth1", "eth2"}))
        same((nics["bond0.7"].vlan.id, nics["bond0.7"].base_interface, nics["bond0.7"].ip.address), (7, "bond0", "192.0.2.10"))
        # The same once more asks the host for nothing: there is no event of it.
        newest = system.events_service().list(max=1)[0].index
        first.setup_networks(**order)
        same([e.description for e in system.events_service().list(from_=newest)], [])
        with refused(sdk.Error, 409, "eth9"):
            first.setup_networks(modified_network_attachments=[types.NetworkAttachment(
                network=types.Network(name="sdk-blue"), host_nic=types.HostNic(name="eth9"))])

        attachments = first.network_attachments_service()
        dhcp = types.IpAddressAssignment(assignment_method=types.BootProtocol.DHCP, ip=types.Ip(version=types.IpVersion.V4))
        made = attachments.add(types.NetworkAttachment(network=types.Network(id=blue.id), host_nic=types.HostNic(name="eth3"),
                                                       ip_address_assignments=[dhcp]))
        same((made.id, made.host_nic.id, made.in_sync), (blue.id, "eth3", True))
        same({a.assignment_method for a in made.ip_address_assignments if a.ip.version == types.IpVersion.V4}, {types.BootProtocol.DHCP})
        first.commit_net_config()
        static.ip.address, static.ip.gateway = "192.0.2.11", None
        changed = attachments.attachment_service(blue.id).update(types.NetworkAttachment(ip_address_assignments=[static]))
        same([a.ip.address for a in changed.ip_address_assignments][:1], ["192.0.2.11"])
        nic = first.nics_service().nic_service("eth4").network_attachments_service()
        same(nic.add(types.NetworkAttachment(network=types.Network(name="sdk-old"))).host_nic.id, "eth4")
        same([a.id for a in nic.list()], [old.id])

        system.networks_service().network_service(blue.id).update(types.Network(mtu=9000))
        same(attachments.attachment_service(blue.id).get().in_sync, False)
        first.sync_all_networks()
        same({a.in_sync for a in attachments.list()}, {True})
        # What the data center forgets the host goes on to carry.
        system.networks_service().network_service(old.id).remove()
        strangers = first.unmanaged_networks_service().list()
        same([(s.name, s.id, connection.follow_link(s.host_nic).name) for s in strangers], [("sdk-old", b"sdk-old".hex(), "eth4")])
        first.unmanaged_networks_service().unmanaged_network_service(strangers[0].id).remove()
        same(first.unmanaged_networks_service().list(), [])

        second.copy_host_networks(source_host=types.Host(id=hosts[0].id))
        copied = {connection.follow_link(a.network).name: a for a in second.network_attachments_service().list()}
        same({name: a.host_nic.id for name, a in copied.items()}, {"ovirtmgmt": "eth0", "sdk-red": "bond0", "sdk-blue": "eth3"})
        same([a.assignment_method for a in copied["sdk-red"].ip_address_assignments], [types.BootProtocol.NONE] * 2)

        labels = second.nics_service().nic_service("eth5").network_labels_service()
        labels.add(types.NetworkLabel(id="lab5"))
        green = system.networks_service().add(types.Network(name="sdk-green", data_center=center))
        system.networks_service().network_service(green.id).network_labels_service().add(types.NetworkLabel(id="lab5"))
        same(second.network_attachments_service().attachment_service(green.id).get().host_nic.id, "eth5")
        labels.label_service("lab5").remove()
        for service in (first, second):
            for name, attachment in {a.id: a for a in service.network_attachments_service().list()}.items():
                if attachment.host_nic.id != "eth0":
                    service.network_attachments_service().attachment_service(name).remove()
            service.setup_networks(removed_bonds=[types.HostNic(id="bond0")], commit_on_success=True)
            same(sorted(nic.name for nic in service.nics_service().list()), [f"eth{n}" for n in range(8)])
            same(len(service.network_attachments_service().list()), 1)
        for network in (red, blue, green):
            system.networks_service().network_service(network.id).remove()


def case_users(place):
    "users and their roles; what a role may not do is an AuthError"
    with place.connect() as connection:
        system = connection.system_service()
        service = system.users_service()
        same([u.user_name for u in service.list(search="usrname=admin*")], ["admin@internal"])
        # The SDK's User has a password, and nowhere to put a role: it may do the least.
        made = service.add(types.User(user_name="sdk@internal", password="long enough", domain=types.Domain(name="internal")))
        same((made.user_name, made.principal, made.password), ("sdk@internal", "sdk", None))
        same([r.name for r in service.user_service(made.id).roles_service().list()], ["ReadOnlyAdmin"])
        same([p.role.id for p in service.user_service(made.id).permissions_service().list()],
             [r.id for r in system.roles_service().list() if r.name == "ReadOnlyAdmin"])
        same(len(system.roles_service().list()), 3)
        permissions = system.permissions_service()
        same({(connection.follow_link(p.user).principal, p.role.name) for p in permissions.list()},
             {("admin", "SuperUser"), ("sdk", "ReadOnlyAdmin")})
        given = permissions.add(types.Permission(user=types.User(id=made.id), role=types.Role(name="HostAdmin")))
        same((given.role.name, given.user.id), ("HostAdmin", made.id))
        with refused(sdk.Error, 409, "may do all"):
            permissions.add(types.Permission(user=types.User(id=made.id), role=types.Role(name="ReadOnlyAdmin")))
        with refused(sdk.Error, 400, "there are"):
            permissions.add(types.Permission(user=types.User(id=made.id), role=types.Role(name="UserRole")))
        same(permissions.add(types.Permission(user=types.User(id=made.id), role=types.Role(name="HostAdmin"))).id, given.id)
        own = service.user_service(made.id).permissions_service()
        # What is meant for one thing must not be for all.
        for scope in (dict(cluster=types.Cluster(id=made.id)), dict(host=types.Host(id=made.id)), dict(group=types.Group(id=made.id))):
            with refused(sdk.Error, 400, "leave"):
                own.add(types.Permission(role=types.Role(name="SuperUser"), **scope))
        same([p.id for p in own.list()], [given.id])
        permissions.permission_service(given.id).remove()
        with refused(sdk.NotFoundError, 404):
            permissions.permission_service(given.id).get()
        with refused(sdk.Error, 409, "look"):
            own.permission_service(own.list()[0].id).remove()
        with refused(sdk.Error, 409, "oneself"):
            permissions.permission_service([p for p in permissions.list() if p.role.name == "SuperUser"][0].id).remove()
        with place.connect(username="sdk@internal", password="long enough") as other:
            assert len(other.system_service().hosts_service().list()) == HOSTS
            with refused(sdk.AuthError, 403, "SuperUser"):
                other.system_service().tags_service().add(types.Tag(name="sdk-u"))
            host = other.system_service().hosts_service().list()[0]
            with refused(sdk.AuthError, 403, "HostAdmin"):
                other.system_service().hosts_service().host_service(host.id).deactivate()
        with refused(sdk.Error, 409, "already"):
            service.add(types.User(user_name="sdk@internal", password="long enough"))
        with refused(sdk.Error, 400, "bytes"):
            service.add(types.User(user_name="sdk2@internal", password="x"))
        service.user_service(made.id).remove()
        with refused(sdk.NotFoundError, 404):
            service.user_service(made.id).get()


def case_power(place):
    "fence agents, power management, and the order to a board that nobody has"
    with place.connect() as connection:
        service = connection.system_service().hosts_service().host_service(fleet(connection)[1].id)
        agents = service.fence_agents_service()
        made = agents.add(types.Agent(
            type="ipmilan", address="192.0.2.9", username="root", password="s&cret", order=1, concurrent=False,
            options=[types.Option(name="lanplus", value="1")]))
        agent = agents.agent_service(made.id)
        one = agent.get()
        same((one.type, one.address, one.username, one.password, one.order), ("ipmilan", "192.0.2.9", "root", None, 1))
        same([(o.name, o.value) for o in one.options], [("lanplus", "1")])
        same([a.id for a in agents.list()], [made.id])
        with refused(sdk.Error, 409, "password"):
            agent.update(types.Agent(address="192.0.2.10"))
        same(agent.update(types.Agent(address="192.0.2.10", password="s&cret")).address, "192.0.2.10")
        changed = service.update(types.Host(power_management=types.PowerManagement(
            enabled=False, kdump_detection=False, pm_proxies=[types.PmProxy(type=types.PmProxyType.CLUSTER)])))
        same((changed.power_management.enabled, changed.power_management.kdump_detection), (False, False))
        with refused(sdk.Error, 400):
            agents.add(types.Agent(type="ipmilan"))
        with refused(sdk.Error, 400, "fence_type"):
            service.fence(fence_type="explode")
        agent.remove()
        with refused(sdk.NotFoundError, 404):
            agent.get()
        with refused(sdk.Error, 409):
            service.fence(fence_type="status")


def case_follow(place):
    "follow puts what is at the end of links into one answer"
    with place.connect() as connection:
        system = connection.system_service()
        host = fleet(connection)[0]
        tag = system.tags_service().add(types.Tag(name="sdk-f"))
        service = system.hosts_service().host_service(host.id)
        service.tags_service().add(types.Tag(id=tag.id))
        same(service.get().cluster.version, None)
        one = service.get(follow="cluster.data_center,tags")
        same((one.cluster.name, one.cluster.version.major, one.cluster.data_center.quota_mode),
             ("Default", 4, types.QuotaModeType.DISABLED))
        same([t.name for t in one.tags], ["sdk-f"])
        for found in system.hosts_service().list(search="name=sim-*", follow="cluster"):
            same(found.cluster.version.major, 4)
        center = system.data_centers_service().list(search="name=Default", follow="clusters.networks")[0]
        same([n.name for n in center.clusters[0].networks], ["ovirtmgmt"])
        status, _, body = raw(place, "GET", f"/ovirt-engine/api/hosts/{host.id}?follow=cluster", headers=[basic()])
        same(json.loads(body)["cluster"]["version"]["major"], "4")
        service.tags_service().tag_service(tag.id).remove()
        system.tags_service().tag_service(tag.id).remove()


def case_ansible(place):
    "the modules of Ansible's collection ovirt.ovirt: a site as it shall be, once more without a change, and orders"
    with place.connect() as connection:
        fleet(connection)
    first, _ = playbook.run(place.folder, place.ca, URL, PASSWORD, "site.yml")
    assert first["changed"] >= 7, first
    second, text = playbook.run(place.folder, place.ca, URL, PASSWORD, "site.yml")
    assert second["changed"] == 0, text[-6000:]
    playbook.run(place.folder, place.ca, URL, PASSWORD, "orders.yml")


def case_short(place):
    "what make test runs: sign in, hosts, a cluster, events, errors"
    case_sign_in(place)
    with place.connect() as connection:
        system = connection.system_service()
        same([h.name for h in fleet(connection)], ["sim-00001", "sim-00002", "sim-00003"])
        made = system.clusters_service().add(types.Cluster(name="short", data_center=types.DataCenter(name="Default")))
        same(system.clusters_service().list(search="name=short")[0].id, made.id)
        system.clusters_service().cluster_service(made.id).remove()
        assert system.events_service().list(max=1)[0].index > 0
        with refused(sdk.NotFoundError, 404):
            system.hosts_service().host_service(NOBODY).get()
        with refused(sdk.Error, 400):
            system.hosts_service().list(search="name=")
        with refused(sdk.Error, 409):
            system.hosts_service().host_service(fleet(connection)[0].id).activate()


# Last: it leaves nothing as it was.
def case_openapi(place):
    "schemathesis by the engine's own OpenAPI document: no 5xx, and no status, type or form that the document does not name"
    python = subprocess.run([REPOSITORY / "packaging/schemathesis"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    with place.connect() as connection:
        hosts = [host.id for host in fleet(connection)]
        token = connection.authenticate()
        bearer = [f"Authorization: Bearer {token}", "Accept: application/json"]
        status, fields, body = raw(place, "GET", "/ovirt-engine/api/openapi.json", headers=bearer)
        document = json.loads(body)
        assert (status, document["openapi"]) == (200, "3.0.3") and len(document["paths"]) > 100
        there = {"hosts": hosts, "nic": ["eth0", "eth7"], "network": ["ovirtmgmt"], "host": hosts, "mark": hosts}
        for collection in ("clusters", "datacenters", "networks", "tags", "macpools", "jobs", "events"):
            found = json.loads(raw(place, "GET", f"/ovirt-engine/api/{collection}?max=5", headers=bearer)[2])
            there[collection] = [thing["id"] for things in found.values() for thing in things]
        answers = place.folder / "answers.json"
        done = subprocess.run(
            [f"{python}/bin/st", "run", URL + "/openapi.json", "--tls-verify", place.ca, "-H", bearer[0],
             "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
             "--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "1", "--workers", "2",
             "--max-time", str(OPENAPI_SECONDS), "--request-timeout", "60", "--generation-database", "none",
             "--suppress-health-check", "all", "--warnings", "off", "--no-color", "--exclude-path", "/events/stream"],
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis-hooks", "PYTHONPATH": str(REPOSITORY / "packaging/api"),
                 "PYTHONDONTWRITEBYTECODE": "1", "MUSTER_API_THERE": json.dumps(there), "MUSTER_API_ANSWERS": str(answers), "HOME": str(place.folder)},
            cwd=place.folder, capture_output=True, text=True, timeout=3 * OPENAPI_SECONDS)
        assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
        # It got further than to the door.
        found = json.loads(answers.read_text())
        statuses = collections.Counter()
        for counts in found.values():
            statuses.update(counts)
        reached = [operation for operation, counts in found.items() if any(status.startswith("2") for status in counts)]
        told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        print(f"    {sum(statuses.values())} calls; {told}; {len(reached)} of {len(found)} operations were done", flush=True)
        assert statuses["401"] < sum(statuses.values()) / 10, told
        assert len(reached) > OPENAPI_REACHED, sorted(set(found) - set(reached))
