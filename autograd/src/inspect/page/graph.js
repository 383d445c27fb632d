// The drawing of the graph, and moving about in it.

const canvas = document.getElementById("canvas");
const view = document.getElementById("view");
const groups = new Map();
const NODE = { width: LAYOUTS.node_width, height: LAYOUTS.node_height };
let layout = null;
let lines = [];
let camera = { x: 0, y: 0, scale: 1 };

/// The op as people call it: `nswish` rather than `normalize`.
const opName = (node) => (/^[a-z]/.test(node.settings) && node.kind === "op" ? node.settings.split(" ")[0] : node.op);

function labels(node) {
  const inner = node.scope.split(".").slice(1).join(".");
  const shape = writtenShape(node.shape);
  if (node.kind !== "op") return [node.path, shape];
  // The number of a block alone would say little.
  if (/^\d+$/.test(inner)) return [`${inner}.${opName(node)}`, shape];
  return inner ? [inner, `${opName(node)} · ${shape}`] : [opName(node), shape];
}

function shortened(text, room) {
  return text.length <= room ? text : `${text.slice(0, Math.ceil(room / 2) - 1)}…${text.slice(text.length - Math.floor(room / 2))}`;
}

function draw(name) {
  layout = LAYOUTS[name];
  view.replaceChildren();
  groups.clear();
  for (const band of layout.bands) {
    const { x, y, width, height } = band;
    view.append(element("rect", { class: `band depth${band.depth}`, x, y, width, height, rx: 8 }));
  }
  for (const band of layout.bands) {
    const at = band.depth === 1 ? { x: band.x + 8 } : { x: band.x + band.width - 6 };
    const y = band.y + (band.depth === 1 ? 14 : 11);
    view.append(element("text", { class: `band-label depth${band.depth}`, ...at, y }, band.scope));
  }
  lines = layout.edges.map((edge) => {
    const line = element("path", { class: edge.skips ? "edge skips" : "edge", d: edge.d, "data-edge": `${edge.from}-${edge.to}` });
    view.append(line);
    return line;
  });
  // In the order of recording, which is the order of Tab.
  TAPE.nodes.forEach((node, i) => view.append(drawNode(node, layout.nodes[i])));
  paint();
}

function drawNode(node, place) {
  const leaf = node.kind === "op" ? "" : ` ${node.kind}`;
  const group = element("g", {
    id: `node-${node.index}`, class: `node${leaf}`, "data-node": node.index, "data-path": node.path, tabindex: 0, role: "button",
    "aria-label": `${node.path}, ${node.op}, ${writtenShape(node.shape)}`, transform: `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`,
  });
  group.append(element("title", {}, ""));
  if (place.satellite_of !== null) {
    group.append(element("circle", { class: "shape", r: 6.5 }));
  } else {
    const { width, height } = NODE;
    const rx = node.kind === "op" ? 6 : height / 2;
    group.append(element("rect", { class: "shape", x: -width / 2, y: -height / 2, width, height, rx }));
    const [first, second] = labels(node);
    group.append(element("text", { y: -3 }, shortened(first, 27)), element("text", { class: "second", y: 11.5 }, shortened(second, 32)));
  }
  const bad = nonFinite(node);
  if (bad) {
    group.classList.add("bad");
    group.append(element("text", { class: "alarm", x: place.satellite_of === null ? NODE.width / 2 - 8 : 0, y: place.satellite_of === null ? -6 : 5 }, "!"));
  }
  groups.set(node.index, group);
  return group;
}

/// Colours by the chosen quantity. Parameters have a range of their own: the gradient of a weight is a sum over
/// positions and samples, and as a number cannot be compared with that of one element of a value.
function paint() {
  const id = state.quantity;
  const logs = TAPE.nodes.map((node) => logStatistic(node, id));
  const range = (isOne) => spanOf(logs.filter((x, i) => x !== null && isOne(TAPE.nodes[i])));
  const [ops, leaves] = [range(isOp), range((node) => !isOp(node))];
  state.fraction = (node) => {
    const [low, high] = isOp(node) ? ops : leaves;
    return high > low ? Math.min(1, Math.max(0, (logStatistic(node, id) - low) / (high - low))) : 0.5;
  };
  const { name } = QUANTITIES.find((q) => q.id === id);
  for (const node of TAPE.nodes) {
    const group = groups.get(node.index);
    const colour = logs[node.index] === null ? null : shade(state.fraction(node));
    group.querySelector(".shape").style.fill = colour ? colour.fill : "";
    group.classList.toggle("light", colour !== null && colour.light);
    group.classList.toggle("dark", colour !== null && !colour.light);
    group.querySelector("title").textContent = `${node.path}\n${node.settings}\n${name} = ${written(statistic(node, id))}`;
  }
  const say = (element, text) => (document.getElementById(element).textContent = text);
  say("legend-name", name);
  say("legend-low", ops.length ? `${ops.clipped ? "≤ " : ""}${written(10 ** ops[0])}` : "nowhere");
  say("legend-high", ops.length ? `${ops.clipped ? "≥ " : ""}${written(10 ** ops[1])}` : "");
  say("legend-leaf", leaves.length ? `parameters, ${written(10 ** leaves[0])} to ${written(10 ** leaves[1])}` : "parameters");
  const stops = Array.from({ length: 9 }, (_, i) => shade(i / 8).fill);
  document.getElementById("legend-bar").style.background = `linear-gradient(to right, ${stops.join(", ")})`;
}

