// The chosen quantity layer by layer: whether gradients keep their variance shows at a glance.

const chart = document.getElementById("chart");
/// An op with a matrix or kernel of parameters.
const isLayer = (node) => isOp(node) && node.inputs.some((i) => TAPE.nodes[i].kind === "parameter" && TAPE.nodes[i].shape.length > 1);
const weightOf = (node) => node.inputs.map((i) => TAPE.nodes[i]).find((n) => n.kind === "parameter" && n.shape.length > 1);

function drawChart() {
  const quantity = QUANTITIES.find((q) => q.id === state.quantity);
  const ops = TAPE.nodes.filter((node) => isOp(node) && logStatistic(node, quantity.id) !== null);
  const layers = ops.filter(isLayer);
  const weights = layers.map(weightOf).filter((n) => logStatistic(n, quantity.id) !== null);
  document.getElementById("depth-title").textContent = `${quantity.name} by depth`;
  document.getElementById("verdict").textContent = verdict(layers, quantity);
  chart.replaceChildren();
  chart.setAttribute("aria-label", `${quantity.of} of every op in order. ${verdict(layers, quantity)}`);
  const [width, height] = [chart.clientWidth || 800, chart.clientHeight || 176];
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  if (!ops.length) return;

  const [left, right, top, bottom] = [46, 10, 12, 22];
  const logs = [...ops, ...weights].map((n) => logStatistic(n, quantity.id));
  // Half a decade at least, so that noise does not look like a trend.
  const [low, high] = [Math.min(...logs) - 0.15, Math.max(Math.max(...logs) + 0.15, Math.min(...logs) + 0.5)];
  const at = new Map(ops.map((node, i) => [node.index, left + 8 + ((width - left - right - 16) * i) / Math.max(1, ops.length - 1)]));
  const y = (log) => top + ((height - top - bottom) * (high - log)) / (high - low);

  stripes(ops, at, { left, right: width - right, top, bottom: height - bottom });
  const every = Math.max(1, Math.ceil((high - low) / 5));
  for (let decade = Math.ceil(low); decade <= high; decade += 1) {
    if (decade % every) continue;
    chart.append(element("line", { class: "grid", x1: left, x2: width - right, y1: y(decade), y2: y(decade) }));
    chart.append(element("text", { x: left - 5, y: y(decade) + 4, "text-anchor": "end" }, `10${superscript(decade)}`));
  }
  const line = (points, kind) => chart.append(element("polyline", { class: `line ${kind}`, points: points.map((p) => p.map((c) => c.toFixed(1)).join()).join(" ") }));
  const dot = (node, x, kind, r) => {
    const log = logStatistic(node, quantity.id);
    const mark = element("circle", { class: `dot ${kind}`, cx: x.toFixed(1), cy: y(log).toFixed(1), r, "data-point": node.index });
    mark.style.fill = shade(state.fraction(node)).fill;
    mark.append(element("title", {}, `${node.path}\n${quantity.name} = ${written(statistic(node, quantity.id))}`));
    chart.append(mark);
  };
  const owner = (weight) => layers.find((n) => weightOf(n) === weight);
  line(weights.map((n) => [at.get(owner(n).index), y(logStatistic(n, quantity.id))]), "weights");
  line(layers.map((n) => [at.get(n.index), y(logStatistic(n, quantity.id))]), "outputs");
  ops.filter((n) => !isLayer(n)).forEach((n) => dot(n, at.get(n.index), "minor", 2.6));
  weights.forEach((n) => dot(n, at.get(owner(n).index), "weight", 3.6));
  layers.forEach((n) => dot(n, at.get(n.index), "layer", 4.8));
  markPoint();
}

/// Light stripes behind every second outermost scope, with its name where it fits.
function stripes(ops, at, box) {
  const runs = [];
  for (const node of ops) {
    const name = node.scope.split(".")[0];
    const last = runs[runs.length - 1];
    if (last && last.name === name) last.to = at.get(node.index);
    else runs.push({ name, from: at.get(node.index), to: at.get(node.index) });
  }
  runs.forEach((run, i) => {
    const from = i ? (runs[i - 1].to + run.from) / 2 : box.left;
    const to = i + 1 < runs.length ? (run.to + runs[i + 1].from) / 2 : box.right;
    if (i % 2) chart.append(element("rect", { class: "stripe", x: from, y: box.top, width: to - from, height: box.bottom - box.top }));
    if (to - from > 7 * run.name.length + 6) chart.append(element("text", { x: (from + to) / 2, y: box.bottom + 15, "text-anchor": "middle" }, run.name));
  });
}

/// What the line says, in one sentence, about the layers of the most frequent kind: a convolution's gradient and that of a
/// dense layer behind a mean over positions cannot be compared.
function verdict(layers, quantity) {
  const legend = "Circles: layers; dashed: weights; dots: other ops.";
  const kinds = Map.groupBy(layers, (node) => node.op);
  const [kind, same] = [...kinds].reduce((a, b) => (b[1].length > a[1].length ? b : a), ["", []]);
  if (same.length < 2) return legend;
  const sorted = same.toSorted((a, b) => logStatistic(a, quantity.id) - logStatistic(b, quantity.id));
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  const decades = logStatistic(most, quantity.id) - logStatistic(least, quantity.id);
  const at = (node) => `${written(statistic(node, quantity.id))} (${node.scope || node.path})`;
  return `Over ${same.length} ${kind} layers it spans ${decades.toFixed(1)} decades, from ${at(least)} to ${at(most)}. ${legend}`;
}

function markPoint() {
  for (const dot of chart.querySelectorAll(".dot")) dot.classList.toggle("selected", Number(dot.dataset.point) === state.chosen);
}

chart.addEventListener("click", (event) => {
  const dot = event.target.closest("[data-point]");
  if (dot) choose(Number(dot.dataset.point));
});
