"""An engine, simulated hosts, a server to be converted and a browser, all in one network namespace."""
import ctypes, importlib.machinery, importlib.util, json, os, pathlib, shutil, ssl, subprocess, urllib.error, urllib.parse, urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
USER, PASSWORD = "admin@internal", "long enough"
CLONE_NEWNET = 0x40000000


def module_of(path):
    loader = importlib.machinery.SourceFileLoader("conversion", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("conversion", loader))
    loader.exec_module(module)
    return module


# Its bed has the engine and the server.
conversion = module_of(REPOSITORY / "packaging/convert/try")
ADDRESS, ENGINE, until, fail, say = conversion.ADDRESS, conversion.ENGINE, conversion.until, conversion.fail, conversion.say
ORIGIN = f"https://{ENGINE}"


OUTSIDE = os.open("/proc/self/ns/net", os.O_RDONLY)


def enter(space):
    """This program, and what it starts from now on, is in that network namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(space, CLONE_NEWNET) != 0:
        fail(f"the namespace cannot be entered: {os.strerror(ctypes.get_errno())}")


class Bed(conversion.Bed):
    """`failing`: one of the packages that a conversion installs does not come to its end."""

    token = None

    def __init__(self, hosts, failing=True):
        super().__init__(failing=failing)
        try:
            # From here on this program, and what it starts, is in the namespace.
            enter(os.open(f"/run/netns/{self.space}", os.O_RDONLY))
            self.fingerprint = conversion.run(conversion.BIN / "muster-engine", "fingerprint", "--data-directory",
                                              self.folder / "data").stdout.strip()
            self.simulate("sim", hosts, "--user", USER, "--password-file", self.folder / "password", "--fingerprint", self.fingerprint)
        except BaseException:
            self.close()
            raise

    def close(self):
        # Who is in the namespace at its end is ended.
        enter(OUTSIDE)
        super().close()

    def simulate(self, prefix, hosts, *words, network="127.64.0.0/16"):
        """Hosts that nobody approves say their codes on the log that is given back."""
        log = self.folder / f"{prefix}.log"
        seed = str(sum(prefix.encode()))
        self.processes.append(subprocess.Popen(
            [str(w) for w in (conversion.BIN / "muster-engine", "simulate", "--engine", ENGINE, "--hosts", hosts, "--prefix", prefix,
                              "--seed", seed, "--network", network, *words)],
            stdin=subprocess.DEVNULL, stdout=open(log, "wb"), stderr=subprocess.STDOUT))
        return log

    def call(self, method, path, body=None):
        """REST beside the browser, as the SuperUser: status and value."""
        if self.token is None:
            form = urllib.parse.urlencode({"grant_type": "password", "scope": "ovirt-app-api", "username": USER, "password": PASSWORD})
            self.token = ""
            self.token = self.send("POST", "sso/oauth/token", form.encode(), "application/x-www-form-urlencoded")[1]["access_token"]
        return self.send(method, path, None if body is None else json.dumps(body).encode(), "application/json")

    def send(self, method, path, body, kind):
        request = urllib.request.Request(f"{ORIGIN}/ovirt-engine/{path}", method=method, data=body,
                                         headers={"Accept": "application/json", "Content-Type": kind, "Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=120) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def done(self, method, path, body=None):
        status, value = self.call(method, path, body)
        if status >= 300:
            fail(f"{method} {path}: {status} {value}")
        return value

    def host(self, name):
        return next(iter(self.done("GET", f"api/hosts?search=name%3D{name}").get("host", [])), None)


def enough():
    """What must be there before anything is made."""
    if os.geteuid() != 0:
        fail("this makes namespaces, so it needs root")
    for program in [conversion.BIN / "muster", conversion.BIN / "muster-engine", REPOSITORY / ".build-agent/muster-agent"]:
        if not program.exists():
            fail(f"{program} is not built; try: make build agent")
    if shutil.which("chromedriver") is None:
        fail("there is no chromedriver; try: packaging/console/try")
