// What stands beside the graph: facts of a node, sources, the profile, the passes.

const UNITS = {
  seconds: [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]],
  operations: [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]],
  bytes: [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]],
};
const HEATS = ["seconds", "operations", "bytes"];

function amount(value, heat) {
  const units = UNITS[heat];
  const [unit, name] = units.find(([unit]) => value >= unit) ?? units.at(-1);
  return `${Number((value / unit).toPrecision(3))} ${name}`.trim();
}

function place(head, line) {
  const [file, number, text] = head.lines[line];
  return { name: `${head.files[file].name}:${number}`, file, number, text };
}

// The facts of a node or a frame; `jump` makes its lines links.
function describe(page, key, jump = null) {
  const facts = page.facts[key], head = page.head;
  const rows = element("dl");
  const row = (name, text, look = "") => {
    if (text) rows.append(element("dt", {}, name), element("dd", { class: look }, text));
  };
  row("type", facts.t, "type");
  for (const line of (facts.l ?? []).slice(0, 4)) {
    const at = place(head, line);
    const name = element(jump ? "a" : "span", {}, at.name);
    if (jump) name.addEventListener("click", () => jump(line));
    const shown = element("span", {}, name, "  ");
    shown.append(element("span", { class: "code" }, at.text));
    row("line", shown);
  }
  if ((facts.l ?? []).length > 4) row("", `and ${facts.l.length - 4} more lines`, "quiet");
  row("value", facts.v, "code");
  const heat = page.total(key);
  if (heat[0]) row("time", amount(heat[0], "seconds"));
  row("cost", facts.c ?? (heat[1] || heat[2]
    ? `${amount(heat[1], "operations")} operations, ${amount(heat[2], "bytes")}` : ""));
  if (facts.d !== undefined) row("op", head.docs[facts.d], "quiet");
  if (facts.f) row("inside", `${page.count(key)} nodes`);
  const kind = `  ${facts.g ? "gradient, " : ""}${KINDS[facts.k] ?? facts.k}`;
  const title = element("h2", {}, facts.n, element("span", { class: "kind" }, kind));
  return element("div", { class: "what" }, title, rows);
}

const KINDS = {
  op: "operation", sign: "operation", view: "view", shared: "parameter",
  line: "run of lines", port: "the same at each step",
};

// One text with numbered rows; `line` of a row is the user's line it came from.
function sourceRow(number, text, line, choose) {
  const row = element("div", {}, element("i", {}, String(number)), text || " ");
  if (line >= 0) {
    row.classList.add("used");
    row.dataset.line = line;
    row.addEventListener("click", () => choose(line));
  }
  return row;
}

function sourcePane(page) {
  const { head } = page, known = new Map();
  head.lines.forEach(([file, number], line) => known.set(`${file}:${number}`, line));
  const pane = element("div", { class: "source" });
  head.files.forEach((file, number) => {
    pane.append(element("h3", {}, file.name));
    let last = 0;
    for (const [at, text] of file.rows) {
      if (at > last + 1 && last) pane.append(element("div", { class: "quiet" }, "      ⋮"));
      const line = known.get(`${number}:${at}`) ?? -1;
      pane.append(sourceRow(at, text, line, (found) => page.chooseLine(found)));
      last = at;
    }
  });
  if (!head.files.length) pane.append(element("p", { class: "note" }, "no file is known"));
  return pane;
}

function programPane(page) {
  const pane = element("div", { class: "source" });
  pane.append(element("p", { class: "note" },
    "The program that runs. A click on a line marks the user's line it came from."));
  page.head.program.rows.forEach(([text, line], number) => {
    pane.append(sourceRow(number + 1, text, line, (found) => page.chooseLine(found)));
  });
  return pane;
}

const MOST_ROWS = 200;

