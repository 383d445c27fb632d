// Learning curves: the mean over seeds of every activation with a band, and the values under the pointer.

const METRICS = [
  { id: "validation_accuracy", name: "Validation accuracy", percent: true, read: (e) => e.validation?.accuracy },
  { id: "train_accuracy", name: "Training accuracy", percent: true, read: (e) => e.train?.accuracy },
  { id: "validation_loss", name: "Validation loss (nats)", read: (e) => e.validation?.loss },
  { id: "train_loss", name: "Training loss (nats)", read: (e) => e.train?.loss },
  { id: "lr", name: "Learning rate", read: (e) => e.lr },
];
const BANDS = [
  ["range", "least to most over seeds"],
  ["error", "± one standard error"],
  ["seeds", "each seed"],
];

/// Mean and spread of one activation at every epoch that one of its runs has come to; diverged runs are no part of them.
function curveOf(runs, metric) {
  const values = new Map();
  for (const run of runs.filter((r) => r.status !== "diverged")) {
    for (const epoch of run.epochs) {
      const value = metric.read(epoch);
      if (isNumber(value)) values.set(epoch.epoch, [...(values.get(epoch.epoch) ?? []), value]);
    }
  }
  return [...values].sort(([a], [b]) => a - b).map(([x, all]) => ({ x, mean: mean(all), n: all.length, range: extent(all), error: standardError(all) }));
}

