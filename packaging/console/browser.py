"""Chromium, as a person uses it: what can be seen, fields by their labels, buttons by their words."""
import pathlib

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bed import ORIGIN, REPOSITORY, fail, until

PICTURES = REPOSITORY / ".build/console"


class Browser:
    def __init__(self, folder):
        options = webdriver.ChromeOptions()
        for word in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900",
                     "--lang=en-GB", f"--user-data-dir={folder}", "--disable-background-networking", "--no-first-run"]:
            options.add_argument(word)
        # The certificate is by the engine's own CA.
        options.set_capability("acceptInsecureCerts", True)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        # What the log may tell of calls, a status or words: a case says what it provokes.
        self.refusals = set()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.pictures = 0

    def size(self, width, height=900, scheme="light"):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, path):
        self.driver.get(ORIGIN + path)

    def go(self, page):
        """To a page of the console, as a link does."""
        self.script("location.hash = arguments[0]", f"/{page}")

    @property
    def page(self):
        return self.driver.current_url.partition("#/")[2]

    def script(self, text, *words):
        return self.driver.execute_script(text, *words)

    def text(self):
        try:
            return self.driver.find_element(By.TAG_NAME, "body").text
        except (NoSuchElementException, StaleElementReferenceException):
            return ""

    def see(self, *words, seconds=60):
        """Waits until all of these words can be read."""
        def the_words_are_there():
            text = self.text()
            return all(word in text for word in words)
        try:
            until(the_words_are_there, seconds=seconds, pause=0.1)
        except SystemExit:
            self.picture("failed")
            fail(f"{words} cannot be read at {self.page}:\n{self.text()}")

    def find(self, path, seconds=30):
        """The one element that is seen at this XPath."""
        def the_element_is_there():
            try:
                return next((one for one in self.driver.find_elements(By.XPATH, path) if one.is_displayed()), None)
            except StaleElementReferenceException:
                return None
        try:
            return until(the_element_is_there, seconds=seconds, pause=0.1)
        except SystemExit:
            self.picture("failed")
            fail(f"there is no {path} at {self.page}:\n{self.text()}")

    def missing(self, path):
        return not any(one.is_displayed() for one in self.driver.find_elements(By.XPATH, path))

    def field(self, label):
        """By its label, as somebody finds it who sees nothing."""
        return self.find(f"//*[@id=//label[normalize-space()='{label}']/@for] | //label[.//span[starts-with(normalize-space(), '{label}')]]/input")

    def write(self, label, words):
        field = self.field(label)
        field.clear()
        field.send_keys(words)

    def press(self, words, inside=""):
        self.find(f"{inside}//button[starts-with(normalize-space(), '{words}')]").click()

    def row(self, name):
        """What the list says of a host."""
        def the_row_can_be_read():
            try:
                return self.find(f"//tr[td[@data-label='Name'][normalize-space()='{name}']]").text
            except StaleElementReferenceException:
                return None
        return until(the_row_can_be_read, seconds=30)

    def sign_in(self, user, password):
        self.write("User", user)
        self.write("Password", password)
        self.press("Sign in")

    def type(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def picture(self, name):
        self.pictures += 1
        self.driver.save_screenshot(str(PICTURES / f"{self.pictures:02}-{name}.png"))

    def complaints(self):
        """What the browser logged and nobody provoked: errors of scripts, breaches of the policy."""
        found = []
        for entry in self.driver.get_log("browser"):
            words = [one if isinstance(one, str) else f"status of {one}" for one in self.refusals]
            isExpected = entry["source"] == "network" and any(word in entry["message"] for word in words)
            if entry["level"] in ("SEVERE", "WARNING") and not isExpected:
                found.append(f"{entry['level']} {entry['source']}: {entry['message']}")
        return found

    def close(self):
        self.driver.quit()


TAB, ENTER, ESCAPE = Keys.TAB, Keys.ENTER, Keys.ESCAPE
