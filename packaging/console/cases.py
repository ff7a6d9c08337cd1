"""What an operator does in the console, case by case, in this order: later ones go on where earlier ones ended."""
import functools, hashlib, http.server, json, re, secrets, ssl, threading

from bed import ADDRESS, ENGINE, PASSWORD, USER, conversion, fail, until
from browser import ENTER, ESCAPE, TAB

HOSTS = 12
HOSTILE = "<img src=x onerror=\"window.caught=1\"><script>window.caught=1</script>\u202e"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def expect(fact, sentence):
    if not fact:
        fail(sentence)


def signed_in(window):
    """At the list of hosts, as the SuperUser."""
    window.open("/ovirt-engine/console/")
    window.see("Muster")
    def the_page_is_there():
        return "Sign out" in window.text() or "Password" in window.text()
    until(the_page_is_there)
    if "Sign out" in window.text() and USER not in window.text():
        window.press("Sign out")
        window.see("Password")
    if "Sign out" not in window.text():
        window.sign_in(USER, PASSWORD)
    window.see("Sign out", USER)


def case_sign_in(bed, window):
    """from / to the door; a wrong password; in with the keyboard alone"""
    window.refusals = {401}
    window.open("/")
    window.see("Sign in", "User", "Password")
    expect(window.driver.current_url.startswith(f"https://{ENGINE}/ovirt-engine/console/"), window.driver.current_url)
    window.picture("door")
    window.sign_in(USER, "wrong")
    window.see("The user name or the password is wrong.", "What to do:", "NAME@PROFILE")
    window.picture("wrong-password")
    expect(window.driver.get_cookies() == [], "there is a session")
    window.open("/ovirt-engine/console/#/hosts")
    window.driver.refresh()
    window.see("Password")
    # The cursor is in the first field.
    window.type(USER, TAB, PASSWORD, ENTER)
    window.see("Hosts", USER, "SuperUser", "Live")
    cookie = window.driver.get_cookie("__Host-muster-console")
    expect(cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/", f"{cookie}")
    expect(window.script("return document.cookie") == "", "a script reads the session")
    # It outlives the page.
    window.driver.refresh()
    window.see("Hosts", "SuperUser")


def case_hosts(bed, window):
    """the list follows what happens without being asked; the search speaks oVirt's language"""
    window.refusals = {400}
    signed_in(window)
    def every_host_is_up():
        return len(bed.done("GET", "api/hosts?search=status%3Dup").get("host", [])) == HOSTS
    until(every_host_is_up, seconds=180)
    window.see(f"{HOSTS} hosts, {HOSTS} up")
    expect("Up" in window.row("sim-00001"), window.row("sim-00001"))
    window.picture("hosts")
    window.script("window.mark = 1")
    host = bed.host("sim-00001")
    bed.done("POST", f"api/hosts/{host['id']}/deactivate", {"reason": "a test"})
    window.see(f"{HOSTS} hosts, {HOSTS - 1} up")
    expect("Maintenance" in window.row("sim-00001"), window.row("sim-00001"))
    window.write("Search", "status=maintenance")
    window.type(ENTER)
    window.see("1 host found, 0 up")
    window.write("Search", "colour=red")
    window.type(ENTER)
    window.see("What to do:")
    window.picture("search-refused")
    window.go("hosts")
    window.see(f"{HOSTS} hosts")
    expect(window.script("return window.mark") == 1, "the page was loaded anew")


def case_polling(bed, window):
    """where the stream of events cannot be had, the page asks"""
    window.refusals = {"ERR_BLOCKED_BY_CLIENT"}
    signed_in(window)
    window.driver.execute_cdp_cmd("Network.enable", {})
    window.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/events/stream*"]})
    try:
        window.driver.refresh()
        window.see("Asks from time to time")
        host = bed.host("sim-00001")
        bed.done("POST", f"api/hosts/{host['id']}/activate")
        window.see(f"{HOSTS} hosts, {HOSTS} up")
    finally:
        window.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    window.driver.refresh()
    window.see("Live")


def checked(symbols):
    """A code with the check symbol that belongs to its eight symbols."""
    check = sum(ALPHABET.index(symbol) * (2 * place + 1) for place, symbol in enumerate(symbols)) % 32
    return f"{symbols[:4]}-{symbols[4:]}-{ALPHABET[check]}"


def case_approve(bed, window):
    """a machine that waits: no code, a wrong one, then the one on its screen; and one that is rejected"""
    window.refusals = {400, 404, 409}
    signed_in(window)
    log = bed.simulate("new", 2, "--port", 54322, network="127.80.0.0/16")
    def their_codes_are_shown():
        found = dict(re.findall(r"pending (\S+) (\S+)", log.read_text()))
        return found if len(found) == 2 else None
    codes = until(their_codes_are_shown)
    window.see("2 hosts wait for your approval.")
    window.picture("waiting")
    expect("claim to look at" in window.row("new-00001"), window.row("new-00001"))
    window.find("//a[normalize-space()='new-00001']").click()
    window.see("This machine wants to become a host", "Waits for approval")
    window.picture("claim")
    label = "The code on the screen of the machine"
    window.write(label, "nonsense")
    window.press("Approve")
    window.see("What to do:")
    right = codes["new-00001"]
    symbols = right.replace("-", "")[:8]
    wrong = checked(symbols[:7] + ALPHABET[(ALPHABET.index(symbols[7]) + 1) % 32])
    before = window.find("//*[@role='alert']").text
    window.write(label, wrong)
    window.press("Approve")
    def another_sentence_is_there():
        return window.find("//*[@role='alert']").text not in ("", before)
    until(another_sentence_is_there)
    window.picture("wrong-code")
    expect(bed.host("new-00001")["status"] == "pending_approval", "a wrong code approved it")
    window.write(label, right.lower().replace("-", " "))
    window.press("Approve")
    window.see("new-00001", "Up", "was approved")
    expect(window.missing(f"//label[normalize-space()='{label}']"), "it is still asked about")
    window.picture("approved")
    window.go(f"hosts/{bed.host('new-00002')['id']}")
    window.see("new-00002", "Waits for approval")
    window.press("Reject")
    window.see("kept away for 24 hours")
    window.type(ESCAPE)
    expect(bed.host("new-00002") is not None, "the question alone did it")
    window.press("Reject")
    window.press("Reject", inside="//dialog")
    def it_is_gone():
        return bed.host("new-00002") is None
    until(it_is_gone)


def claim(bed, name):
    """What a machine sends that says the worst of itself."""
    folder = bed.folder
    conversion.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                   "-keyout", folder / "claim.key", "-out", folder / "claim.csr")
    nonce = secrets.token_bytes(32)
    body = {"version": 1, "certificateRequest": (folder / "claim.csr").read_text(), "nonceHash": hashlib.sha256(nonce).hexdigest(),
            "hardwareID": "11111111-2222-4333-8444-555555555555", "name": name, "address": "127.0.0.1", "port": 54321,
            "facts": {"manufacturer": HOSTILE, "product": HOSTILE, "serial": HOSTILE, "cpuModel": HOSTILE, "cpuCount": 4, "memory": 4096,
                      "hasKVM": True, "interfaces": [{"name": HOSTILE[:60], "mac": "52:54:00:00:00:01", "hasCarrier": True, "addresses": []}]}}
    reply = bed.done("POST", "services/muster-claim", body)
    bed.done("POST", f"services/muster-claim/{reply['claim']}/nonce", {"nonce": nonce.hex()})


