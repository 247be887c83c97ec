// The page: which graph, what is open in it, what is chosen, and what is said of it.

const ALL = "*", ENDS = ["as written", "rewritten"];
const TIME = 0;

const first = (text) => text.split("\n")[0];

class Page {
  async start() {
    this.head = await unpack("head");
    const { head } = this;
    byId("title").textContent = head.title;
    byId("title").title = head.title;
    this.chosen = { key: null, lines: new Set() };
    [this.step, this.heat, this.marks] = [null, null, null];
    this.view = new View(byId("view"),
      (key, target) => this.clicked(key, target), (key, event) => this.hover(key, event));
    this.search = new Search(this);
    this.listChapters();
    this.listTabs();
    this.listHeats();
    listen(this);
    await this.showChapter(0);
    this.card(null);
    this.openTab("source");
    document.body.dataset.ready = "true";
  }

  // -- graphs and what is open

  async showChapter(number, keys = null, side = null) {
    this.marks = keys ? [new Set(keys), side] : null;
    if (number !== this.number) {
      this.number = number;
      this.chapter = this.head.chapters[number];
      await this.read();
      this.chosen.key = this.sameNode();
      this.refreshPane();
    }
    for (const button of byId("chapters").children) {
      button.setAttribute("aria-current", String(Number(button.dataset.number) === number));
    }
    const found = keys?.find((key) => key in this.facts);
    this.card(this.chosen.key);
    await this.open(found ? this.frameOf(found) : "", found ?? null);
  }

  async read() {
    this.facts = await unpack(`part-${this.chapter.facts}`);
    [this.totals, this.counts] = [new Map(), new Map()];
    for (const [key, facts] of Object.entries(this.facts)) {
      for (let at = key; at; at = this.facts[at]?.p) {
        const sum = this.totals.get(at) ?? [0, 0, 0];
        (facts.h ?? []).forEach((value, k) => { sum[k] += value; });
        this.totals.set(at, sum);
        if (!facts.f) this.counts.set(at, (this.counts.get(at) ?? 0) + 1);
      }
    }
  }

  total(key) { return this.totals.get(key) ?? [0, 0, 0]; }

  count(key) { return this.counts.get(key) ?? 0; }

  // Of a closed part, the frame around it; of a frame, itself.
  frameOf(key) {
    const facts = this.facts[key];
    return facts?.f ? key : facts?.p ?? "";
  }

  // Show the graph with this frame and those around it open.
  async open(key, centre = null) {
    let at = key;
    while (at && !(at in this.chapter.drawings)) at = this.facts[at]?.p ?? "";
    const part = this.chapter.drawings[at];
    if (part === undefined) {
      return this.hint("This graph is not drawn: it is too large, or the page was full.");
    }
    this.opened = at;
    this.view.show(await unpack(`part-${part}`));
    const missing = at !== key && key !== ALL && !this.view.items.has(key);
    this.trail();
    this.drawLegend();
    this.hint(missing ? "Not drawn: the page holds no more drawings. Its parts are found "
      + "by search and in the panes." : "");
    this.refresh();
    if (this.marks && this.view.fits()) return this.view.settle();
    if (centre && this.view.items.has(centre)) this.view.center(centre);
    else if (at && at !== ALL) this.view.center(at);
    else this.view.begin();
    return this.view.settle();
  }

  close() {
    if (this.opened === ALL) return this.open("");
    if (this.opened) return this.open(this.facts[this.opened]?.p ?? "", this.opened);
    return undefined;
  }

  toggleAll() {
    if (this.opened === ALL) return this.open("");
    if (ALL in this.chapter.drawings) return this.open(ALL);
    return this.hint("There are too many nodes to open everything at once.");
  }

  // Open a closed frame, close an open one.
  turn(key) {
    if (!key || !this.facts[key]?.f) return undefined;
    const opened = this.view.items.get(key)?.classList.contains("c");
    return opened ? this.open(this.facts[key].p ?? "", key) : this.open(key);
  }

  // The drawn thing that stands for a node: itself, or the closed frame around it.
  drawn(key) {
    let at = key;
    while (at && !this.view.items.has(at)) at = this.facts[at]?.p;
    return at || null;
  }

  nextGraph() {
    const graphs = [...byId("chapters").children].map((one) => Number(one.dataset.number));
    return this.showChapter(graphs[(graphs.indexOf(this.number) + 1) % graphs.length]);
  }

  // -- choosing

  clicked(key, target) {
    const facts = this.facts[key];
    if (facts?.f) {
      // An open frame closes at its title; its ground is only chosen.
      const opened = this.view.items.get(key).classList.contains("c");
      if (!opened) this.choose(key);
      if (!opened || target.tagName === "text") return this.turn(key);
    }
    return this.choose(facts ? key : null);
  }

  choose(key) {
    this.chosen = { key, lines: new Set(key ? this.facts[key]?.l ?? [] : []) };
    this.card(key);
    this.refresh();
    this.reveal();
  }

