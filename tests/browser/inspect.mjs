// Opens a page of `anact inspect --html` in headless Chromium and holds it to the data that it carries.
//
//     node inspect.mjs PAGE.html FOLDER      writes screenshots to FOLDER
//
// CHROMIUM names the browser's program [default: /usr/bin/chromium].

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { opened } from "./page.mjs";

const [file, folder] = process.argv.slice(2);
if (!file || !folder) {
  console.error("usage: node inspect.mjs PAGE.html FOLDER");
  process.exit(2);
}
const html = readFileSync(file, "utf8");
const tape = JSON.parse(/<script type="application\/json" id="tape">([\s\S]*?)<\/script>/.exec(html)[1]);
const { test, shot, close } = await opened(file, folder);

const transform = (page) => page.$eval("#view", (view) => view.getAttribute("transform"));
const field = (page, name) => page.$eval(`#panel [data-field="${name}"]`, (e) => e.textContent);
/// A node to look at: with a gradient that varies, in the middle of the tape.
const interesting = tape.nodes.filter((n) => n.kind === "op" && n.gradient && n.gradient.variance > 0);
const some = interesting[Math.floor(interesting.length / 2)] ?? tape.nodes[tape.nodes.length - 1];

async function holdPanelTo(page, node) {
  assert.equal(await field(page, "path"), node.path);
  const sides = ["value", "gradient"].filter((side) => node[side]);
  for (const side of sides) {
    for (const name of ["count", "mean", "variance", "second_moment", "min", "max", "zeros", "non_finite", "denormals"]) {
      const shown = await page.$eval(`#panel [data-field="${side}.${name}"]`, (e) => e.dataset.value);
      assert.deepEqual(JSON.parse(shown), node[side][name], `${node.path} ${side}.${name}`);
    }
    const bars = await page.$$eval(`#panel [data-histogram="${side}"] .bar`, (all) => all.map((b) => [Number(b.dataset.bin), Number(b.dataset.count)]));
    assert.deepEqual(bars, node[side].histogram);
  }
  const links = await page.$$eval("#panel [data-link]", (all) => all.map((a) => Number(a.dataset.link)));
  const consumers = tape.nodes.filter((n) => n.inputs.includes(node.index)).map((n) => n.index);
  assert.deepEqual(links, [...node.inputs, ...consumers]);
}

await test("every node is drawn once, in both layouts", {}, async (page) => {
  const all = tape.nodes.map((n) => n.index);
  for (const columns of [true, false]) {
    const drawn = await page.$$eval("[data-node]", (nodes) => nodes.map((n) => Number(n.dataset.node)));
    assert.deepEqual(drawn, all, `columns: ${columns}`);
    if (columns) await page.click("#fold");
  }
  assert.equal(await page.textContent('[data-total="nodes"] dd'), tape.nodes.length.toLocaleString("en"));
  assert.equal(await page.textContent("#title"), tape.title);
});

await test("lines run through no node", {}, async (page) => {
  for (const columns of [true, false]) {
    const crossings = await page.evaluate(() => {
      const boxes = [...document.querySelectorAll("[data-node]")].map((g) => {
        const [x, y] = /translate\((\S+) (\S+)\)/.exec(g.getAttribute("transform")).slice(1).map(Number);
        const rect = g.querySelector("rect");
        return rect && { id: g.dataset.node, x, y, w: rect.width.baseVal.value / 2 - 1, h: rect.height.baseVal.value / 2 - 1 };
      }).filter(Boolean);
      const found = [];
      for (const line of document.querySelectorAll("[data-edge]")) {
        const length = line.getTotalLength();
        for (let s = 0; s <= length; s += 4) {
          const p = line.getPointAtLength(s);
          const hit = boxes.find((b) => Math.abs(p.x - b.x) < b.w && Math.abs(p.y - b.y) < b.h);
          if (hit) found.push(`${line.dataset.edge} through ${hit.id}`);
        }
      }
      return found;
    });
    assert.deepEqual(crossings, []);
    if (columns) await page.click("#fold");
  }
});

await test("a click shows the node with the numbers of the JSON", {}, async (page) => {
  await page.click(`[data-node="${some.index}"] .shape`);
  await holdPanelTo(page, some);
  assert.equal(await page.$eval(".node.selected", (n) => Number(n.dataset.node)), some.index);
  await shot(page, "desktop.png");
  const parameter = tape.nodes.find((n) => n.kind === "parameter");
  if (parameter) {
    await page.click(`[data-node="${parameter.index}"] .shape`);
    await holdPanelTo(page, parameter);
    await shot(page, "parameter.png");
  }
  // Links lead on, and the address keeps the choice.
  const link = await page.$eval("#panel [data-link]", (a) => Number(a.dataset.link));
  await page.click("#panel [data-link]");
  await page.waitForFunction((path) => document.querySelector('#panel [data-field="path"]').textContent === path, tape.nodes[link].path);
  assert.ok(page.url().endsWith(`#/${link}`), page.url());
});

await test("a fork shows what each of its uses sent back", {}, async (page) => {
  const uses = (i) => tape.nodes.filter((n) => n.inputs.includes(i) && (n.contributions ?? []).some(Boolean));
  const fork = tape.nodes.find((n) => n.kind === "op" && uses(n.index).length > 1);
  if (!fork) return;
  await page.click(`[data-node="${fork.index}"] .shape`);
  const text = await page.$eval("#panel", (p) => p.textContent);
  assert.equal(text.match(/sent back Var/g).length, uses(fork.index).length + fork.contributions.filter(Boolean).length);
});

