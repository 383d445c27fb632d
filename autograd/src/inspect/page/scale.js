// Quantities, their colours and how numbers are written.

const QUANTITIES = [
  { id: "gradient.variance", name: "Var[∂L/∂x]", of: "gradient variance" },
  { id: "gradient.second_moment", name: "E[(∂L/∂x)²]", of: "gradient second moment" },
  { id: "value.variance", name: "Var[x]", of: "value variance" },
  { id: "value.second_moment", name: "E[x²]", of: "value second moment" },
];

/// The statistic `id` of a node, such as `gradient.variance`; null if there is none.
function statistic(node, id) {
  const [side, field] = id.split(".");
  return node[side] ? node[side][field] : null;
}

/// The elements of a node that are NaN or infinite, in value and gradient.
const nonFinite = (node) => (node.value?.non_finite ?? 0) + (node.gradient?.non_finite ?? 0);

/// log₁₀ of a statistic, or null where it is absent, 0 or not finite.
function logStatistic(node, id) {
  const x = statistic(node, id);
  return typeof x === "number" && x > 0 ? Math.log10(x) : null;
}

function writtenBytes(n) {
  if (n < 1000) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let unit = -1;
  do {
    n /= 1000;
    unit += 1;
  } while (n >= 1000 && unit < units.length - 1);
  return `${n >= 100 ? n.toFixed(0) : n.toPrecision(3)} ${units[unit]}`;
}

const writtenShape = (shape) => (shape.length ? shape.join("×") : "scalar");