function profilePane(page) {
  const heat = page.heat ?? (page.head.timed ? 0 : 2), name = HEATS[heat];
  const rows = Object.entries(page.facts)
    .filter(([, facts]) => !facts.f && facts.h?.[heat])
    .map(([key, facts]) => [key, facts.h[heat]])
    .sort((a, b) => b[1] - a[1]);
  const total = rows.reduce((sum, [, value]) => sum + value, 0) || 1;
  const pane = element("div");
  const measured = heat === 0 ? "measured" : "forecast for one call";
  const assumed = heat && page.head.assumed ? "; lengths without a size count as 32" : "";
  pane.append(element("p", { class: "note" }, rows.length
    ? `${name}, ${measured}${assumed}. In all ${amount(total, name)}.`
    : `No ${name} are known of this graph${heat ? "." : "; see the one that runs."}`));
  const table = element("table");
  if (rows.length) {
    const titles = ["share", name, "node", "line"].map((text) => element("th", {}, text));
    table.append(element("tr", {}, ...titles));
  }
  for (const [key, value] of rows.slice(0, MOST_ROWS)) {
    const facts = page.facts[key], bar = element("span", { class: "bar" });
    bar.style.width = `${Math.max(1, 100 * value / rows[0][1])}%`;
    const share = `${(100 * value / total).toFixed(1)} %`;
    const line = facts.l?.length ? place(page.head, facts.l[0]).name : "";
    const row = element("tr", { "data-at": key },
      element("td", { class: "number" }, share, bar),
      element("td", { class: "number" }, amount(value, name)),
      element("td", {}, facts.n), element("td", { class: "quiet" }, line));
    row.addEventListener("click", () => page.go(key));
    table.append(row);
  }
  pane.append(table);
  const more = rows.length - MOST_ROWS;
  if (more > 0) pane.append(element("p", { class: "note" }, `and ${more} more`));
  return pane;
}

function passesPane(page) {
  const pane = element("div");
  pane.append(element("p", { class: "note" },
    "What each pass changed; a click shows it, [ and ] step. ",
    "Dashed orange goes, blue comes."));
  page.head.steps.forEach((step, at) => {
    const [gone, came] = [step.gone[0], step.new[0]];
    const row = element("div", { class: "step", "data-step": at });
    const counts = element("span", { class: "counts" });
    if (gone) counts.append(element("span", { class: "minus" }, `−${gone} `));
    if (came) counts.append(element("span", { class: "plus" }, `+${came}`));
    if (!gone && !came) counts.append(element("span", { class: "quiet" }, "no change"));
    row.append(counts, element("span", { class: "quiet" }, `${step.number}  `),
      element("b", {}, step.name));
    if (page.step === at && (gone || came)) row.append(stepDetail(page, step));
    if (page.step === at) row.classList.add("now");
    row.addEventListener("click", () => page.showStep(at));
    pane.append(row);
  });
  return pane;
}

function stepDetail(page, step) {
  const list = element("ul");
  for (const [rows, sign, look] of [[step.gone, "−", "minus"], [step.new, "+", "plus"]]) {
    for (const [count, op, line, text] of rows[1]) {
      const what = `${sign} ${count > 1 ? `${count} × ` : ""}${op}  `;
      list.append(element("li", {}, element("span", { class: look }, what),
        element("code", {}, `${line}  ${text}`)));
    }
  }
  const link = (side, name, chapter, keys) => {
    const made = element("a", {}, name);
    made.addEventListener("click", (event) => {
      event.stopPropagation();
      page.showChapter(chapter, keys, side);
    });
    return made;
  };
  const links = element("p", {});
  if (step.before >= 0) links.append(link("went", "graph before", step.before, step.goneKeys));
  if (step.before >= 0 && step.after >= 0) links.append(" · ");
  if (step.after >= 0) links.append(link("came", "graph after", step.after, step.newKeys));
  if (step.before < 0 && step.after < 0) {
    links.append(element("span", { class: "quiet" }, "too many nodes to draw each step"));
  }
  return element("div", {}, list, links);
}