  // All that a user's line wrote.
  chooseLine(line) {
    const of = (key) => this.facts[key].l?.includes(line);
    const keys = Object.keys(this.facts).filter((key) => of(key) && !this.facts[key].f);
    this.chosen = { key: keys[0] ?? null, lines: new Set([line]) };
    this.card(this.chosen.key);
    if (keys.length && !keys.some((key) => this.view.items.has(key))) {
      this.open(this.frameOf(keys[0]), keys[0]);
    } else {
      this.refresh();
      const shown = keys.find((key) => this.view.items.has(key));
      if (shown && !keys.some((key) => this.view.seen(key))) this.view.center(shown);
      this.hint(keys.length ? "" : "No node of this graph came from this line.");
    }
    this.reveal();
  }

  // To a node, wherever it is: open what is closed around it.
  async go(key, centred = true) {
    this.chosen = { key, lines: new Set(this.facts[key]?.l ?? []) };
    this.card(key);
    if (this.view.items.has(key)) {
      this.refresh();
      if (centred || !this.view.seen(key)) this.view.center(key);
    } else await this.open(this.facts[key]?.p ?? "", key);
    this.reveal();
  }

  // What another graph calls the node that was chosen: one by the same lines.
  sameNode() {
    const { lines } = this.chosen;
    if (!lines.size) return null;
    const of = ([, facts]) => !facts.f && facts.l?.some((line) => lines.has(line));
    return Object.entries(this.facts).find(of)?.[0] ?? null;
  }

  refresh() {
    const { key, lines } = this.chosen;
    const shown = key ? this.drawn(key) : null;
    const same = new Set();
    if (lines.size) {
      for (const at of this.view.items.keys()) {
        const facts = this.facts[at];
        if (facts && !facts.f && facts.l?.some((line) => lines.has(line))) same.add(at);
      }
    }
    // Where one line wrote nearly all, marking all says nothing.
    if (same.size > this.view.items.size / 2) same.clear();
    this.view.mark("same", same);
    this.view.mark("chosen", new Set(shown ? [shown] : []));
    this.view.light(new Set(shown ? [shown] : []));
    for (const side of ["came", "went"]) {
      const keys = this.marks?.[1] === side ? [...this.marks[0]] : [];
      this.view.mark(side, new Set(keys.map((one) => this.drawn(one))));
    }
    this.view.heat(this.share());
    for (const row of byId("pane").querySelectorAll("[data-line]")) {
      row.classList.toggle("at", lines.has(Number(row.dataset.line)));
    }
    for (const row of byId("pane").querySelectorAll("[data-at]")) {
      row.classList.toggle("at", row.dataset.at === key);
    }
    heatLines(this);
  }

  // -- heat

  share() {
    if (this.heat === null) return null;
    const shown = [...this.view.items.values()].filter((g) => !g.classList.contains("c"));
    const most = Math.max(...shown.map((g) => this.total(g.dataset.key)[this.heat]), 0);
    return (key) => (most ? this.total(key)[this.heat] / most : 0);
  }

  // Whether anything of the graph that is shown was measured.
  get timed() {
    return [...this.totals.values()].some((sum) => sum[TIME]);
  }

  async setHeat(number) {
    this.heat = number < 0 ? null : number;
    byId("heat").value = number;
    const measured = this.head.chapters.findIndex((one) => one.timed);
    if (number === TIME && !this.timed && measured >= 0) await this.showChapter(measured);
    if (this.tab === "profile") this.refreshPane();
    this.refresh();
  }

  nextHeat() {
    const heat = this.heat ?? -1;
    const next = heat >= HEATS.length - 1 ? -1 : heat + 1;
    this.setHeat(next === TIME && !this.head.timed ? TIME + 1 : next);
  }

  // Scroll the pane to what is marked in it.
  reveal() {
    const pane = byId("pane"), marked = pane.querySelector(".at");
    if (!marked) return;
    const [a, b] = [marked.getBoundingClientRect(), pane.getBoundingClientRect()];
    if (a.top < b.top || a.bottom > b.bottom) marked.scrollIntoView({ block: "center" });
  }

  // -- what is said

  card(key) {
    const card = byId("card");
    if (key && this.facts[key]) {
      card.replaceChildren(describe(this, key, (line) => {
        this.openTab("source");
        this.chooseLine(line);
      }));
      return;
    }
    const { nodes, missing } = this.chapter;
    const left = missing ? ` ${missing} parts are not drawn: the page was full.` : "";
    card.replaceChildren(
      element("h2", {}, `${nodes.toLocaleString("en")} nodes`,
        element("span", { class: "kind" }, `  ${this.chapter.name}`)),
      element("p", { class: "quiet" }, "A box with ▸ opens, a title with ▾ closes; "
        + `a node says where it came from.${left}`));
  }

