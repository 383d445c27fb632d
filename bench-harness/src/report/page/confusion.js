// Which classes are taken for which, of one run's test images.

function confusionMatrix(group, styles, state) {
  const tested = runsOf(group).filter((run) => run.confusion);
  if (!tested.length) return null;
  const own = { run: tested[0].name, share: true };
  const holder = element("div", { class: "holder" });
  const told = tellingLine();
  const names = group.classes;
  const nameOf = (i) => names[i] ?? `class ${i}`;

  function draw() {
    // The choice offers the runs of the activations that are shown.
    const offered = tested.filter((run) => !state.hidden.has(run.activation));
    const select = runChoice.querySelector("select");
    select.replaceChildren(...offered.map((run) => element("option", { value: run.name }, run.name)));
    holder.replaceChildren();
    told.textContent = "";
    if (!offered.length) {
      holder.append(nothing("Every activation is switched off."));
      return;
    }
    const run = offered.find((r) => r.name === own.run) ?? offered[0];
    select.value = run.name;
    holder.append(matrix(run));
  }

  function matrix(run) {
    const { confusion } = run;
    const n = confusion.length;
    const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
    const value = (i, j) => (own.share ? (sums[i] ? confusion[i][j] / sums[i] : 0) : confusion[i][j]);
    let most = 1e-12;
    for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) if (i !== j) most = Math.max(most, value(i, j));
    const width = Math.max(300, holder.clientWidth || 700);
    const isNamed = n <= 30;
    const left = isNamed ? Math.min(130, width * 0.24) : 12;
    const side = Math.min(isNamed ? 44 : Math.max(3, 640 / n), (width - left - (isNamed ? 44 : 8)) / n);
    const top = isNamed ? 92 : 12;
    const svg = drawing("confusion", width, top + side * n + 6, `Confusion matrix of ${run.name}: rows are true classes, columns predictions. ${worst(confusion, sums)}`);
    const letters = Math.floor(left / 7.4);
    svg.append(element("rect", { class: "field", x: left, y: top, width: side * n, height: side * n }));
    svg.append(pictureOf(n, n, (j, i) => (i !== j && value(i, j) > 0 ? shade(0.08 + (0.92 * value(i, j)) / most).fill : null), { x: left, y: top, width: side * n, height: side * n }));
    for (let i = 0; i < n; i += 1) {
      svg.append(element("rect", { class: "right", x: left + side * i, y: top + side * i, width: side, height: side }));
      if (isNamed) {
        const at = left + side * (i + 0.5);
        svg.append(element("text", { class: "tick", x: left - 6, y: top + side * (i + 0.5) + 4, "text-anchor": "end" }, shortened(nameOf(i), letters)));
        svg.append(element("text", { class: "tick", x: at, y: top - 6, transform: `rotate(-48 ${at} ${top - 6})` }, shortened(nameOf(i), 14)));
      }
      if (side < 24) continue;
      for (let j = 0; j < n; j += 1) {
        const v = value(i, j);
        if (!(v > 0)) continue;
        const text = own.share ? (100 * v >= 9.95 ? (100 * v).toFixed(0) : (100 * v).toFixed(1)) : String(confusion[i][j]);
        const kind = i === j ? "" : shade(0.08 + (0.92 * v) / most).light ? "on-light" : "on-dark";
        svg.append(element("text", { class: `count ${kind}`, x: left + side * (j + 0.5), y: top + side * (i + 0.5) + 4, "text-anchor": "middle" }, text));
      }
    }
    const cursor = element("rect", { class: "cursor", width: side, height: side, visibility: "hidden" });
    svg.append(cursor);
    told.textContent = worst(confusion, sums);
    walkable(svg, {
      columns: n,
      rows: n,
      cellAt: (x, y) => (x >= left && y >= top && x < left + side * n && y < top + side * n ? [Math.floor((x - left) / side), Math.floor((y - top) / side)] : null),
      show: (j, i) => {
        cursor.setAttribute("x", left + side * j);
        cursor.setAttribute("y", top + side * i);
        cursor.setAttribute("visibility", "visible");
        const share = sums[i] ? `, ${fixed((100 * confusion[i][j]) / sums[i], 1)} %` : "";
        told.textContent = i === j ? `${nameOf(i)} recognized: ${confusion[i][j]} of ${sums[i]}${share}` : `${nameOf(i)} taken for ${nameOf(j)}: ${confusion[i][j]} of ${sums[i]}${share}`;
        Object.assign(told.dataset, { cell: `${i},${j}`, value: confusion[i][j] });
      },
      leave: () => cursor.setAttribute("visibility", "hidden"),
    });
    return svg;
  }

  /// The wrong answers for the images of a class, the most frequent first.
  const wrongOf = (row, i) => row.map((count, j) => ({ i, j, count })).filter((c) => c.j !== i && c.count > 0).sort((a, b) => b.count - a.count);

  function worst(confusion, sums) {
    const share = (c) => c.count / sums[c.i];
    const wrong = confusion.flatMap((row, i) => wrongOf(row, i).slice(0, 3)).sort((a, b) => share(b) - share(a));
    if (!wrong.length) return "No image is taken for another class.";
    return `Most often: ${wrong.slice(0, 3).map((c) => `${nameOf(c.i)} for ${nameOf(c.j)} (${fixed(100 * share(c), 1)} % of ${nameOf(c.i)})`).join(", ")}.`;
  }

  /// The whole matrix where it can be read; else what the images of each class were taken for.
  function numbers() {
    const run = tested.find((r) => r.name === runChoice.querySelector("select").value);
    if (!run) return [];
    const { confusion } = run;
    const sum = (row) => row.reduce((a, b) => a + b, 0);
    if (confusion.length <= 30) {
      const rows = confusion.map((row, i) => [nameOf(i), ...row.map((count) => ({ text: String(count), value: count }))]);
      return [table(["true class", ...confusion.map((_, j) => nameOf(j))], rows, { class: "numbers counts", "aria-label": `Confusion matrix of ${run.name}` })];
    }
    const rows = confusion.map((row, i) => [
      nameOf(i),
      { text: String(sum(row)), value: sum(row) },
      { text: String(row[i]), value: row[i] },
      { text: wrongOf(row, i).slice(0, 4).map((c) => `${nameOf(c.j)} ${c.count}`).join(", ") || "–", className: "text" },
    ]);
    return [table(["true class", "images", "right", "most often taken for"], rows, { class: "numbers counts", "aria-label": `Errors of ${run.name} by class` })];
  }

  const runChoice = choice("Run", tested.map((run) => [run.name, run.name]), own.run, (value) => { own.run = value; figure.draw(); });
  const figure = figureOf({
    title: "Confusion",
    words: "Rows: true classes; columns: what the network says of the test images after the last epoch. Colour: how often, among the errors; the diagonal is grey. Point at a cell, or use the arrow keys.",
    tools: [runChoice, toggle("Per cent of the true class", own.share, (on) => { own.share = on; figure.draw(); })],
    holder,
    told,
    numbers,
    draw,
  });
  return figure;
}
