// The factor κ of every normalized layer in the course of training.

function factorCourses(group, styles, state) {
  const moves = (run) => run.layers.length > 1 && run.layers.some((look) => look.rows.some((r) => isNumber(r.measured.kappa) && r.measured.kappa !== 1));
  const activations = group.activations.filter((a) => runsWith(group, a).some(moves));
  if (!activations.length) return null;
  const holder = element("div", { class: "holder maps" });
  const told = tellingLine();
  const courses = () => activations.filter((a) => !state.hidden.has(a)).map((activation) => {
    const { names, looks } = looksOf(runsWith(group, activation), (row) => row.measured.kappa, false);
    // A layer without an activation has the factor 1 throughout.
    const has = names.map((_, i) => looks.some((look) => isNumber(look.values[i].value) && look.values[i].value !== 1));
    return { activation, names: names.filter((_, i) => has[i]), looks: looks.map((look) => ({ ...look, values: look.values.filter((_, i) => has[i]) })) };
  });

  function draw() {
    const shown = courses();
    told.textContent = "Point at a line, or use the arrow keys on a chart: left and right for the step, up and down for the layer.";
    holder.replaceChildren();
    if (!shown.length) holder.append(nothing("Every normalized activation is switched off."));
    const range = extent(shown.flatMap((c) => c.looks.flatMap((l) => l.values.map((v) => v.value).filter(isNumber))));
    const wide = holder.clientWidth || 900;
    for (const course of shown) holder.append(oneChart(course, wide > 760 && shown.length > 1 ? (wide - 18) / 2 : wide, withRoom(range, 0.08)));
  }

  function oneChart({ activation, names, looks }, width, [low, high]) {
    const height = 290;
    const isNamed = width > 400 && names.length > 1;
    const box = { left: 48, right: width - (isNamed ? 116 : 12), top: 46, bottom: height - 46 };
    const [from, to] = extent(looks.map((l) => l.step));
    const x = scaleOf({ low: from, high: to, from: box.left + 6, to: box.right - 6, count: clamp((box.right - box.left) / 90, 2, 8), whole: true });
    const y = scaleOf({ low, high, from: box.bottom, to: box.top, count: 5 });
    const values = looks.flatMap((l) => l.values.map((v) => v.value).filter(isNumber));
    const svg = drawing("courses", width, height, `${activation}: the factor of ${counted(names.length, "layer")} over training, from ${written(extent(values)[0], 3)} to ${written(extent(values)[1], 3)}.`);
    svg.append(element("text", { class: "label strong", x: 12, y: 15 }, shortened(activation, 20)));
    if (fewerFrom(looks)) svg.append(element("text", { class: "tick", x: box.right, y: 15, "text-anchor": "end" }, fewerFrom(looks)));
    drawAxes(svg, x, y, box, "step", "κ = λ + 0.3·tanh α");
    const place = (i, j) => (isNumber(looks[i].values[j].value) ? [x.at(looks[i].step), y.at(looks[i].values[j].value)] : null);
    const lines = names.map((layer, j) => {
      const points = looks.map((_, i) => place(i, j));
      const line = element("path", { class: "course", "data-layer": layer, d: pathOf(points) });
      line.style.setProperty("--t", names.length > 1 ? j / (names.length - 1) : 0);
      svg.append(line);
      if (looks.length < 12) for (const point of points.filter(Boolean)) {
        const dot = element("circle", { class: "course-dot", cx: point[0], cy: point[1], r: 2.6 });
        dot.style.setProperty("--t", names.length > 1 ? j / (names.length - 1) : 0);
        svg.append(dot);
      }
      return line;
    });
    if (isNamed) {
      const tail = (name) => (name.length > 14 ? `…${name.slice(-13)}` : name);
      // The colours' key: which end is which.
      const key = [box.right + 14, box.top + 6, box.bottom - box.top - 12];
      for (let k = 0; k < 24; k += 1) {
        const part = element("rect", { class: "course-key", x: key[0], y: key[1] + (key[2] * k) / 24, width: 9, height: key[2] / 24 + 0.5 });
        part.style.setProperty("--t", k / 23);
        svg.append(part);
      }
      svg.append(element("text", { class: "tick", x: key[0] + 14, y: key[1] + 9 }, tail(names[0])));
      svg.append(element("text", { class: "tick", x: key[0] + 14, y: key[1] + key[2] }, tail(names[names.length - 1])));
    }
    const dot = element("circle", { class: "at", r: 4, visibility: "hidden" });
    svg.append(dot);
    const leave = () => {
      dot.setAttribute("visibility", "hidden");
      lines.forEach((line) => line.classList.remove("on"));
    };
    walkable(svg, {
      columns: looks.length,
      rows: names.length,
      cellAt: (px, py) => {
        if (px < box.left || px > box.right || py < box.top - 8 || py > box.bottom) return null;
        const far = (i) => Math.abs(x.at(looks[i].step) - px);
        const i = looks.reduce((best, _, k) => (far(k) < far(best) ? k : best), 0);
        const off = (j) => (place(i, j) ? Math.abs(place(i, j)[1] - py) : Infinity);
        return [i, names.reduce((best, _, k) => (off(k) < off(best) ? k : best), 0)];
      },
      show: (i, j) => {
        leave();
        lines[j].classList.add("on");
        const at = place(i, j);
        if (at) {
          dot.setAttribute("cx", at[0]);
          dot.setAttribute("cy", at[1]);
          dot.setAttribute("visibility", "visible");
        }
        const pool = looks[i].values[j];
        told.textContent = `${activation}, ${names[j]}, step ${looks[i].step.toLocaleString("en")}: κ = ${pooledText(pool, 5)}`;
        Object.assign(told.dataset, { activation, layer: names[j], step: looks[i].step, value: JSON.stringify(pool.value), n: pool.n });
      },
      leave,
    });
    return svg;
  }

  return figureOf({
    title: "The factor in training",
    words: ["One line for each normalized layer, from the first to the last by colour: arithmetic means over seeds (one that diverged counts only where there is no other).", ...thinnedWords()],
    holder,
    told,
    numbers: () => courses().flatMap((course) => looksTable(`${course.activation}: κ`, course, 5)),
    draw,
  });
}
