// What the page shows: an object of format anact-report/2, and what is the same for all of its parts.

"use strict";
const REPORT = JSON.parse(document.getElementById("report").textContent);

/// The runs of a group, in the order of its activations and their seeds.
const runsOf = (group) => group.runs.map((index) => REPORT.runs[index]);
const runsWith = (group, activation) => runsOf(group).filter((run) => run.activation === activation);

/// Runs whose numbers are averaged: a diverged one counts only where no other is left, and is said and drawn by itself.
function averaged(runs) {
  const sound = runs.filter((run) => run.status !== "diverged");
  return sound.length ? sound : runs;
}

/// The style sheet's colours of series, for light and for dark surroundings. All have a contrast of 3 to the cards, and any two
/// differ by at least 0.12 in OKLab, also as simulated for protanopia and deuteranopia; tests/browser/report.mjs computes both.
/// Dashes, hollow marks and names at the lines' ends tell the same without colour.
const COLOURS = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `var(--series-${i})`);

/// Colour, dashes and form of marks of every activation of a group. A normalized activation and its plain twin have one colour;
/// the plain one is dashed and hollow. From the ninth colour on they come again, with dots for lines.
function stylesOf(group) {
  const plainOf = (activation) => group.twins?.[activation] ?? null;
  const families = [...new Set(group.activations.map((a) => plainOf(a) ?? a))];
  const styles = new Map();
  for (const activation of group.activations) {
    const family = families.indexOf(plainOf(activation) ?? activation);
    const isPlain = group.activations.some((a) => plainOf(a) === activation);
    const isAgain = family >= COLOURS.length;
    styles.set(activation, {
      colour: COLOURS[family % COLOURS.length],
      dash: isPlain ? (isAgain ? "7 3 1.5 3" : "6 4") : isAgain ? "1.5 3.5" : "none",
      hollow: isPlain,
    });
  }
  return styles;
}

const isNumber = (x) => typeof x === "number" && Number.isFinite(x);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/// Standard error of the mean; null of fewer than two values.
function standardError(values) {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1) / values.length);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/// Least and largest of any number of values, as spreading them over Math.min's arguments is limited.
function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

const unique = (values) => [...new Set(values)];
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
