"""oVirt's SDK and Ansible's modules against one real node: a machine in QEMU with a board, three cards and a state partition.

`packaging/api/node` has the demo bring it up, and is called by it (`--then`) in the engine's namespace."""
import os, pathlib, sys, time

import ovirtsdk4 as sdk
import ovirtsdk4.types as types

import playbook

FOLDER = pathlib.Path(os.environ["MUSTER_DEMO"])
NAME = os.environ["MUSTER_DEMO_HOST"]
URL = "https://10.77.0.1/ovirt-engine/api"
PASSWORD = (FOLDER / "password").read_text().strip()
CA = FOLDER / "engine/pki/ca.pem"


def same(found, expected):
    assert found == expected, f"found {found!r}, expected {expected!r}"


def node(connection):
    service = connection.system_service().hosts_service()
    return service.host_service(service.list(search=f"name={NAME}")[0].id)


def facts(connection):
    "what the node says of itself: hardware, cards, statistics"
    service = node(connection)
    host = service.get()
    same((host.status, host.hardware_information.manufacturer, host.hardware_information.serial_number),
         (types.HostStatus.UP, "Muster", "DEMO-1"))
    nics = {nic.name: nic for nic in service.nics_service().list()}
    assert {"eth0", "eth1", "eth2"} <= set(nics), sorted(nics)
    assert all(nic.mac.address.startswith("52:54:00:") for name, nic in nics.items() if name.startswith("eth"))
    same((nics["eth0"].bridged, connection.follow_link(nics["eth0"].network).name), (True, "ovirtmgmt"))
    found = {statistic.name: statistic.values[0].datum for statistic in service.statistics_service().list()}
    same(found["memory.total"], host.memory)
    rx = {s.name: s.values[0].datum for s in service.nics_service().nic_service("eth0").statistics_service().list()}
    assert rx["data.total.rx"] > 1000, rx


def networks(connection):
    "Ansible makes a bond, VLANs on it, an address and a label; once more, and nothing changes"
    first, text = playbook.run(FOLDER, CA, URL, PASSWORD, "node.yml")
    assert first["changed"] >= 3, text[-4000:]
    second, text = playbook.run(FOLDER, CA, URL, PASSWORD, "node.yml")
    same(second["changed"], 0)
    service = node(connection)
    attachments = {connection.follow_link(a.network).name: a for a in service.network_attachments_service().list()}
    same({name: a.host_nic.id for name, a in attachments.items()},
         {"ovirtmgmt": "eth0", "api-red": "bond0", "api-blue": "bond0"})
    # The demo's network has no router, so ovirtmgmt has no default route.
    same([attachments[name].in_sync for name in ("api-red", "api-blue")], [True, True])
    bond = service.nics_service().nic_service("bond0").get()
    same(sorted(nic.id for nic in bond.bonding.slaves), ["eth1", "eth2"])
    same(service.nics_service().nic_service("bond0.7").get().mtu, 1400)


def refusals(connection):
    "what the node itself refuses comes back as a fault with its sentence, and leaves it as it was"
    service = node(connection)
    before = sorted(nic.name for nic in service.nics_service().list())
    for nic, words in (("eth9", "eth9"), ("eth1", "eth1")):
        try:
            service.setup_networks(check_connectivity=True, modified_network_attachments=[types.NetworkAttachment(
                network=types.Network(name="api-red"), host_nic=types.HostNic(name=nic))])
        except sdk.Error as error:
            assert error.code in (400, 404, 409) and words in str(error), str(error)
        else:
            raise AssertionError(f"a network on {nic} was not refused")
    same(sorted(nic.name for nic in service.nics_service().list()), before)
    try:
        service.upgrade()
    except sdk.Error as error:
        assert error.code == 409, str(error)
    else:
        raise AssertionError("a node without a disk was upgraded")


def orders(connection):
    "maintenance, activation, fencing by its board, the same key and networks afterwards, and its removal"
    playbook.run(FOLDER, CA, URL, PASSWORD, "node-orders.yml")
    same([host.name for host in connection.system_service().hosts_service().list()], [])


def main():
    for case in (facts, networks, refusals, orders):
        began = time.monotonic()
        connection = sdk.Connection(url=URL, username="admin@internal", password=PASSWORD, ca_file=str(CA))
        try:
            case(connection)
        except Exception as error:
            print(f"FAILED: {case.__name__}: {error}", flush=True)
            return 1
        finally:
            connection.close()
        print(f"ok: node {case.__name__:11} {time.monotonic() - began:6.2f} s", flush=True)
    return 0


sys.exit(main())
