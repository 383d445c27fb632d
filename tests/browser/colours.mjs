// What the report's page says of its colours of series: contrast, and distances as seen with any colour vision.

import assert from "node:assert/strict";

const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (a, b) => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};
const times = (matrix, v) => matrix.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0));

/// Linear RGB to the cones' answers and back, and what a missing kind of cone is replaced by:
/// Viénot, Brettel and Mollon, "Digital video colourmaps for checking the legibility of displays by dichromats" (1999).
const CONES = [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]];
const BACK = [[0.0809444479, -0.130504409, 0.116721066], [-0.0102485335, 0.0540193266, -0.113614708], [-0.000365296938, -0.00412161469, 0.693511405]];
const VISIONS = {
  usual: (rgb) => rgb,
  protanopia: (rgb) => seen(rgb, ([, m, s]) => [2.02344 * m - 2.52581 * s, m, s]),
  deuteranopia: (rgb) => seen(rgb, ([l, , s]) => [l, 0.494207 * l + 1.24827 * s, s]),
};
const seen = (rgb, replace) => times(BACK, replace(times(CONES, rgb))).map((c) => Math.min(1, Math.max(0, c)));

/// Björn Ottosson's OKLab, from linear RGB.
function oklab(rgb) {
  const cones = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], rgb).map(Math.cbrt);
  return times([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]], cones);
}

/// The page's colours of series have a contrast of 3 to the cards, and 0.12 between any two for every kind of vision. The ordered
/// colours of lines have that contrast, too, from the first to the last.
export async function hasSeparateColours(page) {
  const [card, ...series] = await page.evaluate(() => {
    const style = getComputedStyle(document.documentElement);
    return ["--card", ...[1, 2, 3, 4, 5, 6, 7, 8].map((i) => `--series-${i}`)].map((name) => style.getPropertyValue(name).trim());
  });
  const rgb = (hex) => {
    const full = hex.length === 4 ? hex.replace(/[\da-f]/gi, "$&$&") : hex;
    return [1, 3, 5].map((i) => linear(parseInt(full.slice(i, i + 2), 16) / 255));
  };
  for (const colour of series) assert.ok(contrast(rgb(colour), rgb(card)) >= 3, `${colour} on ${card}: ${contrast(rgb(colour), rgb(card)).toFixed(2)}`);
  const ordered = await page.evaluate(() => [0, 0.25, 0.5, 0.75, 1].map((t) => {
    const probe = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    probe.setAttribute("class", "course-key");
    probe.style.setProperty("--t", t);
    document.querySelector("svg.curves").append(probe);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(probe).fill;
    canvas.fillRect(0, 0, 1, 1);
    probe.remove();
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }));
  for (const colour of ordered) {
    const ratio = contrast(colour.map((c) => linear(c / 255)), rgb(card));
    assert.ok(ratio >= 3, `ordered colour ${colour}: ${ratio.toFixed(2)}`);
  }
  for (const [name, see] of Object.entries(VISIONS)) {
    series.forEach((a, i) => series.slice(0, i).forEach((b) => {
      const distance = Math.hypot(...oklab(see(rgb(a))).map((x, k) => x - oklab(see(rgb(b)))[k]));
      assert.ok(distance >= 0.12, `${a} and ${b} with ${name}: ${distance.toFixed(3)}`);
    }));
  }
}
