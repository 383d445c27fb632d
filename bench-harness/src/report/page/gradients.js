// Gradient variance by layer and step as colour.

/// Layers from top to bottom, steps from left to right, the logarithm as colour.
function gradientMap(group, styles, state) {
  const activations = group.activations.filter((a) => runsWith(group, a).some((run) => run.layers.length > 1));
  if (!activations.length) return null;
  const own = { quantity: "weight_gradient", common: true };
  const holder = element("div", { class: "holder maps" });
  const told = tellingLine();
  const nameOf = () => QUANTITIES.find((q) => q.id === own.quantity).name;
  const maps = () => activations.filter((a) => !state.hidden.has(a)).map((activation) => ({ activation, ...looksOf(runsWith(group, activation), (row) => row.measured[own.quantity]) }));
  const logs = (map) => map.looks.flatMap((l) => l.values.filter((v) => v.kind === "fine").map((v) => Math.log10(v.value)));

  function draw() {
    const shown = maps();
    told.textContent = "Point at a cell, or use the arrow keys on a map.";
    holder.replaceChildren();
    if (!shown.length) holder.append(nothing("Every activation is switched off."));
    const all = extent(shown.flatMap(logs));
    const wide = holder.clientWidth || 900;
    const width = wide > 760 && shown.length > 1 ? (wide - 18) / 2 : wide;
    for (const map of shown) {
      const [low, high] = own.common ? all : extent(logs(map));
      if (!(low <= high)) holder.append(nothing(`${map.activation}: no positive value.`));
      else holder.append(oneMap(map, width, low, Math.max(high, low + 0.5)));
    }
  }

  /// Over how many decades a look's layers go.
  const decades = (look) => {
    const [low, high] = extent(look.values.filter((v) => v.kind === "fine").map((v) => Math.log10(v.value)));
    return high >= low ? fixed(high - low, 1) : "–";
  };

  function oneMap({ activation, names, looks }, width, low, high) {
    const narrow = width < 420;
    const letters = narrow ? 12 : 20;
    const left = clamp(7 * Math.min(letters, extent(names.map((name) => name.length))[1]) + 12, 66, 150);
    const [top, row] = [26, clamp(380 / names.length, 7, 18)];
    const bottom = top + row * names.length;
    const right = width - 6;
    const cell = (right - left) / looks.length;
    const [first, last] = [looks[0], looks[looks.length - 1]];
    const special = (kind) => looks.flatMap((look, i) => look.values.flatMap((v, j) => (v.kind === kind ? [[left + cell * (i + 0.5), top + row * (j + 0.5)]] : [])));
    const [zeros, endless] = [special("zero"), special("endless")];
    const without = [zeros.length ? `○ ${counted(zeros.length, "cell")} of zero` : "", endless.length ? `× ${counted(endless.length, "cell")} not finite` : "", fewerFrom(looks)].filter(Boolean).join(", ");
    const label = `${activation}: ${nameOf()} by layer over training. Over the layers it spans ${decades(first)} decades at step ${first.step} and ${decades(last)} at step ${last.step}. ${without}`;
    const svg = drawing("map", width, bottom + (without ? 58 : 42), label);
    svg.append(element("text", { class: "label strong", x: left, y: 15 }, shortened(activation, narrow ? 12 : 22)));
    svg.append(element("text", { class: "tick", x: right, y: 15, "text-anchor": "end" }, `spans ${decades(first)} → ${decades(last)} decades`));
    const every = Math.ceil(13 / row);
    names.forEach((layer, j) => {
      const text = layer.length > letters ? `…${layer.slice(1 - letters)}` : layer;
      if (j % every === 0) svg.append(element("text", { class: "tick", x: left - 6, y: top + row * (j + 0.5) + 4, "text-anchor": "end" }, text));
    });
    svg.append(element("rect", { class: "blank", x: left, y: top, width: right - left, height: bottom - top }));
    const colourOf = (i, j) => {
      const { kind, value } = looks[i].values[j];
      return kind === "fine" ? shade((Math.log10(value) - low) / (high - low)).fill : null;
    };
    svg.append(pictureOf(looks.length, names.length, colourOf, { x: left, y: top, width: right - left, height: bottom - top }));
    const r = clamp(Math.min(cell, row) * 0.28, 1, 4);
    svg.append(element("path", { class: "special", d: endless.map(([x, y]) => `M${x - r},${y - r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`).join("") }));
    svg.append(element("path", { class: "special", d: zeros.map(([x, y]) => `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0`).join("") }));
    const marks = looks.length > 1 ? unique([0, ...(width > 300 && looks.length > 4 ? [Math.floor(looks.length / 2)] : []), looks.length - 1]) : [0];
    for (const i of marks) svg.append(element("text", { class: "tick", x: i === 0 ? left : i === looks.length - 1 ? right : left + cell * (i + 0.5), y: bottom + 15, "text-anchor": i === 0 ? "start" : i === looks.length - 1 ? "end" : "middle" }, `step ${looks[i].step.toLocaleString("en")}`));
    svg.append(pictureOf(64, 1, (i) => shade(i / 63).fill, { x: left, y: bottom + 25, width: 120, height: 9 }));
    svg.append(element("text", { class: "tick", x: left - 6, y: bottom + 33, "text-anchor": "end" }, written(10 ** low, 2)));
    svg.append(element("text", { class: "tick", x: left + 126, y: bottom + 33 }, written(10 ** high, 2)));
    if (without) svg.append(element("text", { class: "tick", x: left, y: bottom + 52 }, without));
    const cursor = element("rect", { class: "cursor", width: Math.max(cell, 3), height: row, visibility: "hidden" });
    svg.append(cursor);
    walkable(svg, {
      columns: looks.length,
      rows: names.length,
      cellAt: (x, y) => (x >= left && x < right && y >= top && y < bottom ? [Math.min(looks.length - 1, Math.floor((x - left) / cell)), Math.min(names.length - 1, Math.floor((y - top) / row))] : null),
      show: (i, j) => {
        const pool = looks[i].values[j];
        cursor.setAttribute("x", left + cell * (i + 0.5) - Math.max(cell, 3) / 2);
        cursor.setAttribute("y", top + row * j);
        cursor.setAttribute("visibility", "visible");
        told.textContent = `${activation}, ${names[j]}, step ${looks[i].step.toLocaleString("en")}: ${nameOf()} = ${pooledText(pool)}`;
        Object.assign(told.dataset, { activation, layer: names[j], step: looks[i].step, value: JSON.stringify(pool.value), n: pool.n });
      },
      leave: () => cursor.setAttribute("visibility", "hidden"),
    });
    return svg;
  }

  const figure = figureOf({
    title: "Gradients by layer and step",
    words: ["Geometric means over seeds (a seed that diverged counts only where there is no other); equal steps of colour are equal factors. Columns of one colour are steps at which all layers have equal variance.", ...thinnedWords()],
    tools: [
      choice("Show", QUANTITIES.map((q) => [q.id, q.name]), own.quantity, (value) => { own.quantity = value; figure.draw(); }),
      toggle("One colour scale for all", own.common, (on) => { own.common = on; figure.draw(); }),
    ],
    holder,
    told,
    numbers: () => maps().flatMap((map) => looksTable(`${map.activation}: ${nameOf()}`, map, 3)),
    draw,
  });
  return figure;
}
