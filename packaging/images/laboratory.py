"""A network namespace with a bridge and a running engine, and QEMU machines on the bridge: what boot-node works with.

Nothing is left behind but files: everything runs in the namespace, which bears this process's number, so that a later run
finds what a killed one left.
"""
import json, os, pathlib, re, shutil, signal, socket, subprocess, sys, threading, time, uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / ".build/debug"
FIRMWARE = pathlib.Path("/usr/share/OVMF")
ADDRESS, NETWORK = "10.77.0.1", "10.77.0"
ENGINE_SECONDS = 60
PREFIX = "muster-boot-node-"


class Failure(Exception):
    """One sentence of cause, and where to read on."""


def wait_until(condition, seconds, what, alive=lambda: True):
    """The first true answer of the condition. Fails at the limit, or when what is waited for can no longer come."""
    end = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        if not alive():
            raise Failure(f"{what}: the process ended before")
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.1)


class Laboratory:
    """The namespace, the bridge and the engine, in a folder that one run at a time may have."""

    def __init__(self, work, services):
        self.work, self.services, self.processes, self.taps = work, services, [], 0
        self.namespace = f"{PREFIX}{os.getpid()}"
        self.config = work / "cli.yaml"

    def __enter__(self):
        if os.geteuid() != 0:
            sys.exit("error: the machines' network namespace needs root\n  try: sudo " + " ".join(sys.argv))
        self.reap_earlier()
        for name in ("engine", "run"):
            shutil.rmtree(self.work / name, ignore_errors=True)
            (self.work / name).mkdir(parents=True)
        self.config.unlink(missing_ok=True)
        try:
            self.make_network()
            self.start_engine()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        self.clear(self.namespace)

    @staticmethod
    def clear(namespace):
        """Ends what is in the namespace, and the namespace."""
        pids = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True).stdout.split()
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL)

    def reap_earlier(self):
        for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.splitlines():
            if (found := re.match(PREFIX + r"(\d+)\b", line)) and not pathlib.Path(f"/proc/{found[1]}").exists():
                self.clear(found[0])

    def inside(self, *words):
        return ["ip", "netns", "exec", self.namespace, *map(str, words)]

    def run(self, *words):
        done = subprocess.run(self.inside(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT)
        if done.returncode:
            raise Failure(f"{' '.join(map(str, words))[:200]}: {(done.stderr or done.stdout).strip()[-600:]}")
        return done.stdout

    def start(self, words, log):
        with open(self.work / log, "ab") as output:
            process = subprocess.Popen(self.inside(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT)
        self.processes.append(process)
        return process

    def make_network(self):
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        for command in (f"link set lo up", "link add br0 type bridge forward_delay 0",
                        f"address add {ADDRESS}/24 dev br0", "link set br0 up"):
            self.run("ip", *command.split())

    def tap(self):
        """A new port of the bridge."""
        name, self.taps = f"tap{self.taps}", self.taps + 1
        for command in (f"tuntap add {name} mode tap", f"link set {name} master br0", f"link set {name} up"):
            self.run("ip", *command.split())
        return name

    def start_engine(self):
        password = self.work / "password"
        password.touch(0o600)
        password.write_text(os.urandom(12).hex())
        place = self.work.relative_to(ROOT)
        # The unprivileged children must reach the tree wherever it lies, so it is mounted at /mnt for them alone.
        command = ["bash", "-c", 'mount --rbind "$0" /mnt && cd /mnt && exec .build/debug/muster-engine "$@"', ROOT]
        self.run(*command, "init", "--data-directory", f"/mnt/{place}/engine", "--address", ADDRESS,
                 "--admin-password-file", f"/mnt/{place}/password")
        boot = ["--boot", "none"]
        if self.services:
            boot = ["--boot-interface", "br0", "--boot-address", f"{ADDRESS}/24", "--boot-pool",
                    f"{NETWORK}.100-{NETWORK}.199", "--boot-pxe-directory", "/mnt/pxe"]
        engine = self.start([*command, "serve", "--data-directory", f"/mnt/{place}/engine", "--runtime-directory",
                             f"/mnt/{place}/run", *boot], "engine.log")
        health = self.inside("curl", "-ksf", "-o", "/dev/null", f"https://{ADDRESS}/ovirt-engine/services/health")
        wait_until(lambda: subprocess.run(health).returncode == 0, ENGINE_SECONDS, "the engine", lambda: engine.poll() is None)
        self.authority = self.work / "engine/pki/ca.pem"
        fingerprint = subprocess.run(["openssl", "x509", "-in", self.authority, "-noout", "-fingerprint", "-sha256"],
                                     capture_output=True, text=True, check=True).stdout.strip().split("=")[1]
        self.muster("login", f"https://{ADDRESS}", "--user", "admin@internal", "--password-file", password,
                    "--fingerprint", fingerprint)

    def muster(self, *words):
        return self.run("env", f"MUSTER_CONFIG={self.config}", BIN / "muster", *words)

    def hosts(self):
        return {host["name"]: host for host in json.loads(self.muster("host", "list", "--output", "json"))}

    def publish(self, folder):
        """Offers the image to machines that boot from the network."""
        self.muster("image", "publish", folder)
        profile = json.loads(self.muster("profile", "show", "default", "--output", "json"))
        profile["image"] = json.loads((folder / "manifest.json").read_text())["name"]
        (self.work / "profile.json").write_text(json.dumps(profile))
        self.muster("profile", "set", self.work / "profile.json")

    def watch_events(self, heard):
        """Calls `heard` with each event as it happens, and the moment."""
        words = self.inside("env", f"MUSTER_CONFIG={self.config}", BIN / "muster", "event", "list", "--watch",
                            "--output", "json")
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.processes.append(process)

        def listen():
            for line in process.stdout:
                heard(json.loads(line), time.monotonic())
        threading.Thread(target=listen, daemon=True).start()


class Machine:
    """A QEMU machine (software emulation) with a firmware, a drive or the network to boot from, and a serial line."""

    def __init__(self, laboratory, case, medium=None, memory=1024):
        self.laboratory, self.work = laboratory, laboratory.work / "machine"
        firmware, _, drive = case.partition("-")
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        self.console = self.work / "console.log"
        self.console.touch()
        self.started = self.shell_mark = None
        self.mac = "52:54:00:" + ":".join(f"{byte:02x}" for byte in os.urandom(3))
        self.options = ["-accel", "tcg", "-cpu", "max", "-m", str(memory), "-display", "none", "-nodefaults", "-no-reboot",
                        "-uuid", str(uuid.uuid4()), "-device", "virtio-rng-pci",
                        "-smbios", f"type=1,manufacturer=Muster,product=Laboratory,serial={case}",
                        "-chardev", f"socket,id=line,path={self.work}/serial,server=on,wait=off,logfile={self.console}",
                        "-serial", "chardev:line",
                        "-netdev", f"tap,id=net,ifname={laboratory.tap()},script=no,downscript=no"]
        # Without a ROM the card is left to OVMF's own driver, and SeaBIOS boots from the medium only.
        rom = "" if (firmware, drive) == ("bios", "pxe") else ",romfile="
        self.options += ["-device", f"virtio-net-pci,netdev=net,mac={self.mac}{rom}"]
        self.add_firmware(firmware)
        self.add_drive(drive, medium)

    def add_firmware(self, name):
        files = {"bios": None, "efi": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
                 "secure": ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"),
                 # With the key of the site in its variables, and no other.
                 "own": ("OVMF_CODE_4M.ms.fd", self.laboratory.work / "own-variables.fd")}[name]
        isSecure = name in ("secure", "own")
        self.options += ["-machine", "q35,smm=on" if isSecure else "q35"]
        if isSecure:
            self.options += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        if files:
            shutil.copy(FIRMWARE / files[1], self.work / "variables.fd")
            self.options += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE / files[0]}",
                             "-drive", f"if=pflash,unit=1,format=raw,file={self.work}/variables.fd"]

    def add_drive(self, name, medium):
        if name in ("pxe", "http"):
            self.options += ["-boot", "n"]
            if name == "http":  # As an operator would in the firmware's setup: HTTP boot is the first thing tried.
                for version in (4, 6):
                    self.options += ["-fw_cfg", f"name=opt/org.tianocore/IPv{version}PXESupport,string=n"]
            return
        if name == "pxelinux":
            # The only BIOS network boot that QEMU has is iPXE, which our server gives a script. It does here what other ROMs
            # do: DHCP, then the program by TFTP, and PXE's calls (UNDI) for it to work with.
            script = self.work / "script.ipxe"
            script.write_text(f"#!ipxe\ndhcp\nset net0/next-server {ADDRESS}\nset net0/filename boot/lpxelinux.0\n"
                              f"chain tftp://{ADDRESS}/boot/lpxelinux.0\n")
            self.options += ["-kernel", "/usr/lib/ipxe/ipxe.lkrn", "-initrd", str(script)]
            return
        device = {"cd": "ide-cd", "disk": "virtio-blk-pci"}.get(name, "usb-storage")
        readonly = ",readonly=on,media=cdrom" if name == "cd" else ""
        self.options += ["-drive", f"if=none,id=medium,format=raw,file={medium}{readonly}"]
        if device == "usb-storage":
            self.options += ["-device", "qemu-xhci"]
        self.options += ["-device", f"{device},drive=medium,bootindex=1"]

    def __enter__(self):
        self.started = time.monotonic()
        self.process = self.laboratory.start(["qemu-system-x86_64", *self.options], "qemu.log")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def screen(self):
        return self.console.read_bytes().replace(b"\r", b"").decode(errors="replace")

    def find(self, pattern, seconds, mark=0):
        """The first match on the serial line behind its first `mark` characters."""
        return wait_until(lambda: re.compile(pattern, re.M).search(self.screen(), mark), seconds,
                          f"{pattern!r} on the console", self.is_running)

    def is_running(self):
        # A busy host's emulation now and then loses the timer's interrupts: "IO-APIC + timer doesn't work!".
        if found := re.search(r"Kernel panic - .*", self.screen()):
            raise Failure(found[0])
        return self.process.poll() is None

    def kernel_start(self, seconds):
        """The moment at which the kernel's clock was zero, by the line that says when its console began."""
        found = self.find(r"\[ *(\d+\.\d+)\] printk: console \[ttyS0\] enabled", seconds)
        return time.monotonic() - float(found[1])

    def type(self, text):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.work / "serial"))
            line.sendall(text.encode())
            line.shutdown(socket.SHUT_WR)
            # QEMU has read all when it closes, too.
            line.settimeout(5)
            try:
                while line.recv(4096):
                    pass
            except TimeoutError:
                pass

    def open_shell(self, password, seconds=120):
        mark = len(self.screen())
        self.type("6")
        mark = self.find(r"Password: ", seconds, mark).end()
        self.type(password + "\r")
        mark = self.find(r"leads back", seconds, mark).end()
        self.find(r"^\S*# ", seconds, mark)

    def shell(self, command, seconds=120):
        """What a command said in the open shell; fails when the command does."""
        mark, token = len(self.screen()), os.urandom(4).hex()
        # Typed with a quote in the middle, so that the echo of the line is not taken for its end.
        self.type(f"{command}; echo END-{token[:4]}''{token[4:]}-$?\r")
        found = self.find(rf"END-{token}-(\d+)", seconds, mark)
        said = self.screen()[mark:found.start()]
        if found[1] != "0":
            raise Failure(f"on the node: {command[:200]}: status {found[1]}: {said.strip()[-1000:]}")
        return said

    def put(self, path, content):
        """A small file on the node."""
        import base64
        text = base64.b64encode(content).decode()
        self.shell(f": >{path}.64")
        for start in range(0, len(text), 180):
            self.shell(f"printf %s {text[start:start + 180]} >>{path}.64")
        self.shell(f"base64 -d {path}.64 >{path}")
