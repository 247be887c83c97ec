"use strict";
// A drawing on the screen: Graphviz's shapes, made anew as elements, panned and zoomed.
// Names only ever become text nodes.

const SVG = "http://www.w3.org/2000/svg";
const CLOSEST = 6, FARTHEST = 0.02, LEGIBLE = 0.55, COARSE = 0.38;
const MOVING = 260; // milliseconds
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

function shape([tag, attributes, text]) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// element("p", {class: "note"}, "text", another): an element of HTML.
function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

// A leaf that many read is drawn several times, as v3~n7, v3~n9, ...
const original = (key) => key.replace(/~[^>]*?(?=->|$)/, "");

const byId = (id) => document.getElementById(id);

async function unpack(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(plain).text());
}

class View {
  constructor(root, clicked, hovered) {
    this.root = root;
    this.layer = document.createElementNS(SVG, "g");
    root.append(this.layer);
    this.items = new Map();
    this.edges = [];
    this.types = new Map();
    [this.x, this.y, this.scale] = [0, 0, 1];
    this.listen(clicked, hovered);
  }

  show(drawing) {
    const [width, height, right, down] = drawing.size;
    this.before = this.places();
    this.size = [width, height];
    const inside = document.createElementNS(SVG, "g");
    inside.setAttribute("transform", `translate(${right} ${down})`);
    this.origin = [right, down];
    this.items.clear();
    this.types.clear();
    this.edges = [];
    for (const [kind, key, x, y, shapes, type] of drawing.items) {
      const group = document.createElementNS(SVG, "g");
      group.setAttribute("class", kind === "c" ? "c open" : kind);
      group.setAttribute("transform", `translate(${x} ${y})`);
      group.append(...shapes.map(shape));
      inside.append(group);
      group.dataset.key = original(key);
      group.name = key;
      if (kind === "e") {
        this.edges.push([group, ...key.split("->").map(original)]);
        if (type) this.types.set(original(key), type);
        this.widen(group);
      } else {
        this.items.set(key, group);
        group.at = [x, y];
        // What is drawn at each of its readers has its name from any of them.
        if (!this.items.has(original(key))) this.items.set(original(key), group);
      }
    }
    this.layer.replaceChildren(inside);
  }

  // A line that the pointer can meet.
  widen(group) {
    const line = group.querySelector("path")?.cloneNode();
    line?.setAttribute("class", "wide");
    if (line) group.append(line);
  }

  // Where each item is on the screen: [x, y, scale].
  places() {
    const found = new Map();
    for (const [key, { at }] of this.items) {
      found.set(key, this.origin.map((o, k) => [this.x, this.y][k] + this.scale * (o + at[k])));
    }
    return found;
  }

  // What was here before moves to where it is now; what is new appears.
  settle() {
    if (STILL.matches || !this.before?.size) return;
    const after = this.places(), how = { duration: MOVING, easing: "ease-out" };
    for (const group of this.layer.firstChild.children) {
      const old = this.before.get(group.name), now = after.get(group.name);
      if (!old || !now || group.classList.contains("c")) {
        group.animate({ opacity: [0, 0, 1] }, how);
        continue;
      }
      const [x, y] = group.at, by = now.map((n, k) => (old[k] - n) / this.scale);
      const at = (right, below) => `translate(${right}px, ${below}px)`;
      group.animate({ transform: [at(x + by[0], y + by[1]), at(x, y)] }, how);
    }
  }

  // -- where it is looked at

  place() {
    const at = `translate(${this.x} ${this.y}) scale(${this.scale})`;
    this.layer.setAttribute("transform", at);
  }

  fit() {
    this.look(0, 0, ...this.size, 1.4);
  }

  // Whether all of it can be read at once.
  fits() {
    this.fit();
    return this.scale >= COARSE;
  }

  // As large as it can be read; of what is longer than the window, the beginning.
  begin() {
    if (this.fits()) return;
    const { width } = this.root.getBoundingClientRect();
    this.scale = LEGIBLE;
    this.x = (width - this.size[0] * this.scale) / 2;
    this.y = 48;
    this.place();
  }

  look(x, y, width, height, closest) {
    const box = this.root.getBoundingClientRect();
    const room = [box.width - 48, box.height - 110];
    const scale = Math.min(room[0] / width, room[1] / height, closest);
    this.scale = Math.max(scale, FARTHEST);
    this.x = box.width / 2 - (x + width / 2) * this.scale;
    this.y = (box.height - 10) / 2 - (y + height / 2) * this.scale;
    this.place();
  }

