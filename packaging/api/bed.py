"""A fresh engine with simulated hosts in a network namespace of its own, and oVirt's SDK beside it."""
import os, pathlib, shutil, signal, ssl, subprocess, sys, tempfile, time, urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MUSTER_BIN", REPOSITORY / ".build/debug"))
PASSWORD = "correct horse & <battery>"
URL = "https://127.0.0.1/ovirt-engine/api"
# A wait that passes this is a failure, in seconds: the machine may be busy.
WAIT = 90


def fail(sentence):
    raise SystemExit(f"error: {sentence}")


def until(what, seconds=WAIT):
    """What `what` gives once it is something; asked as often as an answer takes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    fail(f"not in {seconds} s: {what.__name__}")


class Bed:
    """Made in the namespace that it runs in: see `enter`."""

    def __init__(self, hosts):
        self.folder = pathlib.Path(os.environ["MUSTER_API_INSIDE"])
        self.children = []
        (self.folder / "password").write_text(PASSWORD + "\n")
        self.data = self.folder / "data"
        self.engine("init", "--address", "127.0.0.1", "--admin-password-file", self.folder / "password")
        self.fingerprint = self.engine("fingerprint").strip()
        self.start("serve", "--data-directory", self.data, "--runtime-directory", self.folder / "run", "--listen", "127.0.0.1",
                   "--boot", "none")
        self.ca = self.folder / "ca.pem"
        until(self.healthy)
        if hosts:
            self.start("simulate", "--engine", "127.0.0.1", "--hosts", hosts, "--user", "admin@internal", "--password-file",
                       self.folder / "password", "--fingerprint", self.fingerprint)

    def engine(self, verb, *words):
        done = subprocess.run([BIN / "muster-engine", verb, "--data-directory", self.data, *map(str, words)],
                              capture_output=True, text=True)
        if done.returncode:
            fail(f"muster-engine {verb}: {done.stderr}")
        return done.stdout

    def start(self, *words):
        log = open(self.folder / f"{words[0]}.log", "wb")
        self.children.append(subprocess.Popen([BIN / "muster-engine", *map(str, words)], stdout=log, stderr=log,
                                              stdin=subprocess.DEVNULL))

    def healthy(self):
        if self.children[0].poll() is not None:
            fail("the engine did not start: " + (self.folder / "serve.log").read_text()[-2000:])
        context = ssl._create_unverified_context()
        try:
            ca = urllib.request.urlopen(
                "https://127.0.0.1/ovirt-engine/services/pki-resource?resource=ca-certificate", context=context)
        except OSError:
            return False
        self.ca.write_bytes(ca.read())
        return True

    def connect(self, **more):
        import ovirtsdk4
        settings = dict(url=URL, username="admin@internal", password=PASSWORD, ca_file=str(self.ca))
        return ovirtsdk4.Connection(**{**settings, **more})

    def resident(self):
        """MiB of the engine proper, which is a child of its supervisor."""
        supervisor = pathlib.Path(f"/proc/{self.children[0].pid}/task")
        pids = [pid for task in supervisor.iterdir() for pid in (task / "children").read_text().split()]
        status = pathlib.Path(f"/proc/{pids[0]}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def log(self):
        return (self.folder / "serve.log").read_text(errors="replace")

    def close(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def enter():
    """Starts this program anew in a namespace with a loopback of its own, and leaves with its status; returns inside of it."""
    if os.environ.get("MUSTER_API_INSIDE"):
        return
    if os.geteuid() != 0:
        fail("network namespaces take root\n  try: sudo make test-api")
    space = f"muster-api-{os.getpid()}"
    # Not in TMPDIR, into which the engine's own user may not look.
    folder = tempfile.mkdtemp(prefix="muster-api-", dir="/tmp")
    os.chmod(folder, 0o755)
    subprocess.run(["ip", "netns", "add", space], check=True)
    # Whoever ends this program ends what it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        subprocess.run(["ip", "-n", space, "link", "set", "lo", "up"], check=True)
        done = subprocess.run(["ip", "netns", "exec", space, sys.executable, *sys.argv],
                              env={**os.environ, "MUSTER_API_INSIDE": folder})
        raise SystemExit(done.returncode)
    finally:
        left = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True).stdout.split()
        for pid in left:
            os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", space], check=False)
        shutil.rmtree(folder, ignore_errors=True)
