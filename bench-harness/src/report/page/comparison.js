// What the runs of a group say in tables: activations beside each other, and every run by itself.

/// A comparison of a group: a row for each activation, with its difference from another one, paired by seed.
function comparison(group) {
  if (!group.comparisons.length) return element("section", { class: "card" }, element("h3", {}, "Comparison"), nothing("No run has a result yet."), remarksOf(group));
  const own = { metric: 0 };
  const holder = element("div");
  const caption = element("p");
  function draw() {
    const { title, unit, decimals, rows } = group.comparisons[own.metric];
    const points = unit.includes("%") ? "points" : unit.trim();
    const interval = (pair) => (pair ? { text: `${signed(pair[0], decimals)} to ${signed(pair[1], decimals)}`, value: JSON.stringify(pair) } : "–");
    const seedsOf = ({ summary, diverged, unfinished, without_value: without }) => {
      const more = [diverged && `${diverged} diverged`, unfinished && `${unfinished} unfinished`, without && `${without} without value`].filter(Boolean);
      return { text: [String(summary?.n ?? 0), ...more.map((m) => `+\u00a0${m.replaceAll(" ", "\u00a0")}`)].join(" "), value: summary?.n ?? 0, className: "wrap" };
    };
    const pairsOf = (row) => {
      const { summary, against, only_this: here, only_other: there } = row.difference;
      const more = [here && `+ ${here} only ${row.activation}`, there && `+ ${there} only ${against}`].filter(Boolean);
      return { text: [String(summary?.n ?? 0), ...more.map((m) => m.replaceAll(" ", "\u00a0"))].join(" "), value: summary?.n ?? 0, className: "wrap", title: more.length ? "seeds with a value of one of the two only: no part of the difference" : null };
    };
    const differenceOf = (row) => {
      const d = row.difference;
      if (!d) return ["", "", "", "", "", ""];
      const isSure = d.verdict !== "open";
      return [
        d.summary ? { text: `${signed(d.summary.mean, decimals)} vs ${d.against}`, value: d.summary.mean, className: isSure ? "sure" : "" } : `no seed in common with ${d.against}`,
        pairsOf(row),
        interval(d.summary?.t_interval),
        interval(d.bootstrap_interval),
        d.summary ? `${d.wins} / ${d.ties} / ${d.losses}` : "–",
        { text: d.verdict, value: JSON.stringify(d.verdict), className: isSure ? "sure" : "quiet" },
      ];
    };
    const cells = rows.map((row) => [
      row.activation,
      seedsOf(row),
      { text: fixed(row.summary?.mean, decimals), value: row.summary?.mean },
      { text: fixed(row.summary?.standard_error, decimals), value: row.summary?.standard_error },
      ...differenceOf(row),
    ]);
    const head = [
      "activation",
      { text: "seeds", title: "runs with a value, and those without" },
      { text: `${title}${unit.trim() ? ` (${unit.trim()})` : ""}`, title: "mean over seeds" },
      { text: "±\u00a0s.e.", title: "standard error of the mean" },
      { text: `paired difference${points ? ` (${points})` : ""}`, title: "mean over the seeds that both have" },
      { text: "pairs", title: "seeds that both have" },
      { text: "95 %, t", title: "Student's interval of the paired difference" },
      { text: "95 %, bootstrap", title: "percentile interval over resampled seeds; of few seeds it is too narrow" },
      { text: "won / tied / lost", title: "seeds" },
      { text: "verdict", title: "by the t interval" },
    ];
    caption.textContent = "Differences are paired by seed. Better or worse: the t interval leaves out 0. Open: it holds 0, there is none, or the one ahead diverged where the other finished.";
    holder.replaceChildren(table(head, cells, { class: "numbers comparison", "aria-label": `Comparison by ${title}` }));
  }
  guarded(draw, holder);
  const tools = group.comparisons.length > 1 ? element("div", { class: "tools" }, choice("Compare by", group.comparisons.map((c, i) => [String(i), c.title]), "0", (value) => { own.metric = Number(value); guarded(draw, holder); })) : null;
  return element("section", { class: "card" }, element("h3", {}, "Comparison"), caption, tools, holder, remarksOf(group));
}

/// What has to be known of the data.
function remarksOf(group) {
  if (!group.remarks?.length) return null;
  return element("ul", { class: "remarks", "aria-label": "Remarks" }, ...group.remarks.map((text) => element("li", {}, prose(text))));
}

/// Buttons that switch activations on and off in the figures of a group.
function legend(group, styles, state, redraw) {
  const buttons = group.activations.map((activation) => {
    const button = toggle(activation, true, (on) => {
      if (on) state.hidden.delete(activation);
      else state.hidden.add(activation);
      redraw();
    }, { "data-activation": activation, title: "Show or hide in the figures below" });
    button.prepend(swatch(styles.get(activation)));
    return button;
  });
  return element("div", { class: "legend", role: "group", "aria-label": "Activations in the figures" }, ...buttons);
}

/// Every run with its test, what it was made with, and how to make it again.
function settingsAndRuns(group) {
  const rows = runsOf(group).map((run) => [
    run.name,
    { text: String(run.seed), value: run.seed },
    { text: run.status, className: run.status === "finished" ? "quiet" : "sure" },
    { text: isNumber(run.test?.accuracy) ? `${fixed(100 * run.test.accuracy, 2)} %` : "–", value: run.test?.accuracy },
    { text: isNumber(run.test?.top5) ? `${fixed(100 * run.test.top5, 2)} %` : "–", value: run.test?.top5 },
    { text: written(run.test?.loss), value: run.test?.loss },
    run.best ? { text: `${fixed(100 * run.best.accuracy, 2)} % (epoch ${run.best.epoch})`, value: run.best.accuracy } : "–",
    { text: (run.weights_sha256 ?? "–").slice(0, 12), title: run.weights_sha256 ?? "" },
  ]);
  const runs = table(["run", "seed", "status", "test accuracy", "top 5", "test loss", "best validation", { text: "weights", title: "SHA-256" }], rows, { class: "numbers runs", "aria-label": "Runs" });
  const commands = element("pre", { tabindex: "0", role: "group", "aria-label": "Commands" }, runsOf(group).map((run) => run.command).join("\n"));
  const copy = element("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(commands.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(commands);
      copy.textContent = "Selected";
    }
  });
  const pairs = (all, label) => table(["name", "value"], all.map(([name, value]) => [name, value]), { class: "settings", "aria-label": label });
  return element(
    "section",
    { class: "card" },
    element("h3", {}, "Runs"),
    runs,
    element("details", {}, element("summary", {}, "Settings that all of these runs share"), pairs(group.settings, "Settings")),
    element("details", {}, element("summary", {}, "Commands that repeat the runs"), copy, commands),
    element("details", {}, element("summary", {}, "Versions and data"), pairs(group.versions, "Versions and data")),
  );
}