  // Bring an item to the middle, legible, with what is around it.
  center(key) {
    const group = this.items.get(key);
    if (!group) return;
    const box = group.getBBox();
    const moves = [this.layer.firstChild, group].map((one) => one.transform.baseVal[0].matrix);
    const x = box.x + moves[0].e + moves[1].e, y = box.y + moves[0].f + moves[1].f;
    const wide = group.classList.contains("c");
    if (wide) this.look(x - 20, y - 20, box.width + 40, box.height + 40, 1.3);
    if (wide && this.scale >= COARSE) return;
    const view = this.root.getBoundingClientRect();
    this.scale = Math.max(this.scale, wide ? LEGIBLE : 0.9);
    this.x = view.width / 2 - (x + box.width / 2) * this.scale;
    this.y = wide ? 60 - y * this.scale : view.height / 2 - (y + box.height / 2) * this.scale;
    this.place();
  }

  // The nearest item on this side of another, of those that an edge joins to it where
  // the side is above or below.
  beside(key, right, below) {
    const middle = (group) => {
      const box = group.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    };
    const own = this.items.get(key);
    if (!own) return null;
    const joined = new Set(this.edges.flatMap(([, start, end]) =>
      (start === key ? [end] : end === key ? [start] : [])));
    const [x, y] = middle(own);
    let [best, least] = [null, Infinity];
    for (const group of this.items.values()) {
      const other = group.dataset.key;
      if (group === own || group.classList.contains("c") || (below && !joined.has(other))) continue;
      const [dx, dy] = middle(group).map((at, k) => at - [x, y][k]);
      const [along, across] = below ? [dy * below, Math.abs(dx)] : [dx * right, Math.abs(dy)];
      const far = along + 3 * across;
      if (along > 4 && far < least) [best, least] = [other, far];
    }
    return best;
  }

  seen(key) {
    const group = this.items.get(key);
    if (!group) return false;
    const [a, b] = [group.getBoundingClientRect(), this.root.getBoundingClientRect()];
    return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  }

  zoom(by, x, y) {
    const box = this.root.getBoundingClientRect();
    const [px, py] = [(x ?? box.left + box.width / 2) - box.left,
      (y ?? box.top + box.height / 2) - box.top];
    const scale = Math.min(Math.max(this.scale * by, FARTHEST), CLOSEST);
    this.x = px - (px - this.x) * scale / this.scale;
    this.y = py - (py - this.y) * scale / this.scale;
    this.scale = scale;
    this.place();
  }

  pan(x, y) {
    this.x += x;
    this.y += y;
    this.place();
  }

  // -- the pointer

  listen(clicked, hovered) {
    const root = this.root;
    let held = null, moved = false;
    root.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode ? 30 : 1;
      if (event.shiftKey) this.pan(-event.deltaY * lines, 0);
      else this.zoom(Math.exp(-event.deltaY * lines / 500), event.clientX, event.clientY);
      hovered(null);
    }, { passive: false });
    root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      [held, moved] = [[event.clientX, event.clientY], false];
    });
    root.addEventListener("pointermove", (event) => {
      if (!held) return hovered(this.at(event.target), event);
      const [x, y] = [event.clientX - held[0], event.clientY - held[1]];
      if (!moved && Math.hypot(x, y) < 4) return;
      if (!moved) root.setPointerCapture(event.pointerId);
      [held, moved] = [[event.clientX, event.clientY], true];
      root.classList.add("dragged");
      hovered(null);
      this.pan(x, y);
    });
    const release = () => {
      held = null;
      root.classList.remove("dragged");
    };
    root.addEventListener("pointerup", release);
    root.addEventListener("pointercancel", release);
    root.addEventListener("pointerleave", () => hovered(null));
    root.addEventListener("click", (event) => {
      if (!moved) clicked(this.at(event.target), event.target);
      moved = false;
    });
  }

  at(target) {
    return target.closest?.("[data-key]")?.dataset.key ?? null;
  }

  // -- looks

  mark(name, keys) {
    for (const group of this.items.values()) {
      group.classList.toggle(name, keys.has(group.dataset.key));
    }
  }

  light(keys) {
    for (const [group, start, end] of this.edges) {
      group.classList.toggle("lit", keys.has(start) || keys.has(end));
    }
  }

  // Colour what has a share of what is hottest, from white to orange.
  heat(share) {
    for (const group of this.items.values()) {
      if (group.classList.contains("c")) continue;
      const part = share ? share(group.dataset.key) : null;
      for (const one of group.children) {
        if (one.tagName === "text") continue;
        one.style.fill = part === null ? "" : warm(part);
      }
    }
  }
}

// Lightness falls evenly, so that it reads without colours too.
function warm(share) {
  const mix = (from, to) => Math.round(from + (to - from) * Math.sqrt(share));
  return `rgb(${mix(255, 224)} ${mix(253, 122)} ${mix(250, 50)})`;
}
