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
    ? `${head.partial ? "at least " : ""}${amount(heat[1], "operations")} operations, ${amount(heat[2], "bytes")}` : ""));
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

// What an edge carries.
function flowOf(page, key) {
  const [from, to] = key.split("->").map((end) => page.facts[end]);
  if (!from || !to) return null;
  const type = page.view.types.get(key) ?? (from.f ? "" : from.t);
  const ends = element("div", {}, `${first(from.n)} → ${first(to.n)}`);
  return element("div", { class: "what" }, ends,
    ...(type ? [element("div", { class: "type" }, type)] : []));
}

// Colour the numbers of lines by what the nodes that they wrote cost together.
function heatLines(page) {
  const sums = new Map(), { heat } = page;
  if (heat !== null) {
    for (const { f, h, l } of Object.values(page.facts)) {
      if (!f && h?.[heat] && l) sums.set(l[0], (sums.get(l[0]) ?? 0) + h[heat]);
    }
  }
  const most = Math.max(...sums.values(), 0);
  for (const row of byId("pane").querySelectorAll(".source [data-line]")) {
    const sum = sums.get(Number(row.dataset.line)), number = row.firstChild;
    number.style.background = sum ? warm(sum / most) : "";
    number.title = sum ? `${amount(sum, HEATS[heat])} by what this line wrote` : "";
  }
}

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

// What the table is of, and the colours of the graph.
function heatButtons(page, heat) {
  const bar = element("p", { class: "bar" });
  HEATS.forEach((name, number) => {
    if (number === TIME && !page.head.timed) return;
    const button = element("button", { "aria-current": String(number === heat) }, name);
    button.addEventListener("click", () => page.setHeat(number));
    bar.append(button);
  });
  return bar;
}

function profilePane(page) {
  const heat = page.heat ?? (page.timed ? TIME : 2), name = HEATS[heat];
  const rows = Object.entries(page.facts)
    .filter(([, facts]) => !facts.f && facts.h?.[heat])
    .map(([key, facts]) => [key, facts.h[heat]])
    .sort((a, b) => b[1] - a[1]);
  const total = rows.reduce((sum, [, value]) => sum + value, 0) || 1;
  const pane = element("div");
  pane.append(heatButtons(page, heat));
  const measured = heat === TIME ? "measured, of the graph that runs" : "forecast for one call";
  const assumed = heat && page.head.assumed ? "; lengths without a size count as 32" : "";
  const least = heat && page.head.partial ? "at least " : "";
  pane.append(element("p", { class: "note" }, rows.length
    ? `${name}, ${measured}${assumed}. In all ${least}${amount(total, name)}.`
    : `No ${name} are known of this graph.`));
  const table = element("table");
  if (rows.length) {
    const titles = ["share", name, "node", "line"].map((text) => element("th", {}, text));
    table.append(element("tr", {}, ...titles));
  }
  for (const [key, value] of rows.slice(0, MOST_ROWS)) {
    const facts = page.facts[key];
    const share = `${(100 * value / total).toFixed(1)} %`;
    const line = facts.l?.length ? place(page.head, facts.l[0]).name : "";
    const row = element("tr", { "data-at": key },
      element("td", { class: "number share" }, share),
      element("td", { class: "number" }, amount(value, name)),
      element("td", {}, facts.n), element("td", { class: "place" }, line));
    const part = `${100 * value / rows[0][1]}%`;
    row.firstChild.style.background = `linear-gradient(to right, #f7d3b8 ${part}, #0000 ${part})`;
    row.addEventListener("click", () => page.go(key));
    table.append(row);
  }
  pane.append(table);
  const more = rows.length - MOST_ROWS;
  if (more > 0) pane.append(element("p", { class: "note" }, `and ${more} more`));
  return pane;
}

// [[name, side, chapter, keys], ...] of what is drawn of a pass.
function sidesOf(step) {
  const sides = step ? [["before", "went", ...step.before], ["after", "came", ...step.after]] : [];
  return sides.filter(([, , number]) => number >= 0);
}

function passesPane(page) {
  const pane = element("div"), bar = element("p", { class: "bar" });
  for (const [by, name] of [[-1, "◂"], [1, "▸"]]) {
    const button = element("button", { title: by < 0 ? "the pass before ([)" : "the next pass (])" }, name);
    button.addEventListener("click", () => page.stepBy(by));
    bar.append(button);
  }
  bar.append(element("span", { class: "minus" }, "dashed: goes"),
    element("span", { class: "plus" }, "blue: comes"));
  pane.append(bar);
  page.head.steps.forEach((step, at) => {
    const [gone, came] = [step.gone[0], step.new[0]], changed = gone || came;
    const row = element("div", { class: changed ? "step" : "step still", "data-step": at });
    const counts = element("span", { class: "counts" });
    if (gone) counts.append(element("span", { class: "minus" }, `−${gone}`));
    if (came) counts.append(element("span", { class: "plus" }, `+${came}`));
    if (!changed) counts.append("no change");
    row.append(counts, element("i", {}, `${step.number}`),
      element("b", {}, step.name));
    if (page.step === at) {
      row.classList.add("now");
      if (changed) row.append(stepDetail(page, step));
    }
    row.addEventListener("click", () => page.showStep(at));
    pane.append(row);
  });
  return pane;
}

// What went and what came, by the user's line.
function stepDetail(page, step) {
  const lines = new Map();
  for (const [rows, sign, look] of [[step.gone, "−", "minus"], [step.new, "+", "plus"]]) {
    for (const [count, op, line, text] of rows[1]) {
      if (!lines.has(line)) lines.set(line, [text, []]);
      const many = count > 1 ? `${count} ` : "";
      lines.get(line)[1].push(element("span", { class: `change ${look}` }, `${sign} ${many}${op}`));
    }
  }
  const detail = element("div", { class: "detail" });
  for (const [line, [text, changes]] of lines) {
    detail.append(element("code", { title: text }, `${line}  ${text}`), element("p", {}, ...changes));
  }
  if (!sidesOf(step).length) {
    detail.append(element("p", { class: "quiet" }, "not drawn: a pass is drawn where a node of "
      + "the picture went or came, and the graph is not too large"));
  }
  return detail;
}
