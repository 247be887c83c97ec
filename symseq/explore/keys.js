// Keys and buttons, each with what it does; `?` lists them.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PACE = 60;

// {key: [what it does, the doing]}
function keysOf(page) {
  const { view } = page;
  return {
    "/": ["search", () => byId("query").select()],
    "+": ["closer", () => view.zoom(1.3)],
    "-": ["farther", () => view.zoom(1 / 1.3)],
    f: ["fit the drawing to the window", () => view.fit()],
    c: ["to what is chosen", () => page.chosen.key && page.go(page.chosen.key)],
    Enter: ["open or close what is chosen", () => page.turn(page.chosen.key)],
    Backspace: ["close the open part", () => page.close()],
    e: ["open or close everything", () => page.toggleAll()],
    g: ["as written, or rewritten", () => page.nextGraph()],
    "[": ["the pass before", () => page.stepBy(-1)],
    "]": ["the next pass that changed something", () => page.stepBy(1)],
    h: ["heat: off, time, operations, bytes", () => page.nextHeat()],
    "?": ["these keys", () => showKeys(page)],
    Escape: ["choose nothing", () => page.choose(null)],
  };
}

function listen(page) {
  const { view } = page;
  const does = {
    in: () => view.zoom(1.3), away: () => view.zoom(1 / 1.3), fit: () => view.fit(),
    out: () => page.close(), all: () => page.toggleAll(),
  };
  for (const button of byId("zoom").children) {
    button.addEventListener("click", () => does[button.dataset.does]());
  }
  byId("help").addEventListener("click", () => showKeys(page));
  byId("heat").addEventListener("change", () => page.setHeat(Number(byId("heat").value)));
  addEventListener("keydown", (event) => heed(page, event));
  listenSplit();
}

function heed(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (/^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(event.target.tagName)) {
    if (event.key !== "Escape" && !(event.target.tagName === "BUTTON" && event.key !== "Enter")) return;
  }
  const arrow = ARROWS[event.key];
  if (arrow) {
    if (byId("pane").contains(event.target)) return;
    event.preventDefault();
    const [x, y] = arrow;
    const next = page.chosen.key && !event.shiftKey && page.view.beside(page.drawn(page.chosen.key), x, y);
    if (next) page.go(next, false);
    else page.view.pan(-x * PACE, -y * PACE);
    return;
  }
  const found = keysOf(page)[event.key === "=" ? "+" : event.key];
  if (!found) return;
  event.preventDefault();
  found[1]();
}

function listenSplit() {
  const split = byId("split"), main = split.parentElement;
  split.addEventListener("pointerdown", (event) => {
    split.setPointerCapture(event.pointerId);
    split.onpointermove = (moved) => {
      const width = Math.min(Math.max(innerWidth - moved.clientX, 220), innerWidth - 260);
      main.style.gridTemplateColumns = `1fr 5px ${width}px`;
    };
  });
  split.addEventListener("pointerup", () => { split.onpointermove = null; });
}

function showKeys(page) {
  const list = element("dl");
  const row = (name, text) => list.append(
    element("dt", {}, element("kbd", {}, name)), element("dd", {}, text));
  for (const [key, [text]] of Object.entries(keysOf(page))) row(key, text);
  row("arrows", "along the graph from what is chosen; else, and with Shift, move");
  row("wheel", "zoom; with Shift to the side");
  row("drag", "move");
  const close = element("button", {}, "close");
  close.addEventListener("click", () => byId("keys").close());
  byId("keys").replaceChildren(element("h2", {}, "Keys"), list, element("p"), close);
  byId("keys").showModal();
}