def case_hostile(bed, window):
    """what a machine says of itself is read and never obeyed"""
    signed_in(window)
    claim(bed, "hostile")
    bed.done("POST", "api/events", {"description": f"event {HOSTILE}", "severity": "normal", "origin": HOSTILE[:40], "custom_id": "7"})
    window.script("delete window.caught")
    window.see("hostile")
    window.go(f"hosts/{bed.host('hostile')['id']}")
    window.see("This machine wants to become a host", "<img src=x onerror=", "<script>window.caught=1</script>\\u{202e}")
    window.picture("hostile")
    strays = "return document.querySelectorAll('main img, main script, main [onerror]').length"
    expect(window.script(strays) == 0, "it became markup")
    window.go("events")
    window.see("event <img src=x onerror=")
    expect(window.script(strays) == 0, "it became markup")
    window.go("hosts/%3Cimg%20src=x%20onerror=window.caught=1%3E")
    window.refusals = {400, 404}
    window.see("There is no host")
    window.open("/ovirt-engine/console/#/hosts?search=%3Cscript%3Ewindow.caught=1%3C/script%3E")
    window.see("Search")
    expect(window.script("return window.caught") is None, "it ran")
    # And if one tried: the policy lets no text become markup.
    refused = "try { document.body.innerHTML = '<b>x</b>'; return 'done'; } catch (error) { return error.name; }"
    expect(window.script(refused) == "TypeError", "the policy is not there")
    window.driver.get_log("browser")


