// What is known of the chosen node.

const panel = document.getElementById("panel");

const STATISTICS = [
  ["count", "elements"], ["mean", "mean"], ["variance", "variance"], ["second_moment", "E[x²]"], ["min", "min"], ["max", "max"],
  ["zeros", "zeros"], ["non_finite", "NaN or ∞"], ["denormals", "denormals"],
];

const link = (index) => element("a", { href: `#/${index}`, "data-link": index }, TAPE.nodes[index].path);

function list(title, indices, note) {
  if (!indices.length) return [];
  const row = (i, at) => element("li", {}, link(i), " ", element("span", { class: "note" }, note(TAPE.nodes[i], at)));
  return [element("h3", {}, title), element("ul", {}, ...indices.map(row))];
}

function statisticsTable(node) {
  const sides = ["value", "gradient"].filter((s) => node[s]);
  const head = element("tr", {}, element("th", {}, ""), ...sides.map((s) => element("th", { scope: "col" }, s)));
  const cell = (side, field) => {
    const x = node[side][field];
    return element("td", { "data-field": `${side}.${field}`, "data-value": JSON.stringify(x), title: String(x) }, written(x));
  };
  const rows = STATISTICS.map(([field, name]) => element("tr", {}, element("td", {}, name), ...sides.map((s) => cell(s, field))));
  return element("table", { class: "statistics" }, element("thead", {}, head), element("tbody", {}, ...rows));
}

/// Bars over ⌊log₂|x|⌋.
function histogram(summary, side) {
  const bins = summary.histogram;
  if (!bins.length) return element("p", { class: "hint" }, "every element is 0 or not finite");
  const [width, height, left, bottom, top] = [352, 112, 40, 30, 8];
  const [first, last] = [bins[0][0], bins[bins.length - 1][0]];
  const count = last - first + 1;
  const most = Math.max(...bins.map(([, n]) => n));
  const step = Math.min(26, (width - left - 4) / count);
  const svg = element("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, role: "img", "data-histogram": side,
    "aria-label": `Sizes of the ${side}'s elements, from 2 to the ${first} to 2 to the ${last + 1}` });
  const base = height - bottom;
  svg.append(element("line", { class: "axis", x1: left, x2: width, y1: base, y2: base }));
  for (const [e, n] of bins) {
    const tall = ((base - top) * n) / most;
    const bar = element("rect", { class: `bar ${side}`, x: left + (e - first) * step, y: base - tall, width: Math.max(0.5, step - Math.min(1, step / 4)), height: tall, "data-bin": e, "data-count": n });
    bar.append(element("title", {}, `2${superscript(e)} ≤ |x| < 2${superscript(e + 1)}: ${n.toLocaleString("en")}`));
    svg.append(bar);
  }
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((s) => s * step >= 26) ?? 2000;
  for (let e = Math.ceil(first / every) * every; e <= last + 1; e += every) {
    const x = Math.min(left + (e - first) * step, width - 13);
    svg.append(element("text", { x, y: base + 13, "text-anchor": "middle" }, String(e).replace("-", "−")));
  }
  const share = (most / summary.count) * 100;
  svg.append(element("text", { x: left - 4, y: top + 8, "text-anchor": "end" }, `${share < 10 ? share.toPrecision(2) : share.toFixed(0)} %`));
  svg.append(element("text", { x: left - 4, y: base, "text-anchor": "end" }, "0"));
  svg.append(element("text", { x: (left + width) / 2, y: height - 3, "text-anchor": "middle" }, "log₂ |x|"));
  return svg;
}

const elementsText = (numbers) => element("p", { class: "elements" }, numbers.map(written).join("  "));

function saved(node) {
  if (!node.saved.length) return [];
  const row = (t) => {
    const text = `${writtenShape(t.shape)}, ${writtenBytes(t.bytes)}${t.shared ? ", shared with a value" : ""}`;
    return element("li", {}, text, ...(t.elements && t.elements.length ? [elementsText(t.elements)] : []));
  };
  return [element("h3", {}, "Saved for backward"), element("ul", { class: "saved" }, ...node.saved.map(row))];
}

function side(node, name, title) {
  const summary = node[name];
  if (!summary) return [];
  const elements = summary.elements && summary.elements.length ? [elementsText(summary.elements)] : [];
  return [element("h3", {}, title), histogram(summary, name), ...elements];
}

/// What an op sends back to one input: the contribution of this one use, of which the input's gradient is the sum.
function sent(consumer, at) {
  const contribution = consumer.contributions && consumer.contributions[at];
  return contribution ? `, sent back Var ${written(contribution.variance)}` : "";
}

const uses = (consumer, index) => consumer.inputs.map((i, at) => (i === index ? sent(consumer, at) : "")).join("");

function showNode(index) {
  const node = TAPE.nodes[index];
  const close = element("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => choose(null));
  const settings = node.kind === "op" ? node.settings : node.kind;
  const bad = nonFinite(node);
  panel.replaceChildren(
    close,
    element("h2", { "data-field": "path" }, node.path),
    element("p", { class: "kind", "data-field": "settings" }, `#${index} · ${settings}`),
    ...(node.formula ? [element("p", { class: "formula", "data-field": "formula" }, node.formula)] : []),
    ...(bad ? [element("p", { class: "warning" }, `${bad.toLocaleString("en")} ${bad === 1 ? "element is" : "elements are"} NaN or infinite`)] : []),
    element("p", { class: "kind" }, `${writtenShape(node.shape)} ${TAPE.scalar}, ${writtenBytes(node.bytes)}`,
      node.needs_gradient ? "" : ", needs no gradient", node.value ? "" : ", freed by the backward pass"),
    statisticsTable(node),
    ...side(node, "value", "Value"),
    ...side(node, "gradient", "Gradient"),
    ...list("Inputs", node.inputs, (n, at) => `${writtenShape(n.shape)}${sent(node, at)}`),
    ...list("Used by", CONSUMERS[index], (n) => `${opName(n)} → ${writtenShape(n.shape)}${uses(n, index)}`),
    ...saved(node),
  );
  panel.classList.add("chosen");
  panel.scrollTop = 0;
}

function showHelp() {
  const key = (...keys) => keys.flatMap((k, i) => [...(i ? [" "] : []), element("kbd", {}, k)]);
  const row = (keys, text) => element("tr", {}, element("td", {}, ...key(...keys)), element("td", {}, text));
  panel.classList.remove("chosen");
  panel.replaceChildren(
    element("h2", {}, "Choose a node"),
    element("p", { class: "hint" }, "A box is the value of an op, a dot beside it a parameter. Orange lines pass over rows: skip connections. Click a box, a dot, or a point of the chart for its formula, statistics and histograms."),
    element("table", {}, element("tbody", {},
      row(["Tab"], "next node"), row(["↑", "↓"], "input, consumer"), row(["←", "→"], "beside"), row(["Enter"], "choose"),
      row(["+", "−", "0"], "zoom, show everything"), row(["/"], "filter"), row(["Esc"], "back"))),
  );
}
