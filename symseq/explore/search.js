// The field that finds a name, an op or a line, anywhere in the graph that is shown.

const MOST_FOUND = 60;

class Search {
  constructor(page) {
    this.page = page;
    [this.field, this.list] = [byId("query"), byId("found")];
    [this.results, this.at, this.read] = [[], 0, null];
    this.field.addEventListener("input", () => this.look(this.field.value));
    this.field.addEventListener("focus", () => this.look(this.field.value));
    this.field.addEventListener("blur", () => { this.list.hidden = true; });
    this.field.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const does = {
      Enter: () => this.take(this.at), Escape: () => this.leave(),
      ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1),
    }[event.key];
    if (does) {
      event.preventDefault();
      does();
    }
    event.stopPropagation();
  }

  // [[key, name, all that is searched], ...] of the graph that is shown.
  get hay() {
    const { facts, head } = this.page;
    if (this.read !== facts) {
      this.read = facts;
      this.rows = Object.entries(facts).map(([key, { n, o, l }]) => {
        const lines = (l ?? []).map((line) => place(head, line));
        const where = lines.map(({ name, text }) => `${name} ${text}`).join(" ");
        return [key, n.toLowerCase(), `${n} ${o ?? ""} ${where}`.toLowerCase()];
      });
    }
    return this.rows;
  }

  look(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    this.list.hidden = !words.length;
    [this.results, this.at] = [[], 0];
    if (!words.length) return;
    const ranked = [];
    for (const [key, name, all] of this.hay) {
      if (!words.every((word) => all.includes(word))) continue;
      const rank = name === words[0] ? 0 : name.startsWith(words[0]) ? 1
        : name.includes(words[0]) ? 2 : 3;
      ranked.push([rank, key]);
    }
    ranked.sort((a, b) => a[0] - b[0]);
    this.results = ranked.slice(0, MOST_FOUND).map(([, key]) => key);
    const rows = this.results.map((key, number) => this.row(key, number));
    const more = ranked.length - rows.length;
    if (more > 0) rows.push(element("li", { class: "none" }, `and ${more} more`));
    if (!rows.length) rows.push(element("li", { class: "none" }, "nothing is found"));
    this.list.replaceChildren(...rows);
  }

  row(key, number) {
    const { facts, head } = this.page, { n, k, p, l } = facts[key];
    const at = l?.length ? place(head, l[0]) : null;
    const around = p && facts[p] ? `in ${first(facts[p].n)}` : "";
    const where = at && `${at.name}  ${at.text}`;
    const row = element("li", { class: number ? "" : "at" }, n,
      element("small", {}, [KINDS[k] ?? k, around, where].filter(Boolean).join(" · ")));
    row.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.take(number);
    });
    return row;
  }

  move(by) {
    const rows = this.list.children, count = this.results.length;
    if (!count) return;
    rows[this.at].classList.remove("at");
    this.at = (this.at + by + count) % count;
    rows[this.at].classList.add("at");
    rows[this.at].scrollIntoView({ block: "nearest" });
  }

  take(number) {
    const key = this.results[number];
    this.leave();
    if (key) this.page.go(key);
  }

  leave() {
    this.list.hidden = true;
    this.field.blur();
    byId("view").focus();
  }
}