def case_roles(bed, window):
    """who may only look is told so by the engine"""
    window.refusals = {403}
    signed_in(window)
    bed.done("POST", "api/users", {"user_name": "looks@internal", "password": PASSWORD, "muster": {"role": "ReadOnlyAdmin"}})
    window.press("Sign out")
    window.see("You are signed out.")
    window.sign_in("looks@internal", PASSWORD)
    window.see("ReadOnlyAdmin")
    window.go(f"hosts/{bed.host('sim-00002')['id']}")
    window.press("Into maintenance")
    window.press("Into maintenance", inside="//dialog")
    window.see("User looks@internal has the role ReadOnlyAdmin; this call needs HostAdmin.", "A SuperUser gives roles")
    window.picture("may-not")
    window.type(ESCAPE)
    expect(bed.host("sim-00002")["status"] == "up", "it was done all the same")
    window.press("Sign out")
    window.see("Password")


def case_actions(bed, window):
    """maintenance with a reason, and back"""
    signed_in(window)
    window.go(f"hosts/{bed.host('sim-00003')['id']}")
    window.press("Into maintenance")
    window.write("Reason", "new memory")
    window.press("Into maintenance", inside="//dialog")
    window.see("Maintenance", "new memory")
    window.picture("host")
    window.press("Activate")
    window.press("Activate", inside="//dialog")
    window.see("was activated", "Up")


def fill_order(window, password):
    window.write("Name", "kvm-8")
    window.write("Address", ADDRESS)
    window.write("Password", password)


def case_check(bed, window):
    """a server: its key, a wrong password, what forbids a conversion, and what does not"""
    window.refusals = {409}
    signed_in(window)
    window.find("//a[normalize-space()='Convert a server']").click()
    window.see("First the engine only looks.", "How the engine signs in")
    window.picture("order")
    fill_order(window, "wrong")
    window.press("Look at the server")
    window.see(f"Is this the key of {ADDRESS}?")
    shown = window.find("//*[@aria-label='Host key']//*[starts-with(text(), 'SHA256:')]").text
    expect(shown in bed.shell("for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done"), f"{shown} is not its key")
    expect(bed.shell("journalctl -u ssh --no-pager | grep -c 'Failed password' || true").strip() == "0", "the password was sent already")
    window.picture("host-key")
    window.press("Yes, that is its key")
    window.see("did not accept the password", "What to do:")
    window.picture("wrong-password-there")
    window.write("Password", conversion.PASSWORD)
    window.press("Look at the server")
    window.see("What was found", "kvm-8 cannot be converted yet.", "Forbids the conversion", "cpu.virtualization", "What to do:")
    expect(window.missing("//button[starts-with(normalize-space(), 'Convert')]"), "it could be converted")
    window.picture("report-forbids")
    expect(bed.host("kvm-8") is None, "a host is there")
    window.find("//summary[starts-with(normalize-space(), 'More choices')]").click()
    window.field("A server without virtualization").click()
    expect(window.missing("//*[@aria-label='Report of the check']"), "the old report is still there")
    window.press("Look at the server")
    window.see("kvm-8 can be converted.", "Warning")
    window.picture("report")