/// The figure of a group; `state.hidden` are the activations that are switched off.
function learningCurves(group, styles, state) {
  const metrics = METRICS.filter(({ read }) => runsOf(group).some((run) => run.epochs.some((e) => isNumber(read(e)))));
  if (!metrics.length) {
    return { figure: element("figure", { class: "card" }, element("figcaption", {}, element("h3", {}, "Learning curves")), nothing("No epoch is over yet.")), draw: () => {} };
  }
  const own = { metric: metrics[0].id, band: "range", log: false, at: null };
  const spoken = element("output", { class: "spoken", "aria-live": "polite" });
  const tip = element("div", { class: "tip", hidden: "" });
  const svg = element("svg", { class: "chart curves", role: "img", tabindex: "0" });
  const holder = element("div", { class: "holder" }, svg, tip, spoken);
  const told = element("p", { class: "told" });
  const metricNow = () => metrics.find((m) => m.id === own.metric);
  let drawn = null;

  const seriesOf = (metric) => group.activations.filter((a) => !state.hidden.has(a)).map((activation) => {
    const runs = runsWith(group, activation);
    return { activation, runs, ...styles.get(activation), points: curveOf(runs, metric) };
  }).filter(({ runs }) => runs.length);
  const courseOf = (run, metric) => run.epochs.map((e) => ({ x: e.epoch, y: metric.read(e) })).filter((p) => isNumber(p.y));
  const bandOf = (point) => (own.band === "error" ? [point.mean - (point.error ?? 0), point.mean + (point.error ?? 0)] : point.range);
  const show = (metric, v, digits = 4) => (metric.percent ? `${fixed(100 * v, 2)} %` : written(v, digits));
  const valueText = (metric, p, seeds) => {
    const error = p.error === null ? "" : ` ± ${metric.percent ? fixed(100 * p.error, 2) : written(p.error, 2)}`;
    return show(metric, p.mean) + error + (p.n < seeds ? ` (${p.n} of ${seeds})` : "");
  };

  function draw() {
    const metric = metricNow();
    const series = seriesOf(metric);
    const wasAt = own.at;
    svg.replaceChildren();
    tip.hidden = true;
    drawn = null;
    const width = Math.max(300, holder.clientWidth || 900);
    const height = width < 560 ? 300 : 400;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = `${height}px`;
    svg.setAttribute("aria-label", describe(metric, series));
    told.textContent = "";
    // Runs that diverged are thin lines of their own.
    const singles = series.flatMap((s) => s.runs.filter((run) => run.status === "diverged" || own.band === "seeds").map((run) => ({ ...s, run, points: courseOf(run, metric) })));
    // An accuracy on a logarithmic axis is shown as the error that is left.
    const flip = own.log && metric.percent;
    const map = flip ? (v) => 1 - v : (v) => v;
    const canStand = (v) => isNumber(v) && (!own.log || map(v) > 0);
    const values = [...series.flatMap((s) => s.points.flatMap((p) => [p.mean, ...bandOf(p)])), ...singles.flatMap((s) => s.points.map((p) => p.y))].map(map);
    const usable = values.filter((v) => !own.log || v > 0);
    const epochs = unique([...series.flatMap((s) => s.points.map((p) => p.x)), ...singles.flatMap((s) => s.points.map((p) => p.x))]).sort((a, b) => a - b);
    if (!usable.length) {
      const text = !series.length ? "Every activation is switched off." : values.length ? "No value is above zero." : "None of these runs has such a value.";
      svg.append(element("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, text));
      return;
    }
    const isNamed = width >= 560 && series.length <= 12;
    const box = { left: 62, right: width - (isNamed ? 112 : 14), top: 30, bottom: height - 46 };
    const bounds = extent(usable);
    const [low, high] = own.log ? [bounds[0] / 1.05, bounds[1] * 1.05] : withRoom(bounds, 0.06, metric.percent ? [0, 1] : undefined);
    const [first, last] = [epochs[0], epochs[epochs.length - 1]];
    const x = scaleOf({ low: first, high: last, from: box.left + 8, to: box.right - 8, count: clamp((box.right - box.left) / 70, 2, 12), whole: true });
    const y = scaleOf({ low, high, from: flip ? box.top : box.bottom, to: flip ? box.bottom : box.top, log: own.log, count: 6, percent: metric.percent && !own.log });
    if (flip) y.text = (v) => `${written(100 * v, 3)} %`;
    drawAxes(svg, x, y, box, "epoch", flip ? `${metric.name}: share that is wrong, logarithmic` : own.log ? `${metric.name}, logarithmic` : metric.name);
    const floor = flip ? box.top : box.bottom;
    /// A value's height; what cannot stand on the axis is cut off at its end.
    const heightOf = (v) => clamp(canStand(v) ? y.at(map(v)) : floor, box.top, box.bottom);
    /// One place for every epoch, null where there is nothing to show, so that lines break there.
    const places = (points, read) => {
      const at = new Map(points.map((p) => [p.x, read(p)]));
      return epochs.map((epoch) => (canStand(at.get(epoch)) ? [x.at(epoch), y.at(map(at.get(epoch)))] : null));
    };

    if (own.band !== "seeds") {
      for (const { activation, points, runs, colour, hollow } of series) {
        if (runs.length < 2) continue;
        const banded = epochs.map((epoch) => points.find((p) => p.x === epoch && p.n > 1) ?? null);
        const d = strokes(banded).map((part) => `M${[...part.map((p) => [p.x, bandOf(p)[1]]), ...[...part].reverse().map((p) => [p.x, bandOf(p)[0]])].map(([at, v]) => `${x.at(at).toFixed(1)},${heightOf(v).toFixed(1)}`).join("L")}Z`).join("");
        svg.append(element("path", { class: hollow ? "band outlined" : "band", "data-band": activation, fill: hollow ? "none" : colour, stroke: hollow ? colour : "none", d }));
      }
    }
    for (const { run, points, colour, dash } of singles) {
      const at = places(points, (p) => p.y);
      const kind = run.status === "diverged" ? "seed diverged" : "seed";
      svg.append(element("path", { class: kind, "data-run": run.name, stroke: colour, "stroke-dasharray": dash === "none" ? null : dash, d: pathOf(at) }));
      const end = at.filter(Boolean).pop();
      if (run.status === "diverged" && end) svg.append(element("path", { class: "end", stroke: colour, d: `M${end[0] - 4},${end[1] - 4}l8,8m0,-8l-8,8` }));
    }
    for (const { activation, points, colour, dash, hollow } of series) {
      const at = places(points, (p) => p.mean);
      svg.append(element("path", { class: "mean", "data-series": activation, stroke: colour, "stroke-dasharray": dash, d: pathOf(at) }));
      const alone = at.filter((p, i) => p && (epochs.length <= 10 || (!at[i - 1] && !at[i + 1])));
      for (const [cx, cy] of alone) svg.append(element("circle", { class: "point", cx, cy, r: 3.4, stroke: colour, fill: hollow ? "var(--card)" : colour }));
    }
    if (isNamed) nameLines(series, places, box);
    const cross = element("line", { class: "cross", y1: box.top, y2: box.bottom, visibility: "hidden" });
    svg.append(cross);
    drawn = { x, y, map, series, cross, box, metric, width, epochs, canStand };
    const hidden = own.log ? series.flatMap((s) => s.points.map((p) => p.mean)).concat(singles.flatMap((s) => s.points.map((p) => p.y))).filter((v) => !canStand(v)).length : 0;
    const diverged = series.flatMap((s) => s.runs.filter((run) => run.status === "diverged"));
    const fewer = series.flatMap((s) => {
      const from = s.points.find((p) => p.n < s.points[0].n);
      return from ? [`${s.activation} from epoch ${from.x} (${from.n} of ${s.runs.length})`] : [];
    });
    told.textContent = [
      fewer.length ? `Fewer seeds came so far, and means may jump there: ${fewer.join(", ")}.` : "",
      hidden ? `${counted(hidden, "value")} of ${flip ? "no error" : "zero or less"} cannot stand on a logarithmic axis: the lines break there.` : "",
      diverged.length ? `Diverged, in no mean, thin up to the ×: ${diverged.map((run) => run.name).join(", ")}.` : "",
    ].filter(Boolean).join(" ");
    if (wasAt !== null) point(wasAt);
  }

  /// Every line's name at its end, moved apart where ends are close.
  function nameLines(series, places, box) {
    const ends = series.map((s) => ({ ...s, end: places(s.points, (p) => p.mean).filter(Boolean).pop() })).filter((s) => s.end).sort((a, b) => a.end[1] - b.end[1]);
    const gap = Math.min(16, (box.bottom - box.top) / ends.length);
    for (const s of ends) [, s.at] = s.end;
    for (let round = 0; round < 60; round += 1) {
      ends.slice(1).forEach((lower, i) => {
        const missing = gap - (lower.at - ends[i].at);
        if (missing > 0) [ends[i].at, lower.at] = [ends[i].at - missing / 2, lower.at + missing / 2];
      });
      ends.forEach((s, i) => (s.at = clamp(s.at, box.top + gap * i, box.bottom - gap * (ends.length - 1 - i))));
    }
    for (const { activation, colour, dash, end, at } of ends) {
      svg.append(element("line", { class: "lead", stroke: colour, "stroke-dasharray": dash === "none" ? null : "2 2", x1: end[0] + 5, y1: end[1], x2: box.right + 14, y2: at }));
      svg.append(element("text", { class: "name", x: box.right + 18, y: at + 4 }, shortened(activation, 13)));
    }
  }

  function describe(metric, series) {
    const last = series.map((s) => ({ name: s.activation, point: s.points[s.points.length - 1] })).filter((s) => s.point);
    if (!last.length) return `${metric.name} by epoch; nothing is shown.`;
    return `${metric.name} by epoch. Last means: ${last.map((s) => `${s.name} ${show(metric, s.point.mean)} at epoch ${s.point.x}`).join(", ")}.`;
  }

  function leave() {
    own.at = null;
    tip.hidden = true;
    drawn?.cross.setAttribute("visibility", "hidden");
    svg.querySelectorAll(".dot").forEach((dot) => dot.remove());
  }

  /// Shows the values at an epoch.
  function point(epoch) {
    if (!drawn) return;
    const { x, y, map, series, cross, metric, box, width, canStand } = drawn;
    leave();
    own.at = epoch;
    cross.setAttribute("x1", x.at(epoch));
    cross.setAttribute("x2", x.at(epoch));
    cross.setAttribute("visibility", "visible");
    const rows = series.map((s) => ({ ...s, p: s.points.find((p) => p.x === epoch) })).filter((s) => s.p);
    rows.sort((a, b) => b.p.mean - a.p.mean);
    for (const { p, colour, hollow } of rows.filter((r) => canStand(r.p.mean))) {
      svg.append(element("circle", { class: "dot", cx: x.at(epoch), cy: y.at(map(p.mean)), r: 4.5, stroke: hollow ? colour : "var(--card)", fill: hollow ? "var(--card)" : colour }));
    }
    const diverged = series.flatMap((s) => s.runs.filter((run) => run.status === "diverged").flatMap((run) => courseOf(run, metric).filter((c) => c.x === epoch).map((c) => ({ ...s, run, y: c.y }))));
    tip.replaceChildren(
      element("strong", {}, `epoch ${epoch}`, element("span", { class: "quiet" }, " mean ± standard error")),
      ...rows.map((s) => element("div", { "data-tip": s.activation, "data-value": s.p.mean }, swatch(s), element("span", {}, shortened(s.activation, 24)), element("b", {}, valueText(metric, s.p, s.runs.length)))),
      ...diverged.map((s) => element("div", { class: "quiet" }, swatch(s), element("span", {}, `${shortened(s.run.name, 28)} (diverged)`), element("b", {}, show(metric, s.y)))),
    );
    tip.hidden = false;
    const isRight = x.at(epoch) > width / 2;
    tip.style.left = isRight ? "" : `${x.at(epoch) + 14}px`;
    tip.style.right = isRight ? `${width - x.at(epoch) + 14}px` : "";
    tip.style.top = `${box.top + 6}px`;
  }

  function follow(event) {
    if (!drawn) return;
    const { left, width } = svg.getBoundingClientRect();
    const at = ((event.clientX - left) / width) * drawn.width;
    point(drawn.epochs.reduce((a, b) => (Math.abs(drawn.x.at(b) - at) < Math.abs(drawn.x.at(a) - at) ? b : a)));
  }
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointermove", follow);
  // A finger leaves when it is lifted; the values stay until another place is touched.
  svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave());
  document.addEventListener("pointerdown", (event) => svg.contains(event.target) || leave());
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    if (!drawn || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") leave();
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const { epochs } = drawn;
    const now = own.at === null ? (step < 0 ? epochs.length : -1) : epochs.indexOf(own.at);
    point(epochs[clamp(now + step, 0, epochs.length - 1)]);
    spoken.textContent = [...tip.children].map((line) => line.textContent).join("; ");
  });

  function numbers() {
    const metric = metricNow();
    const series = seriesOf(metric);
    const epochs = unique(series.flatMap((s) => s.points.map((p) => p.x))).sort((a, b) => a - b);
    const rows = epochs.map((epoch) => [String(epoch), ...series.map((s) => {
      const p = s.points.find((q) => q.x === epoch);
      return p ? { text: valueText(metric, p, s.runs.length), value: p.mean } : "–";
    })]);
    return [element("p", { class: "quiet" }, `${metric.name}: mean ± standard error over the seeds that came so far and have not diverged`), table(["epoch", ...series.map((s) => s.activation)], rows, { class: "numbers", "aria-label": metric.name })];
  }

  const figure = figureOf({
    title: "Learning curves",
    words: "Means over the seeds that came so far. Point at the chart, or use the arrow keys on it, for the values.",
    tools: [
      choice("Show", metrics.map((m) => [m.id, m.name]), own.metric, (value) => { own.metric = value; figure.draw(); }),
      choice("Band", BANDS, own.band, (value) => { own.band = value; figure.draw(); }),
      toggle("Logarithmic", own.log, (on) => { own.log = on; figure.draw(); }, { "data-toggle": "log" }),
    ],
    holder,
    told,
    numbers,
    draw,
  });
  return figure;
}
