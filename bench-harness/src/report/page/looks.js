// Looks at the layers: what the seeds of an activation have in common at every step.

const QUANTITIES = [
  { id: "weight_gradient", name: "E[(∂L/∂w)²]" },
  { id: "delta", name: "E[δ²]" },
  { id: "variance_z", name: "Var[z]" },
];

/// A look's rows by layer; a name that comes again gets a number.
function byLayer(look) {
  const rows = new Map();
  for (const row of look.rows) {
    let name = row.layer;
    for (let n = 2; rows.has(name); n += 1) name = `${row.layer} (${n})`;
    rows.set(name, row);
  }
  return rows;
}
const indexed = new WeakMap();
function rowsOf(look) {
  if (!indexed.has(look)) indexed.set(look, byLayer(look));
  return indexed.get(look);
}

/// The names of all layers of these runs, in the order of the longest look.
function layersOf(runs) {
  const looks = runs.flatMap((run) => run.layers);
  const longest = looks.reduce((best, look) => (look.rows.length > (best?.rows.length ?? -1) ? look : best), null);
  return unique([...(longest ? rowsOf(longest).keys() : []), ...looks.flatMap((look) => [...rowsOf(look).keys()])]);
}

/// The seeds' values of one quantity at one layer and look in one: the mean of those that can be averaged (of logarithms: the
/// positive ones), and how many are zero, not finite, or missing. `of` is how many seeds there are.
function pooled(values, of, isGeometric) {
  const fine = values.filter((v) => isNumber(v) && (!isGeometric || v > 0));
  const zeros = isGeometric ? values.filter((v) => isNumber(v) && v <= 0).length : 0;
  const endless = values.filter((v) => typeof v === "string" || (typeof v === "number" && !Number.isFinite(v))).length;
  const value = fine.length ? (isGeometric ? 10 ** mean(fine.map(Math.log10)) : mean(fine)) : null;
  return { value, n: fine.length, of, zeros, endless, kind: fine.length ? "fine" : zeros ? "zero" : endless ? "endless" : "missing" };
}

/// A pooled value in words.
function pooledText({ value, n, of, zeros, endless, kind }, digits = 3) {
  const main = { fine: written(value, digits), zero: "zero", endless: "not finite", missing: "no value" }[kind];
  const aside = [zeros && kind !== "zero" ? `${zeros} zero` : "", endless && kind !== "endless" ? `${endless} not finite` : ""].filter(Boolean);
  const seeds = kind === "missing" ? "" : ` (${kind === "fine" ? n : zeros || endless} of ${counted(of, "seed")}${aside.length ? `, ${aside.join(", ")}` : ""})`;
  return main + seeds;
}

/// Layers and looks of an activation's runs: at each step, for every layer, what `read(row)` gives over the seeds. Steps that only some
/// of the runs that came so far were looked at (they are thinned differently) would compare different seeds, and are left out.
function looksOf(all, read, isGeometric = true) {
  const runs = averaged(all.filter((run) => run.layers.length));
  const names = layersOf(runs);
  const lines = runs.map((run) => new Map(run.layers.map((look) => [look.step, look])));
  const ends = lines.map((line) => extent(line.keys())[1]);
  const steps = unique(lines.flatMap((line) => [...line.keys()])).sort((a, b) => a - b);
  const shared = steps.filter((step) => lines.every((line, i) => line.has(step) || ends[i] < step));
  const looks = (shared.length > 1 ? shared : steps).map((step) => {
    const rows = lines.map((line) => line.get(step)).filter(Boolean).map(rowsOf);
    return { step, n: rows.length, of: runs.length, values: names.map((name) => pooled(rows.map((r) => r.get(name)).map((row) => (row ? read(row) : null)), runs.length, isGeometric)) };
  });
  return { names, looks };
}

/// From which look on fewer seeds are averaged, in words; a mean may jump there.
function fewerFrom(looks) {
  const at = looks.find((look) => look.n < look.of);
  return at ? `from step ${at.step.toLocaleString("en")} on ${at.n} of ${counted(at.of, "seed")}` : "";
}

/// At most `most` of these, evenly spread, the first and the last among them.
function spread(items, most) {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]);
}

/// A table of layers by looks.
function looksTable(activation, { names, looks }, digits) {
  const some = spread(looks, 8);
  const note = some.length < looks.length ? `${activation}: ${some.length} of ${looks.length} looks; the arrow keys on the figure lead to each.` : activation;
  const rows = names.map((layer, i) => [layer, ...some.map((look) => {
    const pool = look.values[i];
    const text = pool.kind === "fine" ? written(pool.value, digits) : pooledText(pool, digits);
    return { text: pool.kind === "fine" && pool.n < pool.of ? `${text} (${pool.n})` : text, value: pool.value, title: pooledText(pool, digits) };
  })]);
  return [element("p", { class: "quiet" }, note), table(["layer", ...some.map((look) => `step ${look.step.toLocaleString("en")}`)], rows, { class: "numbers", "aria-label": activation })];
}

const thinnedWords = () => (REPORT.looks_thinned ? ["Of long runs at most 200 looks are on this page; the records hold all."] : []);