def case_convert(bed, window):
    """goes on from the report: live steps, a step that fails with its output, repaired, and up"""
    if window.page != "convert":
        case_check(bed, window)
    window.press("Convert kvm-8")
    window.see("The conversion of kvm-8 has begun.", "its conversion into a node", "Running")
    window.see("Installing")
    window.picture("converting")
    # One of its packages does not come to its end.
    window.see("Failed in", "What to do:", "the disk of the moon is full", "What the server said in", seconds=240)
    window.see("Installation failed")
    window.picture("failed")
    bed.shell("sed -i '/moon/d' /var/lib/dpkg/info/libvirt-daemon-system.postinst")
    window.press("Reinstall")
    window.press("Reinstall", inside="//dialog")
    window.see("its conversion once more", "Running")
    window.picture("once-more")
    window.see("Done", seconds=300)
    taken = "return [...document.querySelectorAll('.steps .when')].filter((one) => /^[0-9]+ s$/.test(one.textContent)).length"
    expect(window.script(taken) > 10, "the steps do not say how long they took")
    window.see("kvm-8", "Up", seconds=120)
    expect(bed.host("kvm-8")["status"] == "up", "the engine says otherwise")
    window.find("//summary[starts-with(normalize-space(), 'Transcript')]").click()
    window.see("packages: ")
    window.picture("converted")
    window.go("jobs")
    window.see("its conversion into a node", "Failed", "its conversion once more", "Done")
    window.picture("jobs")
    window.find("//a[contains(normalize-space(), 'once more')]").click()
    window.see("About it", "reinstall")


def case_uninstall(bed, window):
    """the way back, and its report"""
    window.refusals = {404}
    signed_in(window)
    host = bed.host("kvm-8")
    expect(host, "there is no kvm-8; run the case convert before")
    window.go(f"hosts/{host['id']}")
    window.press("Uninstall")
    window.see("Give kvm-8 back as the server that it was?")
    window.picture("question")
    window.press("Uninstall", inside="//dialog")
    window.see("the way back to the server that it was")
    def it_is_gone():
        return bed.host("kvm-8") is None
    until(it_is_gone, seconds=240)
    window.go("jobs")
    window.see("the way back to the server that it was", "Done")
    window.find("//a[contains(normalize-space(), 'the way back')]").click()
    window.see("Done", "Transcript")
    window.picture("back")


def case_events(bed, window):
    """events as they come, searched, and older ones"""
    signed_in(window)
    window.go("events")
    window.see("Events", "Show older ones")
    bed.done("POST", "api/events", {"description": "an event of just now", "severity": "warning", "origin": "test", "custom_id": "8"})
    window.see("an event of just now", "Warning")
    window.picture("events")
    count = "return document.querySelectorAll('.events > li').length"
    before = window.script(count)
    window.press("Show older ones")
    def there_are_more():
        return window.script(count) > before
    until(there_are_more)
    window.write("Search", "severity=warning and message=\"*just now*\"")
    window.type(ENTER)
    def one_is_left():
        return window.script(count) == 1
    until(one_is_left)


def case_narrow(bed, window):
    """360 pixels wide, dark: nothing sticks out, and everything has a name"""
    signed_in(window)
    window.size(360, 780, "dark")
    try:
        for page in ["hosts", f"hosts/{bed.host('sim-00003')['id']}", "convert", "jobs", "events"]:
            window.go(page)
            window.find("//h1")
            window.see("Sign out")
            def the_page_has_come():
                return "Asking…" not in window.text() and window.find("//h1").text != "Host"
            until(the_page_has_come)
            window.picture(f"narrow-{page.split('/')[0]}")
            wide = window.script("return document.documentElement.scrollWidth")
            expect(wide <= 360, f"{page} is {wide} wide")
            nameless = window.script("""
                return [...document.querySelectorAll('input, select, button, a, nav, progress, pre')].filter((one) =>
                    !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim())).map((one) => one.outerHTML)""")
            expect(nameless == [], f"{page}: without a name: {nameless}")
    finally:
        window.size(1280)


