// The page: which graph, what is open in it, what is chosen, and the keys.

const ALL = "*", MOST_FOUND = 60;

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
    this.listChapters();
    this.listTabs();
    this.listHeats();
    this.drawLegend();
    this.listen();
    await this.showChapter(0);
    this.card(null);
    this.openTab("source");
    document.body.dataset.ready = "true";
  }

  // -- graphs and what is open

  async showChapter(number, keys = null, side = null) {
    if (number !== this.number) {
      this.number = number;
      this.chapter = this.head.chapters[number];
      await this.read();
      this.chosen.key = this.sameNode();
      this.refreshPane();
    }
    this.marks = keys ? [new Set(keys), side] : null;
    for (const button of byId("chapters").children) {
      button.setAttribute("aria-current", String(Number(button.dataset.number) === number));
    }
    const first = keys?.find((key) => key in this.facts);
    await this.open(first ? this.frameOf(first) : "");
  }

  async read() {
    this.facts = await unpack(`part-${this.chapter.facts}`);
    [this.totals, this.counts, this.hay] = [new Map(), new Map(), null];
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
    const missing = at !== key && key !== ALL;
    const part = this.chapter.drawings[at];
    if (part === undefined) {
      this.hint("This graph is not drawn here: it is too large, or the page was full.");
      return;
    }
    this.opened = at;
    this.view.show(await unpack(`part-${part}`));
    this.trail();
    this.hint(missing ? "Not drawn: the page holds no more drawings. Its parts are found "
      + "by search and in the panes." : "");
    this.refresh();
    if (centre && this.view.items.has(centre)) this.view.center(centre);
    else if (at && at !== ALL) this.view.center(at);
    else this.view.begin();
  }

  close() {
    if (this.opened === ALL) return this.open("");
    if (this.opened) return this.open(this.facts[this.opened]?.p ?? "", this.opened);
    return undefined;
  }

  toggleAll() {
    if (this.opened === ALL) this.open("");
    else if (ALL in this.chapter.drawings) this.open(ALL);
    else this.hint("There are too many nodes to open everything at once.");
  }

  // The drawn thing that stands for a node: itself, or the closed frame around it.
  drawn(key) {
    let at = key;
    while (at && !this.view.items.has(at)) at = this.facts[at]?.p;
    return at || null;
  }

  // -- choosing

  clicked(key, target) {
    if (!key) return this.choose(null);
    const group = this.view.items.get(key);
    const frame = this.facts[key]?.f;
    if (frame && group.classList.contains("c")) {
      if (target.tagName !== "text") return this.choose(key);
      const parent = this.facts[key].p ?? "";
      return this.open(parent, key);
    }
    this.choose(key);
    if (frame) return this.open(key);
    return undefined;
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
  async go(key) {
    this.chosen = { key, lines: new Set(this.facts[key]?.l ?? []) };
    this.card(key);
    if (this.view.items.has(key)) {
      this.refresh();
      this.view.center(key);
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
  }

  share() {
    if (this.heat === null) return null;
    const shown = [...this.view.items].filter(([, g]) => !g.classList.contains("c"));
    const most = Math.max(...shown.map(([key]) => this.total(key)[this.heat]), 0);
    return (key) => (most ? this.total(key)[this.heat] / most : 0);
  }

  // Scroll the pane to what is marked in it.
  reveal() {
    byId("pane").querySelector(".at")?.scrollIntoView({ block: "center" });
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
    const left = missing ? ` ${missing} parts of it are not drawn: the page was full.` : "";
    card.replaceChildren(element("p", { class: "quiet" },
      `${nodes} nodes, ${this.chapter.name}. Click a box with ▸ to open it, a title with ▾ `
      + `to close it, a node to see where it came from.${left}`));
  }

  hover(key, event) {
    const tip = byId("tip");
    if (!key || !this.facts[key] || (event.target.closest(".c") && event.target.tagName !== "text")) {
      tip.hidden = true;
      this.tipped = null;
      return;
    }
    if (this.tipped !== key) tip.replaceChildren(describe(this, key));
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

  trail() {
    const path = [];
    for (let at = this.opened === ALL ? "" : this.opened; at; at = this.facts[at].p) {
      path.unshift(at);
    }
    const link = (name, key) => {
      const made = element("button", {}, name);
      made.addEventListener("click", () => this.open(key));
      return made;
    };
    const parts = [link(this.opened === ALL ? "everything is open" : "whole graph", "")];
    for (const key of path) {
      parts.push(element("span", {}, "›"), link(this.facts[key].n.split("\n")[0], key));
    }
    byId("trail").replaceChildren(...parts);
    const [, , , out, all] = byId("zoom").children;
    out.disabled = !this.opened;
    all.disabled = !(ALL in this.chapter.drawings);
    all.textContent = this.opened === ALL ? "close all" : "open all";
  }

  drawLegend() {
    const rows = this.head.legend.map(([text, fill, stroke]) => {
      const swatch = document.createElementNS(SVG, "svg");
      swatch.setAttribute("width", 14);
      swatch.setAttribute("height", 10);
      swatch.append(shape(["rect", { x: 1, y: 1, width: 12, height: 8, rx: 2, fill, stroke }]));
      return element("div", {}, swatch, text);
    });
    byId("legend").replaceChildren(...rows);
  }

  // -- lists

  listChapters() {
    const ends = ["as written", "rewritten"];
    this.head.chapters.forEach(({ name }, number) => {
      if (!ends.includes(name)) return;
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
    this.refreshPane();
    this.reveal();
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
      if (number === 1 && !this.head.timed) option.disabled = true;
      byId("heat").append(option);
    });
    byId("heat").addEventListener("change", () => this.setHeat(Number(byId("heat").value)));
  }

  setHeat(number) {
    this.heat = number < 0 ? null : number;
    byId("heat").value = number;
    if (this.tab === "profile") this.refreshPane();
    this.refresh();
  }

  async showStep(at) {
    const step = this.head.steps[at];
    if (!step) return;
    this.step = at;
    this.tab = "passes";
    if (step.new[0] && step.after >= 0) {
      await this.showChapter(step.after, step.newKeys, "came");
    } else if (step.gone[0] && step.before >= 0) {
      await this.showChapter(step.before, step.goneKeys, "went");
    } else if (step.after >= 0) await this.showChapter(step.after);
    this.openTab("passes");
    byId("pane").querySelector(".now")?.scrollIntoView({ block: "nearest" });
  }

  // -- search

  search(query) {
    const list = byId("found"), words = query.toLowerCase().split(/\s+/).filter(Boolean);
    list.hidden = !words.length;
    this.results = [];
    if (!words.length) return;
    this.hay ??= Object.entries(this.facts).map(([key, facts]) => {
      const lines = (facts.l ?? []).map((line) => place(this.head, line));
      const where = lines.map(({ name, text }) => `${name} ${text}`).join(" ");
      return [key, facts.n.toLowerCase(), `${facts.n} ${facts.o ?? ""} ${where}`.toLowerCase()];
    });
    const ranked = [];
    for (const [key, name, all] of this.hay) {
      if (!words.every((word) => all.includes(word))) continue;
      const rank = name === words[0] ? 0 : name.startsWith(words[0]) ? 1
        : name.includes(words[0]) ? 2 : 3;
      ranked.push([rank, key]);
    }
    ranked.sort((a, b) => a[0] - b[0]);
    this.results = ranked.slice(0, MOST_FOUND).map(([, key]) => key);
    this.result = 0;
    const rows = this.results.map((key, number) => this.resultRow(key, number));
    const more = ranked.length - rows.length;
    if (more > 0) rows.push(element("li", { class: "none" }, `and ${more} more`));
    if (!rows.length) rows.push(element("li", { class: "none" }, "nothing is found"));
    list.replaceChildren(...rows);
  }

  resultRow(key, number) {
    const facts = this.facts[key], lines = facts.l ?? [];
    const at = lines.length ? place(this.head, lines[0]) : null;
    const around = facts.p && this.facts[facts.p] ? `in ${this.facts[facts.p].n.split("\n")[0]}` : "";
    const row = element("li", { class: number ? "" : "at" }, facts.n,
      element("small", {}, [KINDS[facts.k] ?? facts.k, around, at && `${at.name}  ${at.text}`]
        .filter(Boolean).join(" · ")));
    row.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(number);
    });
    return row;
  }

  move(by) {
    const rows = byId("found").children, count = this.results.length;
    if (!count) return;
    rows[this.result].classList.remove("at");
    this.result = (this.result + by + count) % count;
    rows[this.result].classList.add("at");
    rows[this.result].scrollIntoView({ block: "nearest" });
  }

  take(number) {
    const key = this.results?.[number];
    byId("found").hidden = true;
    if (key) this.go(key);
    byId("query").blur();
    byId("view").focus();
  }

  // -- keys and buttons

  listen() {
    const query = byId("query");
    query.addEventListener("input", () => this.search(query.value));
    query.addEventListener("focus", () => this.search(query.value));
    query.addEventListener("blur", () => { byId("found").hidden = true; });
    query.addEventListener("keydown", (event) => {
      const does = {
        Enter: () => this.take(this.result ?? 0), Escape: () => query.blur(),
        ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1),
      }[event.key];
      if (does) {
        event.preventDefault();
        does();
      }
      event.stopPropagation();
    });
    const does = {
      in: () => this.view.zoom(1.3), away: () => this.view.zoom(1 / 1.3),
      fit: () => this.view.fit(), out: () => this.close(), all: () => this.toggleAll(),
    };
    for (const button of byId("zoom").children) {
      button.addEventListener("click", () => does[button.dataset.does]());
    }
    byId("help").addEventListener("click", () => this.help());
    addEventListener("keydown", (event) => this.key(event));
    this.listenSplit();
  }

  listenSplit() {
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

  keys() {
    const ends = [...byId("chapters").children];
    const heat = this.heat ?? -1;
    return {
      "/": ["search", () => byId("query").select()],
      "+": ["closer", () => this.view.zoom(1.3)],
      "-": ["farther", () => this.view.zoom(1 / 1.3)],
      f: ["fit the drawing to the window", () => this.view.fit()],
      c: ["to what is chosen", () => this.chosen.key && this.go(this.chosen.key)],
      Backspace: ["close the open part", () => this.close()],
      e: ["open or close everything", () => this.toggleAll()],
      g: ["as written, or rewritten", () => {
        const now = ends.findIndex((one) => one.getAttribute("aria-current") === "true");
        ends[(now + 1) % ends.length].click();
      }],
      "[": ["the pass before", () => this.showStep((this.step ?? 1) - 1)],
      "]": ["the next pass", () => this.showStep((this.step ?? -1) + 1)],
      h: ["heat: off, time, operations, bytes", () => {
        let next = heat >= 2 ? -1 : heat + 1;
        if (next === 0 && !this.head.timed) next = 1;
        this.setHeat(next);
      }],
      "?": ["these keys", () => this.help()],
      Escape: ["choose nothing", () => this.choose(null)],
    };
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const arrows = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const inPane = byId("pane").contains(event.target);
    if (event.key in arrows && !inPane) {
      event.preventDefault();
      this.view.pan(...arrows[event.key]);
      return;
    }
    const found = this.keys()[event.key === "=" ? "+" : event.key];
    if (!found) return;
    event.preventDefault();
    found[1]();
  }

  help() {
    const list = element("dl");
    for (const [key, [text]] of Object.entries(this.keys())) {
      list.append(element("dt", {}, element("kbd", {}, key)), element("dd", {}, text));
    }
    list.append(element("dt", {}, element("kbd", {}, "arrows")), element("dd", {}, "move"),
      element("dt", {}, "wheel"), element("dd", {}, "zoom; with Shift to the side"),
      element("dt", {}, "drag"), element("dd", {}, "move"));
    const close = element("button", {}, "close");
    close.addEventListener("click", () => byId("keys").close());
    byId("keys").replaceChildren(element("h2", {}, "Keys"), list, element("p"), close);
    byId("keys").showModal();
  }
}

const thePage = new Page();
thePage.start();
