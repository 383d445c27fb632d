// What the theories predict of every layer, beside what was measured.

const THEORIES = [
  { id: "predicted", name: "general form", words: "from the input's moments, the weights' mean squares and E[δ²] at the output, all samples pooled" },
  { id: "with_measured_ratios", name: "measured ratios", words: "the general form, but with ρ and ρ′ of every activation as measured" },
  { id: "per_sample", name: "per sample", words: "the general form for every sample (and position) by itself, averaged last" },
  { id: "per_unit", name: "per unit", words: "the same for every unit by itself, which residual sums keep apart" },
  { id: "two_state", name: "two-state", words: "the same, with the share of δ that returns along the activations" },
];

/// Every layer as a point: the prediction to the right, the measurement upwards; on the diagonal they are equal.
function predictedAndMeasured(group, styles, state) {
  const lookAt = (run, when) => run.layers.find((look) => look.when === when);
  const whens = [["start", "before training"], ["end", "after training"]].filter(([when]) => runsOf(group).some((run) => lookAt(run, when)));
  const activations = group.activations.filter((a) => runsWith(group, a).some((run) => whens.some(([when]) => lookAt(run, when))));
  if (!activations.length) return null;
  const own = { quantity: "weight_gradient", when: whens[0][0], theory: "predicted" };
  const holder = element("div", { class: "holder beside" });
  const told = tellingLine();
  const nameOf = () => QUANTITIES.find((q) => q.id === own.quantity).name;
  /// The theories that say something of this quantity: those of single samples go back only.
  const theories = () => THEORIES.filter((t) => marks().some((mark) => mark.predicted[t.id].kind !== "missing"));

  /// Every layer of the activations that are shown, pooled over the seeds that were looked at then.
  function marks() {
    return activations.filter((a) => !state.hidden.has(a)).flatMap((activation) => {
      const runs = averaged(runsWith(group, activation).filter((run) => lookAt(run, own.when)));
      const looks = runs.map((run) => rowsOf(lookAt(run, own.when)));
      const of = runsWith(group, activation).length;
      return unique(looks.flatMap((look) => [...look.keys()])).map((layer) => {
        const pool = (side) => pooled(looks.map((look) => look.get(layer)?.[side]?.[own.quantity] ?? null), of, true);
        return { activation, layer, measured: pool("measured"), predicted: Object.fromEntries(THEORIES.map((t) => [t.id, pool(t.id)])) };
      });
    });
  }
  const ratio = (mark, theory) => (mark.measured.kind === "fine" && mark.predicted[theory].kind === "fine" ? mark.measured.value / mark.predicted[theory].value : null);
  const miss = (all) => (all.length ? 10 ** median(all.map((r) => Math.abs(Math.log10(r)))) : null);

  function draw() {
    const all = marks();
    const known = theories();
    for (const option of theoryChoice.querySelectorAll("option")) option.disabled = !known.some((t) => t.id === option.value);
    if (!known.some((t) => t.id === own.theory)) own.theory = known[0]?.id ?? "predicted";
    theoryChoice.querySelector("select").value = own.theory;
    const shown = all.filter((mark) => ratio(mark, own.theory) !== null);
    holder.replaceChildren();
    told.textContent = "";
    if (!shown.length) {
      holder.append(nothing(all.length ? "No layer has a positive prediction and measurement." : "Every activation is switched off."));
      return;
    }
    holder.append(scatter(shown), summary(known, all));
    const left = all.length - shown.length;
    told.textContent = `Point at a mark, or use the arrow keys: left and right for the layer, up and down for the activation.${left ? ` ${counted(left, "layer")} without a positive value cannot stand on these axes.` : ""}`;
  }

  function scatter(shown) {
    const theory = THEORIES.find((t) => t.id === own.theory);
    const [least, most] = extent(shown.flatMap((d) => [d.predicted[own.theory].value, d.measured.value]));
    const [low, high] = [least / 1.4, most * 1.4];
    const width = clamp(holder.clientWidth || 600, 300, 560);
    const height = Math.min(width, 480);
    const box = { left: 70, right: width - 16, top: 30, bottom: height - 46 };
    const x = scaleOf({ low, high, from: box.left, to: box.right, log: true });
    const y = scaleOf({ low, high, from: box.bottom, to: box.top, log: true });
    if (width < 420 && x.ticks.length > 5) x.ticks = x.ticks.filter((_, i) => i % 2 === 0);
    const svg = drawing("scatter", width, height, `${nameOf()} of ${counted(shown.length, "layer")}, predicted (${theory.name}) and measured; the median factor between them is ${written(miss(shown.map((d) => ratio(d, own.theory))), 3)}.`);
    svg.style.width = `${width}px`;
    drawAxes(svg, x, y, box, `${nameOf()} predicted, ${theory.name}`, `${nameOf()} measured`);
    svg.append(element("line", { class: "diagonal", x1: x.at(low), y1: y.at(low), x2: x.at(high), y2: y.at(high) }));
    const place = (d) => [x.at(d.predicted[own.theory].value), y.at(d.measured.value)];
    for (const d of shown) {
      const { colour, hollow } = styles.get(d.activation);
      const [cx, cy] = place(d);
      svg.append(element("circle", { class: "point", cx: cx.toFixed(1), cy: cy.toFixed(1), r: 4.5, stroke: colour, fill: hollow ? "var(--card)" : colour }));
    }
    const ring = element("circle", { class: "ring", r: 8, visibility: "hidden" });
    svg.append(ring);
    const names = unique(shown.map((d) => d.activation));
    const rows = names.map((name) => shown.filter((d) => d.activation === name));
    walkable(svg, {
      columns: extent(rows.map((row) => row.length))[1],
      rows: rows.length,
      cellAt: (px, py) => {
        const far = (d) => Math.hypot(place(d)[0] - px, place(d)[1] - py);
        const best = shown.reduce((a, b) => (far(b) < far(a) ? b : a));
        const row = names.indexOf(best.activation);
        return far(best) < 24 ? [rows[row].indexOf(best), row] : null;
      },
      show: (column, row) => {
        const d = rows[row][Math.min(column, rows[row].length - 1)];
        const [cx, cy] = place(d);
        ring.setAttribute("cx", cx);
        ring.setAttribute("cy", cy);
        ring.setAttribute("visibility", "visible");
        told.textContent = `${d.activation}, ${d.layer}: predicted ${written(d.predicted[own.theory].value, 3)}, measured ${pooledText(d.measured)}, ${written(ratio(d, own.theory), 3)} times as much`;
        Object.assign(told.dataset, { activation: d.activation, layer: d.layer, predicted: d.predicted[own.theory].value, measured: d.measured.value });
      },
      leave: () => ring.setAttribute("visibility", "hidden"),
    });
    return svg;
  }

  /// How far each theory is off, by activation.
  function summary(known, all) {
    const names = unique(all.map((d) => d.activation));
    const rows = names.map((name) => [name, ...known.map((t) => {
      const value = miss(all.filter((d) => d.activation === name).map((d) => ratio(d, t.id)).filter(isNumber));
      return { text: value === null ? "–" : `× ${written(value, 3)}`, value, className: t.id === own.theory ? "chosen" : "" };
    })]);
    return element("div", { class: "aside" }, element("p", { class: "quiet" }, "Median factor between prediction and measurement of ", element("span", { class: "whole" }, nameOf()), " over the layers, by theory (1: they agree)"), table(["activation", ...known.map((t) => ({ text: t.name, title: t.words }))], rows, { class: "numbers theories", "aria-label": "Median factors by theory" }));
  }

  const numbers = () => {
    const known = theories();
    const cell = (pool) => ({ text: pooledText(pool), value: pool.value });
    return [table(["activation", "layer", `${nameOf()} measured`, ...known.map((t) => ({ text: t.name, title: t.words }))], marks().map((d) => [d.activation, { text: d.layer, className: "text" }, cell(d.measured), ...known.map((t) => ({ text: written(d.predicted[t.id].value, 3), value: d.predicted[t.id].value }))]), { class: "numbers marks", "aria-label": "Predicted and measured" })];
  };
  const theoryChoice = choice("Theory", THEORIES.map((t) => [t.id, t.name]), own.theory, (value) => { own.theory = value; figure.draw(); });
  const figure = figureOf({
    title: "Predicted and measured",
    words: "Geometric means over seeds; on the line prediction and measurement agree. Every theory starts from the measured E[δ²] of the output layer, and predicts the layers before it.",
    tools: [
      choice("Show", QUANTITIES.map((q) => [q.id, q.name]), own.quantity, (value) => { own.quantity = value; figure.draw(); }),
      theoryChoice,
      choice("When", whens, own.when, (value) => { own.when = value; figure.draw(); }),
    ],
    holder,
    told,
    extra: [element("details", {}, element("summary", {}, "What the theories are, and what they leave out"), element("ul", {}, ...THEORIES.map((t) => element("li", {}, element("b", {}, t.name), `: ${t.words}`))), REPORT.caveat ? element("p", { class: "quiet" }, REPORT.caveat.replace(/\s+/g, " ")) : null)],
    numbers,
    draw,
  });
  return figure;
}