def case_session(bed, window):
    """a session that ended leads to the door, and back to where one was; after signing out it is void"""
    window.refusals = {401}
    signed_in(window)
    window.go("jobs")
    window.see("Jobs")
    token = window.driver.get_cookie("__Host-muster-console")["value"]
    conversion.run("curl", "-ksf", "-d", f"token={token}", f"https://{ENGINE}/ovirt-engine/services/sso-logout")
    window.find("//a[normalize-space()='Events']").click()
    window.see("Your session has ended.", "Password")
    window.picture("ended")
    window.sign_in(USER, PASSWORD)
    window.see("Events", "Show older ones")
    expect(window.page == "events", f"it went to {window.page}")
    # As another tab does it.
    window.script("""return fetch('session', {method: 'POST', body: arguments[0],
        headers: {'Content-Type': 'application/json', Prefer: 'persistent-auth'}}).then((answer) => answer.status)""",
                  json.dumps(dict(username="looks@internal", password=PASSWORD)))
    window.find("//a[normalize-space()='Hosts']").click()
    window.see("Your session has ended.", "Password")
    window.sign_in(USER, PASSWORD)
    window.see("Hosts", USER, "SuperUser")
    token = window.driver.get_cookie("__Host-muster-console")["value"]
    window.press("Sign out")
    window.see("You are signed out.", "Password")
    expect(window.driver.get_cookies() == [], "the cookie is still there")
    window.driver.back()
    window.see("Password")
    answer = conversion.run("curl", "-ks", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Prefer: persistent-auth", "-H",
                            f"Cookie: __Host-muster-console={token}", f"https://{ENGINE}/ovirt-engine/api/hosts").stdout
    expect(answer == "401", f"the session still counts: {answer}")


def case_restart(bed, window):
    """the engine is killed -9: the page goes on by itself when it is back, with the same session"""
    window.refusals = {"net::ERR_"}
    signed_in(window)
    window.go("hosts")
    window.see("Hosts", "Live")
    window.script("window.mark = 1")
    bed.kill()
    host = bed.host("sim-00004")
    bed.done("POST", f"api/hosts/{host['id']}/deactivate")
    def the_list_knows():
        return "Maintenance" in window.row("sim-00004")
    until(the_list_knows)
    window.see("Live", USER)
    expect(window.script("return window.mark") == 1, "the page was loaded anew")


FOREIGN = """<!doctype html><title>elsewhere</title><iframe src="https://{engine}/ovirt-engine/console/"></iframe>
<script>
const send = (path, type) => fetch(`https://{engine}/ovirt-engine/${{path}}`, {{
  method: 'POST', credentials: 'include', mode: 'no-cors', headers: {{'Content-Type': type}},
  body: '{{"name": "forged", "username": "looks@internal", "password": "{password}"}}' }}).then(() => 'sent', (error) => error.name);
Promise.all([send('api/tags', 'text/plain'), send('console/session', 'text/plain')]).then((ends) => {{ document.title = ends.join(' '); }});
</script>"""


def case_foreign(bed, window):
    """a page of another site does nothing with the session of its reader, and may not frame the console"""
    window.refusals = {401, 403}
    signed_in(window)
    place = bed.folder / "elsewhere"
    place.mkdir()
    (place / "index.html").write_text(FOREIGN.format(engine=ENGINE, password=PASSWORD))
    conversion.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                   "/CN=elsewhere", "-keyout", bed.folder / "elsewhere.key", "-out", bed.folder / "elsewhere.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bed.folder / "elsewhere.crt", bed.folder / "elsewhere.key")
    handler = functools.partial(Quiet, directory=place)
    server = http.server.ThreadingHTTPServer(("10.99.0.1", 8443), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    window.driver.switch_to.new_window("tab")
    try:
        # Another port of the same address: the same site, so that the cookie goes along, and another origin. Nothing can be nearer.
        window.driver.get(f"https://{ENGINE}:8443/")
        def it_has_tried():
            return window.driver.title not in ("elsewhere", "")
        until(it_has_tried)
        expect(window.driver.title == "sent sent", f"the calls did not get there: {window.driver.title}")
        complaints = [entry["message"] for entry in window.driver.get_log("browser")]
        expect(any("frame-ancestors" in message for message in complaints), f"it could be framed: {complaints}")
    finally:
        window.driver.close()
        window.driver.switch_to.window(window.driver.window_handles[0])
        server.shutdown()
    expect("forged" not in str(bed.done("GET", "api/tags")), "it was done")
    window.driver.refresh()
    window.see("Sign out", USER)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
