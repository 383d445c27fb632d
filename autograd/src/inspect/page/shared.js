// What every page of the project uses: numbers as text, an ordered colour scale, elements.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const superscript = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => SUPERSCRIPTS[d]);

/// A number for reading: so many significant digits.
function written(x, digits = 4) {
  if (x === null || x === undefined) return "–";
  if (typeof x === "string") return x.replace("inf", "∞").replace("-", "−");
  if (x === 0) return "0";
  if (Number.isInteger(x) && Math.abs(x) < 1e7) return x.toLocaleString("en").replace("-", "−");
  const size = Math.abs(x);
  if (size >= 1e-3 && size < 1e5) return String(Number(x.toPrecision(digits))).replace("-", "−");
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  return `${mantissa.replace("-", "−")}·10${superscript(Number(exponent))}`;
}

/// Blue over green to yellow with evenly rising lightness, so that it is ordered for colour-blind readers and in grey, too.
function shade(t) {
  const lightness = 0.36 + 0.56 * t;
  return { fill: `oklch(${lightness.toFixed(3)} ${(0.1 + 0.05 * t).toFixed(3)} ${(280 - 178 * t).toFixed(1)})`, light: lightness > 0.57 };
}

const SVG_NAMES = new Set(["svg", "g", "rect", "circle", "path", "line", "text", "title", "polyline", "polygon"]);

/// An element with attributes, text and children. Text never becomes markup.
function element(name, attributes = {}, ...children) {
  const made = SVG_NAMES.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