await test("the keyboard moves, chooses and zooms", {}, async (page) => {
  const focused = () => page.evaluate(() => Number(document.activeElement.dataset.node));
  await page.focus(`[data-node="${some.index}"]`);
  await page.keyboard.press("Tab");
  if (some.index + 1 < tape.nodes.length) assert.equal(await focused(), some.index + 1);
  await page.focus(`[data-node="${some.index}"]`);
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), some.inputs[0]);
  await page.keyboard.press("ArrowDown");
  const consumer = tape.nodes.find((n) => n.inputs.includes(some.inputs[0])).index;
  assert.equal(await focused(), consumer);
  const outline = await page.$eval(`[data-node="${consumer}"] .shape`, (s) => getComputedStyle(s).strokeWidth);
  assert.equal(outline, "3px", "focus is visible");
  await page.keyboard.press("Enter");
  await holdPanelTo(page, tape.nodes[consumer]);
  const before = await transform(page);
  await page.keyboard.press("+");
  const after = await transform(page);
  assert.notEqual(after, before);
  await page.keyboard.press("-");
  await page.keyboard.press("0");
  assert.notEqual(await transform(page), after);
  await page.keyboard.press("Escape");
  assert.equal(await page.$(".node.selected"), null);
});

await test("search filters by path", {}, async (page) => {
  const matches = () => page.$$eval('[data-match="true"]', (nodes) => nodes.map((n) => n.dataset.path));
  await page.keyboard.press("/");
  await page.keyboard.type(some.path.toUpperCase());
  const wanted = tape.nodes.filter((n) => n.path.toLowerCase().includes(some.path.toLowerCase())).map((n) => n.path);
  assert.deepEqual(await matches(), wanted);
  assert.equal(await page.textContent("#matches"), `${wanted.length} of ${tape.nodes.length}`);
  await page.fill("#search", "*.weight");
  assert.deepEqual(await matches(), tape.nodes.filter((n) => n.path.endsWith(".weight")).map((n) => n.path));
  await page.fill("#search", "no such node");
  assert.deepEqual(await matches(), []);
  await page.fill("#search", "");
  assert.equal((await matches()).length, tape.nodes.length);
});

await test("wheel, drag, buttons and pinch move the view", { hasTouch: true }, async (page) => {
  const box = await (await page.$("#canvas")).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  let last = await transform(page);
  const changes = async (what) => {
    const now = await transform(page);
    assert.notEqual(now, last, what);
    last = now;
  };
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -300);
  await changes("wheel");
  await page.mouse.down();
  await page.mouse.move(x + 60, y + 40, { steps: 4 });
  await page.mouse.up();
  await changes("drag");
  assert.equal(await page.$(".node.selected"), null, "a drag chooses nothing");
  for (const id of ["zoom-in", "zoom-out", "fit", "fold"]) {
    await page.click(`#${id}`);
    await changes(id);
  }
  const session = await page.context().newCDPSession(page);
  const touch = (type, spread) => session.send("Input.dispatchTouchEvent", {
    type, touchPoints: spread === null ? [] : [{ x: x - spread, y, id: 1 }, { x: x + spread, y, id: 2 }],
  });
  await touch("touchStart", 40);
  for (const spread of [60, 90, 130]) await touch("touchMove", spread);
  await touch("touchEnd", null);
  await changes("pinch");
});

await test("other quantities colour nodes and redraw the chart", {}, async (page) => {
  const colours = () => page.$$eval(".node .shape", (all) => all.map((s) => s.style.fill).join());
  const [before, title] = [await colours(), await page.textContent("#depth-title")];
  await page.selectOption("#quantity", "value.variance");
  assert.notEqual(await colours(), before);
  assert.notEqual(await page.textContent("#depth-title"), title);
  const point = await page.$("#chart .layer");
  if (point) {
    const index = await point.evaluate((p) => Number(p.dataset.point));
    await point.click();
    await holdPanelTo(page, tape.nodes[index]);
  }
  await shot(page, "value_variance.png");
});

await test("dark surroundings", { colorScheme: "dark" }, async (page) => {
  const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.ok(colour.match(/\d+/g).every((c) => Number(c) < 64), colour);
  await page.click(`[data-node="${some.index}"] .shape`);
  await shot(page, "dark.png");
});

await test("a phone", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }, async (page) => {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
  await shot(page, "phone.png");
  const node = await page.evaluate(() => {
    const box = document.querySelector("#canvas").getBoundingClientRect();
    const inside = [...document.querySelectorAll(".node rect.shape")].find((r) => {
      const b = r.getBoundingClientRect();
      return b.top > box.top && b.bottom < Math.min(box.bottom, innerHeight);
    });
    return Number(inside.closest("[data-node]").dataset.node);
  });
  await page.tap(`[data-node="${node}"] .shape`);
  await holdPanelTo(page, tape.nodes[node]);
  await shot(page, "phone_panel.png");
});

await test("print", {}, async (page) => {
  await page.click(`[data-node="${some.index}"] .shape`);
  const pdf = await page.pdf({ path: join(folder, "print.pdf"), printBackground: true, format: "A4" });
  assert.ok(pdf.length > 10000);
});

await close();