/// The range that colours cover: of many numbers, all but the outer twentieths, so that one far away does not make all
/// others look the same.
function spanOf(logs) {
  const sorted = logs.toSorted((a, b) => a - b);
  if (!sorted.length) return [];
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const span = sorted.length < 20 ? [at(0), at(1)] : [at(0.05), at(0.95)];
  span.clipped = sorted.length >= 20;
  return span;
}

function move(next) {
  camera = { ...camera, ...next };
  camera.scale = Math.min(6, Math.max(0.02, camera.scale));
  view.setAttribute("transform", `translate(${camera.x.toFixed(2)} ${camera.y.toFixed(2)}) scale(${camera.scale.toFixed(4)})`);
}

/// Zooms by `factor` and keeps the point (x, y) of the canvas where it is.
function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const scale = Math.min(6, Math.max(0.02, camera.scale * factor));
  const by = scale / camera.scale;
  move({ scale, x: x - (x - camera.x) * by, y: y - (y - camera.y) * by });
}

/// Shows everything if that can be read, else the top in the full width.
function fit(whole = false) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const across = Math.min(1.25, width / layout.width);
  const all = Math.min(across, height / layout.height);
  const scale = whole || all > 0.3 * across ? all : across;
  move({ scale, x: (width - layout.width * scale) / 2, y: Math.max(0, (height - layout.height * scale) / 2) });
}

/// Brings a node into sight if it is not.
function reveal(index) {
  const place = layout.nodes[index];
  const [x, y] = [camera.x + place.x * camera.scale, camera.y + place.y * camera.scale];
  const margin = (size, room) => Math.min((size / 2) * camera.scale + 10, room / 2);
  const [dx, dy] = [margin(NODE.width, canvas.clientWidth), margin(NODE.height, canvas.clientHeight)];
  const inside = (at, edge, length) => Math.min(Math.max(at, edge), length - edge) - at;
  move({ x: camera.x + inside(x, dx, canvas.clientWidth), y: camera.y + inside(y, dy, canvas.clientHeight) });
}

function listenToPointers() {
  const pointers = new Map();
  let moved = false;
  const spread = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y);
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = at(event);
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), x, y);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (pointers.size === 0) moved = false;
    pointers.set(event.pointerId, at(event));
  });
  window.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const now = at(event);
    if (!moved && Math.hypot(now.x - last.x, now.y - last.y) < 4) return;
    moved = true;
    canvas.classList.add("dragging");
    const before = [...pointers.values()];
    pointers.set(event.pointerId, now);
    const after = [...pointers.values()];
    if (after.length === 2) {
      const middle = { x: (after[0].x + after[1].x) / 2, y: (after[0].y + after[1].y) / 2 };
      zoom(spread(after) / Math.max(1, spread(before)), middle.x, middle.y);
      move({ x: camera.x + (now.x - last.x) / 2, y: camera.y + (now.y - last.y) / 2 });
    } else {
      move({ x: camera.x + now.x - last.x, y: camera.y + now.y - last.y });
    }
  });
  const lift = (event) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) canvas.classList.remove("dragging");
  };
  window.addEventListener("pointerup", lift);
  window.addEventListener("pointercancel", lift);
  view.addEventListener("click", (event) => {
    const group = event.target.closest("[data-node]");
    if (group && !moved) choose(Number(group.dataset.node));
  });
}

/// The nearest node in a direction, those straight ahead first.
function neighbour(index, key) {
  const from = layout.nodes[index];
  const [ux, uy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
  const node = TAPE.nodes[index];
  // Up and down follow the data.
  const along = key === "ArrowDown" ? CONSUMERS[index] : key === "ArrowUp" ? node.inputs : [];
  if (along.length) return along[0];
  let best = null;
  layout.nodes.forEach((to, i) => {
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const [ahead, aside] = [dx * ux + dy * uy, Math.abs(dx * uy) + Math.abs(dy * ux)];
    const cost = ahead + 3 * aside;
    if (i !== index && ahead > 1 && (best === null || cost < best.cost)) best = { i, cost };
  });
  return best === null ? null : best.i;
}
