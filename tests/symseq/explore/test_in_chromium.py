"""A page in a real browser: it opens, searches, expands, steps, and never complains."""

import shutil

import pytest
from pages import VALUES, explored, training

import symseq as ss
import symseq.tensor as T
from symseq.explore import book

webdriver = pytest.importorskip("selenium.webdriver")
PROGRAMS = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(not all(PROGRAMS), reason="needs Chromium and its driver"),
    # What Selenium leaves open at its end is its own.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1280,860",
    "--force-prefers-reduced-motion",
)


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.binary_location = PROGRAMS[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(PROGRAMS[1])
    driver = webdriver.Chrome(options=options, service=service)
    yield Browser(driver)
    driver.quit()


class Browser:
    """What the tests do in a page, by its own elements."""

    def __init__(self, driver):
        self.driver = driver
        self.wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

    def open(self, page):
        self.driver.get_log("browser")
        self.driver.get(page.path.as_uri())
        self.until(lambda _: self.script("return document.body.dataset.ready"))
        return self

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def until(self, condition):
        return self.wait(self.driver, 20).until(condition)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        return self.until(lambda _: self.all(selector))[0]

    def keys(self, text, selector="#view"):
        self.one(selector).send_keys(text)

    def click(self, element):
        event = "new MouseEvent('click', {bubbles: true})"
        self.script(f"arguments[0].dispatchEvent({event})", element)

    def node(self, text):
        """The first node whose label begins so."""

        def found(_):
            nodes = self.all("#view .n")
            return next((node for node in nodes if node.text.startswith(text)), None)

        return self.until(found)

    def trail(self):
        return self.one("#trail").text.split("\n")

    def now(self):
        """The pass that the stepper is at: 'number: name'."""
        number, name = (self.one(f"#pane .step.now {tag}").text for tag in ("i", "b"))
        return f"{number}: {name}"

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    f = training(profile=True)
    f(**VALUES)
    return explored(tmp_path_factory.mktemp("page"), f, values=VALUES)


@pytest.fixture
def shown(browser, page):
    yield browser.open(page)
    assert browser.complaints() == []


def test_it_opens_and_draws(shown):
    assert shown.driver.title == "train · symseq"
    assert "encoder" in shown.one("#view").text and "rnn × T" in shown.one("#view").text
    assert "operation" in shown.one("#legend").text


def test_a_scan_opens_at_a_click_and_closes_at_its_title(shown):
    loop = shown.node("▸ rnn × T")
    key = loop.get_attribute("data-key")
    shown.click(loop)
    shown.until(lambda _: shown.all(f"#view .c[data-key='{key}']"))
    assert shown.all(f"#view .n[data-key^='{key}.']")
    assert "h[t-1]" in shown.one("#view").text
    shown.click(shown.one(f"#view .c[data-key='{key}'] > text"))
    shown.until(lambda _: shown.all(f"#view .n[data-key='{key}']"))
    assert not shown.all(f"#view .n[data-key^='{key}.']")


def test_search_goes_into_what_is_closed_and_shows_the_line(shown):
    shown.keys("/")
    shown.keys("tanh", "#query")
    assert len(shown.until(lambda _: shown.all("#found li"))) > 1
    (row,) = [li for li in shown.all("#found li") if "hidden = " in li.text][:1]
    shown.script("arguments[0].dispatchEvent(new PointerEvent('pointerdown'))", row)
    chosen = shown.until(lambda _: shown.all("#view .n.chosen"))[0]
    assert "tanh" in chosen.text
    assert shown.trail()[-1] == "encoder"
    card = shown.one("#card").text
    assert "hidden = T.tanh(T.dot(x, w))" in card and "float32[T, 3]" in card
    assert "min 0.7115" in card and "of each element" in card
    assert "hidden = T.tanh" in shown.one("#pane .at").text
    shown.keys("\ue00c")  # Escape
    assert not shown.all("#view .chosen")


def test_a_search_without_result_says_so(shown):
    shown.keys("no such thing", "#query")
    assert shown.one("#found").text == "nothing is found"


def test_the_pointer_shows_a_node(shown):
    node = shown.node("x")
    shown.script(
        "arguments[0].dispatchEvent(new PointerEvent('pointermove', {bubbles: true, "
        "clientX: 200, clientY: 200}))", node)  # fmt: skip
    tip = shown.one("#tip").text
    assert "input" in tip and "float32[T, H]" in tip and "pages.py" in tip


def test_panes_are_linked_by_the_users_line(shown):
    shown.click(shown.one("[data-tab='program']"))
    (row,) = [r for r in shown.all("#pane .used") if "tanh" in r.text][:1]
    shown.click(row)
    assert shown.until(lambda _: shown.all("#view .chosen"))
    shown.click(shown.one("[data-tab='source']"))
    assert "T.tanh" in shown.one("#pane .at").text


def test_passes_are_stepped_through(shown):
    seen = []
    for _ in range(4):
        shown.keys("]")
        shown.until(lambda _: shown.one("#pane .step.now b").text not in seen)
        seen.append(shown.one("#pane .step.now b").text)
    shown.until(lambda _: shown.trail()[0] == f"pass {shown.now()}")
    assert shown.all("#view .came, #view .went")
    assert shown.all("#pane .step.now .change")
    shown.keys("[")
    shown.until(lambda _: shown.one("#pane .step.now b").text == seen[-2])
    shown.keys("g")
    shown.until(lambda _: shown.trail()[0] in ("as written", "rewritten"))


def test_heat_colours_the_graph_the_lines_and_the_table(shown):
    shown.keys("h")
    shown.until(lambda _: shown.trail()[0] == "rewritten")
    fills = {e.get_attribute("style") for e in shown.all("#view .n > polygon")}
    assert len({fill for fill in fills if "rgb" in fill}) > 1
    assert [i for i in shown.all("#pane .used i") if i.get_attribute("title")]
    shown.click(shown.one("[data-tab='profile']"))
    shown.click(shown.one("#pane tr[data-at]"))
    assert shown.until(lambda _: shown.all("#view .chosen"))


def test_zoom_and_pan(shown):
    def place():
        return shown.one("#view > g").get_attribute("transform")

    before = place()
    for key in ("+", "-", "f", "\ue012", "\ue014"):
        shown.keys(key)
    shown.keys("+")
    assert place() != before
    shown.keys("?")
    assert "search" in shown.one("#keys").text


def test_arrows_follow_the_graph(shown):
    shown.click(shown.node("x"))
    shown.keys("\ue015")  # down
    chosen = shown.until(lambda _: shown.all("#view .n.chosen"))[0]
    assert chosen.text != "x"


def test_names_run_nothing(browser, tmp_path):
    name = '<img src=x onerror=alert(1)></script>&"日本"\''
    x = T.vector(name)
    with ss.group(name):
        y = T.tanh(x)
    browser.open(explored(tmp_path, ss.function([x], y, name=name)))
    assert name in browser.one("#view").text and browser.one("#title").text == name
    assert not browser.all("#view img, #card img, main script")
    assert browser.complaints() == []


def test_ten_thousand_nodes_open_at_once(browser, tmp_path):
    """The page alone; only its first drawings are made, which are all it shows."""
    x = y = T.matrix("x")
    for k in range(5000):
        y = T.dot(T.tanh(y), x) if k % 2 else T.tanh(y) + x
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "MOST_DRAWN", 1500)
        found = explored(tmp_path, y)
    # Its own time: how busy the machine is besides says nothing of the page.
    browser.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    browser.open(found)
    told = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    seconds = {one["name"]: one["value"] for one in told}
    assert 0 < seconds["TaskDuration"] < 3
    assert "10,00" in browser.one("#card").text
    browser.keys("/")
    browser.keys("dot", "#query")
    assert "more" in browser.one("#found").text
    assert browser.complaints() == []
