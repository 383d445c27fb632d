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

/// Blue over green to yellow with evenly rising lightness, so that it is ordered for colour-blind readers and in grey, too.
function shade(t) {
  const lightness = 0.36 + 0.56 * t;
  return { fill: `oklch(${lightness.toFixed(3)} ${(0.1 + 0.05 * t).toFixed(3)} ${(280 - 178 * t).toFixed(1)})`, light: lightness > 0.57 };
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => SUPERSCRIPTS[d]);

/// A number for reading: four significant digits.
function written(x) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "string") return x.replace("inf", "∞").replace("-", "−");
  if (x === 0) return "0";
  if (Number.isInteger(x) && Math.abs(x) < 1e7) return x.toLocaleString("en").replace("-", "−");
  const size = Math.abs(x);
  if (size >= 1e-3 && size < 1e5) return String(Number(x.toPrecision(4))).replace("-", "−");
  const [digits, exponent] = x.toExponential(3).split("e");
  return `${digits.replace("-", "−")}·10${superscript(Number(exponent))}`;
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

/// An element with attributes, text and children. Text never becomes markup.
function element(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "circle", "path", "line", "text", "title", "polyline"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