  hover(key, event) {
    const tip = byId("tip");
    const ground = event?.target.closest(".c") && event.target.tagName !== "text";
    const flow = key?.includes("->") ? flowOf(this, key) : null;
    if (!flow && (!key || !this.facts[key] || ground)) {
      tip.hidden = true;
      this.tipped = null;
      return;
    }
    if (this.tipped !== key) tip.replaceChildren(flow ?? describe(this, key));
    this.tipped = key;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const x = event.clientX + 16, y = event.clientY + 16;
    tip.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 8))}px`;
    tip.style.top = `${y + height > innerHeight - 8 ? Math.max(4, y - height - 32) : y}px`;
  }

  hint(text) {
    byId("hint").textContent = text;
    byId("hint").hidden = !text;
  }

  // Which graph, which of its frames are open, and of a pass both sides.
  trail() {
    const path = [];
    for (let at = this.opened === ALL ? "" : this.opened; at; at = this.facts[at].p) {
      path.unshift(at);
    }
    const link = (name, does, current = false) => {
      const made = element("button", { "aria-current": String(current) }, name);
      made.addEventListener("click", does);
      return made;
    };
    const step = this.marks ? this.head.steps[this.step] : null;
    const name = step ? `pass ${step.number}: ${step.name}` : this.chapter.name;
    const parts = [link(name, () => this.open(""))];
    for (const key of path) {
      parts.push(element("span", {}, "›"), link(first(this.facts[key].n), () => this.open(key)));
    }
    for (const [name, side, number, keys] of sidesOf(step)) {
      parts.push(link(name, () => this.showChapter(number, keys, side), this.marks[1] === side));
    }
    byId("trail").replaceChildren(...parts);
    const [, , , out, all] = byId("zoom").children;
    out.disabled = !this.opened;
    all.disabled = !(ALL in this.chapter.drawings);
    all.textContent = this.opened === ALL ? "close all" : "open all";
  }

  // The kinds that are in the drawing.
  drawLegend() {
    const kinds = new Set();
    for (const [key, group] of this.view.items) {
      const facts = this.facts[key];
      if (!facts || group.classList.contains("c")) continue;
      kinds.add(facts.g ? "gradient" : facts.k === "sign" ? "op" : facts.k);
    }
    const rows = this.head.legend.filter(([kind]) => kinds.has(kind));
    byId("legend").replaceChildren(...rows.map(([, text, fill, stroke]) => {
      const swatch = document.createElementNS(SVG, "svg");
      swatch.setAttribute("width", 14);
      swatch.setAttribute("height", 10);
      swatch.append(shape(["rect", { x: 1, y: 1, width: 12, height: 8, rx: 2, fill, stroke }]));
      return element("span", {}, swatch, text);
    }));
  }

  // -- lists

  listChapters() {
    this.head.chapters.forEach(({ name }, number) => {
      if (!ENDS.includes(name)) return;
      const button = element("button", { "data-number": number }, name);
      button.addEventListener("click", () => this.showChapter(number));
      byId("chapters").append(button);
    });
  }

  listTabs() {
    const { head } = this;
    this.panes = { source: ["your source", sourcePane] };
    if (head.program) this.panes.program = ["program", programPane];
    this.panes.profile = [head.timed ? "profile" : "cost", profilePane];
    if (head.steps.length) this.panes.passes = ["passes", passesPane];
    for (const [key, [name]] of Object.entries(this.panes)) {
      const button = element("button", { role: "tab", "data-tab": key }, name);
      button.addEventListener("click", () => this.openTab(key));
      byId("tabs").append(button);
    }
  }

  openTab(key) {
    this.tab = key;
    for (const button of byId("tabs").children) {
      button.setAttribute("aria-selected", String(button.dataset.tab === key));
    }
    byId("pane").scrollTop = 0;
    this.refreshPane();
    if (byId("pane").querySelector(".at, .now")) this.reveal();
    else byId("pane").querySelector(".used")?.scrollIntoView({ block: "center" });
  }

  refreshPane() {
    if (!this.tab) return;
    const scroll = byId("pane").scrollTop;
    byId("pane").replaceChildren(this.panes[this.tab][1](this));
    byId("pane").scrollTop = scroll;
    if (this.opened !== undefined) this.refresh();
  }

  listHeats() {
    const names = ["off", "time", "operations", "bytes"];
    names.forEach((name, number) => {
      const option = element("option", { value: number - 1 }, name);
      if (number - 1 === TIME && !this.head.timed) option.disabled = true;
      byId("heat").append(option);
    });
  }

  // -- passes

  // To the next pass that changed something, before or behind.
  stepBy(by) {
    const { steps } = this.head;
    let at = (this.step ?? (by > 0 ? -1 : steps.length)) + by;
    while (steps[at] && !steps[at].gone[0] && !steps[at].new[0]) at += by;
    return steps[at] && this.showStep(at);
  }

  async showStep(at) {
    const step = this.head.steps[at];
    this.step = at;
    const sides = sidesOf(step);
    const [, side, number, keys] = sides.at(-1) ?? [];
    if (number !== undefined) await this.showChapter(number, keys, side);
    this.tab = null; // what is shown is the pass, not what was marked
    this.openTab("passes");
    byId("pane").querySelector(".now")?.scrollIntoView({ block: "nearest" });
  }
}

const thePage = new Page();
thePage.start();
