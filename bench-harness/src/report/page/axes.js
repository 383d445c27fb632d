// Axes of charts: ticks, scales, grid.

/// Round steps that make about `count` ticks from `low` to `high`, at least one whole where they must be whole.
function ticks(low, high, count, whole = false) {
  if (!(high > low)) return { values: [low], step: Math.abs(low) || 1 };
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * (1 - 1e-9)) ?? rough;
  const step = whole ? Math.max(1, Math.round(round)) : round;
  const made = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) made.push(k * step);
  return { values: made.map((x) => Number(x.toPrecision(12))), step };
}

/// Powers of ten, with 2 and 5 between them where there are few; all tenths where even those are missing.
function logTicks(low, high) {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((to - from) / 6));
  const inside = (x) => x >= low * (1 - 1e-9) && x <= high * (1 + 1e-9);
  const made = [];
  for (let e = from; e <= to; e += every) for (const m of to - from <= 2 ? [1, 2, 5] : [1]) made.push(m * 10 ** e);
  const fitting = made.filter(inside);
  return fitting.length > 1 ? fitting : ticks(low, high, 5).values.filter((x) => x > 0);
}

/// A map from values to pixels, with ticks and their texts. A range of one value has its place in the middle.
function scaleOf({ low, high, from, to, log, count, percent, whole }) {
  const position = (x, a, b) => (b > a ? from + ((to - from) * (x - a)) / (b - a) : (from + to) / 2);
  if (log) {
    const [a, b] = [Math.log10(low), Math.log10(high)];
    const text = (x) => {
      const exponent = Math.round(Math.log10(x));
      return Math.abs(x / 10 ** exponent - 1) < 1e-9 && (exponent < -2 || exponent > 3) ? `10${superscript(exponent)}` : written(x, 3);
    };
    return { at: (x) => position(Math.log10(x), a, b), ticks: logTicks(low, high), text };
  }
  const { values, step } = ticks(low, high, count, whole);
  const decimals = (size) => clamp(-Math.floor(Math.log10(size) + 1e-9), 0, 12);
  const text = (x) => {
    if (whole) return x.toLocaleString("en");
    if (percent) return `${fixed(100 * x, decimals(step * 100))} %`;
    return step < 1e-3 || Math.abs(x) >= 1e5 ? written(x, 3) : fixed(x, decimals(step));
  };
  return { at: (x) => position(x, low, high), ticks: values, text };
}

/// Low and high with some room on both sides, within what is possible.
function withRoom([low, high], share, [least, most] = [-Infinity, Infinity]) {
  const room = (high - low || Math.abs(high) * 0.5 || 1) * share;
  return [Math.max(least, low - room), Math.min(most, high + room)];
}

/// Grid lines and texts of both axes.
function drawAxes(svg, x, y, box, xLabel, yLabel) {
  for (const tick of y.ticks) {
    svg.append(element("line", { class: "grid", x1: box.left, x2: box.right, y1: y.at(tick), y2: y.at(tick) }));
    svg.append(element("text", { class: "tick", x: box.left - 8, y: y.at(tick) + 4, "text-anchor": "end" }, y.text(tick)));
  }
  for (const tick of x.ticks) {
    svg.append(element("line", { class: "mark", x1: x.at(tick), x2: x.at(tick), y1: box.bottom, y2: box.bottom + 4 }));
    svg.append(element("text", { class: "tick", x: x.at(tick), y: box.bottom + 18, "text-anchor": "middle" }, x.text(tick)));
  }
  svg.append(element("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  svg.append(element("text", { class: "label", x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle" }, xLabel));
  svg.append(element("text", { class: "label", x: Math.min(box.left, 12), y: box.top - 12 }, yLabel));
}

/// Lines through points, broken where one cannot be shown.
function strokes(points) {
  const parts = [[]];
  for (const point of points) {
    if (point) parts[parts.length - 1].push(point);
    else if (parts[parts.length - 1].length) parts.push([]);
  }
  return parts.filter((part) => part.length);
}
const pathOf = (points) => strokes(points).map((part) => `M${part.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`).join("");
