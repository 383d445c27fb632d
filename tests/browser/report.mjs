// Opens a page of `anact report` in headless Chromium and holds it to the records of the runs that it is about.
//
//     node report.mjs PAGE.html FOLDER RUN…      RUN: the runs' folders; writes screenshots to FOLDER
//
// The page must have one group for every model and dataset, as where the runs differ in activation and seed only.
//
// CHROMIUM names the browser's program [default: /usr/bin/chromium].

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hasSeparateColours } from "./colours.mjs";
import { opened } from "./page.mjs";

const [file, folder, ...runFolders] = process.argv.slice(2);
if (!file || !folder || !runFolders.length) {
  console.error("usage: node report.mjs PAGE.html FOLDER RUN…");
  process.exit(2);
}
const { test, shot, close } = await opened(file, folder);

/// What the records say, read here without anything of the page.
const runs = runFolders.map((path) => {
  const lines = readFileSync(join(path, "record.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const of = (kind) => lines.filter((line) => line.kind === kind);
  const { settings } = lines[0];
  const [result] = of("result");
  const isDiverged = !result && of("stopped").some((line) => line.diverged);
  return { name: `${settings.activation} seed ${settings.seed}`, path, settings, epochs: of("epoch"), layers: of("layers"), result, isDiverged };
});
const groupsOf = () => {
  const groups = new Map();
  for (const run of runs) {
    const key = `${run.settings.model} on ${run.settings.dataset}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
};
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values) => Math.sqrt(values.reduce((sum, x) => sum + (x - mean(values)) ** 2, 0) / (values.length - 1));
const near = (a, b, what, share = 1e-9) => assert.ok(Math.abs(a - b) <= share * Math.max(1, Math.abs(a), Math.abs(b)), `${what}: ${a} is not ${b}`);
const by = (group, activation) => group.filter((run) => run.settings.activation === activation);
const sound = (group, activation) => {
  const left = by(group, activation).filter((run) => !run.isDiverged);
  return left.length ? left : by(group, activation);
};
const activationsOf = (group) => [...new Set(group.map((run) => run.settings.activation))];
/// Opens a table of numbers and waits for it: the browser tells the page of it a little later.
const openNumbers = async (summary) => {
  await summary.click();
  await summary.locator("xpath=..").locator("table").first().waitFor();
};
/// The page's section about these runs.
const sectionOf = async (page, group) => {
  const { model, dataset } = group[0].settings;
  const found = page.locator(`section.group[aria-label^="${model} on ${dataset}"]`);
  assert.equal(await found.count(), 1, `one section is about ${model} on ${dataset}`);
  return found;
};
const figureOf = (page, section, title) => section.locator("figure").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
const values = (locator) => locator.evaluateAll((all) => all.map((e) => (e.dataset.value === undefined ? null : JSON.parse(e.dataset.value))));
/// What the line below a figure tells.
const toldBy = (figure) => figure.locator(".told").evaluate((e) => ({ ...e.dataset, text: e.textContent }));
/// The number that this layer had at this step, or at the start or end, in each of these runs.
const atLayer = (runs, layer, isLook, read) => runs.flatMap((run) => {
  const row = run.layers.filter(isLook).pop()?.rows.find((r) => r.layer === layer);
  const value = row ? read(row) : null;
  return typeof value === "number" ? [value] : [];
});
const geometric = (all) => 10 ** mean(all.filter((v) => v > 0).map(Math.log10));
/// Numbers that are no numbers have no place in a drawing.
const isSound = async (page) => {
  const broken = await page.$$eval("svg *", (all) => all.flatMap((e) => [...e.attributes].filter((a) => a.name !== "href" && /NaN|Infinity|undefined/.test(a.value)).map((a) => `${e.tagName} ${a.name}=${a.value.slice(0, 60)}`)));
  assert.deepEqual(broken, []);
  assert.deepEqual(await page.locator(".failed").allTextContents(), []);
};

for (const group of groupsOf()) {
  const { model, dataset } = group[0].settings;
  const here = `${model} on ${dataset}`;
  const activations = activationsOf(group);

  await test(`${here}: every run's numbers are those of its record`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const rows = section.locator("table.runs tbody tr");
    assert.equal(await rows.count(), group.length);
    for (const run of group.filter((r) => r.result)) {
      const row = rows.filter({ has: page.getByText(run.name, { exact: true }) });
      const [seed, , accuracy, top5, loss, best] = await values(row.locator("td"));
      const { test: said, best: kept } = run.result;
      assert.deepEqual([seed, accuracy, top5, loss, best], [run.settings.seed, said.accuracy, said.top5, said.loss, kept?.accuracy ?? null], run.name);
    }
  });

  await test(`${here}: the comparison's means, errors and differences are those of the records`, {}, async (page) => {
    const section = await sectionOf(page, group);
    for (const activation of activations) {
      const row = section.locator("table.comparison tbody tr").filter({ has: page.locator("th").getByText(activation, { exact: true }) });
      const cells = row.locator("td");
      const accuracies = by(group, activation).filter((r) => r.result).map((r) => 100 * r.result.test.accuracy);
      const [count, average, error, difference, pairCount, interval, , , verdict] = await values(cells);
      assert.equal(count, accuracies.length, activation);
      if (accuracies.length) near(average, mean(accuracies), `mean of ${activation}`);
      if (accuracies.length > 1) near(error, deviation(accuracies) / Math.sqrt(accuracies.length), `error of ${activation}`);
      if (difference === null) continue;
      const against = / vs (.+)$/.exec(await cells.nth(3).textContent())[1];
      const pairs = by(group, activation).flatMap((run) => {
        const other = by(group, against).find((r) => r.settings.seed === run.settings.seed);
        return run.result && other?.result ? [100 * (run.result.test.accuracy - other.result.test.accuracy)] : [];
      });
      assert.equal(pairCount, pairs.length, `pairs of ${activation} and ${against}`);
      near(difference, mean(pairs), `${activation} and ${against}`);
      if (interval) {
        const [low, high] = interval;
        near((low + high) / 2, mean(pairs), "the interval's middle");
        assert.ok(low <= mean(pairs) && mean(pairs) <= high);
        if (low <= 0 && high >= 0) assert.equal(verdict, "open");
      }
    }
  });

  await test(`${here}: the curves' values at the arrow keys are means of the records`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const chart = section.locator("svg.curves");
    await chart.focus();
    for (const key of ["End", "ArrowLeft", "Home"]) {
      await page.keyboard.press(key);
      const epoch = Number(/epoch (\d+)/.exec(await section.locator(".tip strong").textContent())[1]);
      const shown = await section.locator("[data-tip]").evaluateAll((all) => all.map((e) => [e.dataset.tip, Number(e.dataset.value)]));
      assert.ok(shown.length > 0);
      for (const [activation, value] of shown) {
        const all = by(group, activation).filter((run) => !run.isDiverged).flatMap((run) => run.epochs.filter((e) => e.epoch === epoch).map((e) => (e.validation ?? e.train).accuracy));
        near(value, mean(all), `${activation} at epoch ${epoch}`);
      }
      assert.ok((await section.locator("output.spoken").textContent()).includes(`epoch ${epoch}`), "it is read out");
    }
    const steps = await chart.locator('text.tick[text-anchor="middle"]').allTextContents();
    steps.forEach((text) => assert.match(text, /^[\d,]+$/, "epochs are whole"));
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    assert.ok(await section.locator(".tip").isVisible());
    await shot(page, `${model}-${dataset}-curves.png`);
  });

  await test(`${here}: series, scale, band and metric switch`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const lines = section.locator("svg.curves [data-series]");
    const course = (name) => section.locator(`svg.curves [data-series="${name}"]`).getAttribute("d");
    const map = (name) => section.locator(`svg.map[aria-label^="${name}: "]`);
    assert.equal(await lines.count(), activations.length);
    const look = (name) => section.locator(`svg.curves [data-series="${name}"]`).evaluate((e) => [e.getAttribute("stroke"), e.getAttribute("stroke-dasharray")]);
    for (const plain of activations.filter((a) => activations.includes(`n${a}`))) {
      const [[colour, dash], [same, solid]] = [await look(plain), await look(`n${plain}`)];
      assert.equal(colour, same, `${plain} and n${plain} have one colour`);
      assert.notEqual(dash, solid, `${plain} is dashed, n${plain} is not`);
    }
    const first = activations[0];
    const button = section.locator(`button[data-activation="${first}"]`);
    const maps = await section.locator("svg.map").count();
    await button.focus();
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    assert.equal(await lines.count(), activations.length - 1);
    assert.equal(await map(first).count(), 0);
    await page.keyboard.press("Enter");
    assert.equal(await lines.count(), activations.length);
    assert.equal(await section.locator("svg.map").count(), maps);
    for (const name of activations) await section.locator(`button[data-activation="${name}"]`).click();
    assert.match(await section.locator("svg.curves").textContent(), /switched off/);
    await isSound(page);
    for (const name of activations) await section.locator(`button[data-activation="${name}"]`).click();
    const figure = figureOf(page, section, "Learning curves");
    const linear = await course(first);
    await figure.locator('button[data-toggle="log"]').click();
    assert.notEqual(await course(first), linear);
    await isSound(page);
    await figure.locator('button[data-toggle="log"]').click();
    assert.equal(await course(first), linear);
    await figure.locator('select[aria-label="Show"]').selectOption("train_loss");
    assert.notEqual(await course(first), linear);
    await openNumbers(figure.locator("summary"));
    const columns = (await figure.locator("table.numbers thead th").allTextContents()).slice(1);
    assert.deepEqual([...columns].sort(), [...activations].sort());
    for (const row of await figure.locator("table.numbers tbody tr").all()) {
      const epoch = Number(await row.locator("th").textContent());
      const shown = await values(row.locator("td"));
      columns.forEach((activation, i) => {
        const all = by(group, activation).filter((run) => !run.isDiverged).flatMap((run) => run.epochs.filter((e) => e.epoch === epoch).map((e) => e.train.loss)).filter(Number.isFinite);
        if (all.length) near(shown[i], mean(all), `${activation} at epoch ${epoch}`);
        else assert.equal(shown[i], null);
      });
    }
    if (by(group, first).length > 1) {
      assert.equal(await section.locator("path.band").count(), activations.filter((a) => by(group, a).length > 1).length);
      await figure.locator('select[aria-label="Band"]').selectOption("seeds");
      assert.equal(await section.locator("path.seed").count(), group.length);
    }
  });

  await test(`${here}: arrow keys lead through the map of gradients, whose values are the records' geometric means`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const figure = figureOf(page, section, "Gradients by layer and step");
    for (const activation of activations) {
      const all = sound(group, activation);
      if (!all.some((run) => run.layers.length > 1)) continue;
      const map = figure.locator(`svg.map[aria-label^="${activation}: "]`);
      await map.focus();
      const seen = new Set();
      for (const key of ["Home", "ArrowRight", "ArrowDown", "ArrowRight", "End", "ArrowDown", "ArrowLeft", "ArrowUp"]) {
        await page.keyboard.press(key);
        const { layer, step, value, activation: named, text } = await toldBy(figure);
        assert.equal(named, activation);
        assert.ok(text.includes(layer));
        seen.add(`${layer} ${step}`);
        const values = atLayer(all, layer, (l) => l.step === Number(step), (r) => r.measured.weight_gradient);
        const what = `${activation}, ${layer}, step ${step}`;
        assert.ok(values.length, what);
        // Where a layer is dead in all of these runs there is no positive gradient for a geometric mean, and the page says so.
        if (values.every((v) => v === 0)) {
          assert.equal(value, "null", what);
          assert.ok(text.includes("= zero"), `${what}: ${text}`);
        } else near(JSON.parse(value) / geometric(values), 1, what, 1e-6);
      }
      assert.ok(seen.size > 3, "the keys lead to different cells");
    }
    await openNumbers(figure.locator("summary"));
    assert.ok((await figure.locator("table.numbers").count()) >= 1);
    await isSound(page);
  });

  await test(`${here}: arrow keys lead along the factors' courses, whose values are the records' means`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const figure = figureOf(page, section, "The factor in training");
    for (const chart of await figure.locator("svg.courses").all()) {
      await chart.focus();
      for (const key of ["Home", "ArrowRight", "ArrowDown", "End"]) {
        await page.keyboard.press(key);
        const { layer, step, value, activation } = await toldBy(figure);
        near(JSON.parse(value), mean(atLayer(sound(group, activation), layer, (l) => l.step === Number(step), (r) => r.measured.kappa)), `κ of ${activation}, ${layer}, step ${step}`, 1e-6);
      }
    }
    if (!(await figure.count())) return;
    await openNumbers(figure.locator("summary"));
    assert.equal(await figure.locator("table.numbers").count(), await figure.locator("svg.courses").count());
  });

  await test(`${here}: every theory's predictions are those of the records`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const figure = figureOf(page, section, "Predicted and measured");
    if (!(await figure.count())) return;
    for (const theory of ["predicted", "with_measured_ratios", "per_sample", "per_unit", "two_state"]) {
      await figure.locator('select[aria-label="Theory"]').selectOption(theory);
      await figure.locator("svg.scatter").focus();
      for (const key of ["Home", "ArrowRight", "ArrowDown"]) {
        await page.keyboard.press(key);
        const { layer, activation, predicted, measured } = await toldBy(figure);
        const read = (side) => geometric(atLayer(sound(group, activation), layer, (l) => l.when === "start", (r) => r[side].weight_gradient));
        near(Number(predicted) / read(theory), 1, `${theory} of ${activation}, ${layer}`, 1e-6);
        near(Number(measured) / read("measured"), 1, `measured of ${activation}, ${layer}`, 1e-6);
      }
    }
    await openNumbers(figure.locator("summary", { hasText: "numbers" }));
    const layers = new Set(group.flatMap((run) => run.layers.flatMap((l) => l.rows.map((r) => `${run.settings.activation} ${r.layer}`))));
    assert.equal(await figure.locator("table.marks tbody tr").count(), layers.size);
    await figure.locator('select[aria-label="Show"]').selectOption("variance_z");
    await isSound(page);
  });

  await test(`${here}: the confusion matrix is the one that the run left`, {}, async (page) => {
    const section = await sectionOf(page, group);
    const figure = figureOf(page, section, "Confusion");
    if (!(await figure.count())) return;
    const name = await figure.locator('select[aria-label="Run"]').evaluate((s) => s.selectedOptions[0].textContent);
    const run = group.find((r) => r.name === name);
    const rows = readFileSync(join(run.path, "confusion.csv"), "utf8").trim().split("\n").slice(1).map((line) => line.split(","));
    const counts = rows.map((row) => row.slice(row.length - rows.length).map(Number));
    await figure.locator("svg.confusion").focus();
    for (const key of ["Home", "ArrowRight", "ArrowDown", "ArrowRight", "End", "ArrowDown"]) {
      await page.keyboard.press(key);
      const { cell, value } = await toldBy(figure);
      const [i, j] = cell.split(",").map(Number);
      assert.equal(Number(value), counts[i][j], `row ${i}, column ${j}`);
    }
    await openNumbers(figure.locator("summary"));
    const shown = await values(figure.locator("table.counts tbody td"));
    if (counts.length <= 30) assert.deepEqual(shown, counts.flat());
    else counts.forEach((row, i) => assert.deepEqual(shown.slice(3 * i, 3 * i + 2), [row.reduce((a, b) => a + b, 0), row[i]]));
  });
}

await test("every choice and every key keeps the drawings sound", {}, async (page) => {
  for (const tool of await page.locator("figure .tools").all()) {
    for (const button of await tool.locator("button").all()) await button.click();
    for (const select of await tool.locator("select").all()) {
      const options = await select.locator("option:not([disabled])").evaluateAll((all) => all.slice(0, 8).map((o) => o.value));
      for (const option of options) {
        await select.selectOption(option);
        await isSound(page);
      }
    }
  }
  for (const chart of await page.locator("svg.chart").all()) {
    await chart.focus();
    for (const key of ["ArrowDown", "ArrowRight", "End", "ArrowRight", "ArrowUp", "ArrowUp", "Home", "ArrowLeft", "Escape", "End"]) await page.keyboard.press(key);
  }
  for (const summary of await page.locator("figure summary").all()) await summary.click();
  await isSound(page);
});

await test("pictures have words, headings are in order, controls have names", {}, async (page) => {
  const silent = await page.$$eval("svg", (all) => all.filter((s) => s.getAttribute("aria-hidden") !== "true" && !(s.getAttribute("aria-label") ?? "").trim()).length);
  assert.equal(silent, 0);
  const levels = await page.$$eval("h1, h2, h3", (all) => all.map((h) => Number(h.tagName[1])));
  assert.equal(levels.filter((level) => level === 1).length, 1);
  levels.forEach((level, i) => assert.ok(i === 0 || level <= levels[i - 1] + 1, `h${level} after h${levels[i - 1]}`));
  const nameless = await page.$$eval("button, select", (all) => all.filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label"))).length);
  assert.equal(nameless, 0);
  assert.equal(await page.evaluate(() => document.scripts.length), 2, "no text has become markup");
  const prose = await page.locator("header li").allTextContents();
  prose.forEach((sentence) => assert.doesNotMatch(sentence, /(^|[\s([])-\d/, "minus signs are minus signs"));
  for (const figure of await page.locator("figure").all()) {
    const charts = await figure.locator("svg.chart").count();
    assert.equal(await figure.locator('svg.chart[tabindex="0"]').count(), charts, "every drawing can be reached by keyboard");
    if (charts) assert.equal(await figure.locator("details.numbers").count(), 1, "every figure has its numbers as a table");
  }
  await isSound(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the first stop leads past the head");
});

/// WCAG's contrast of two colours.
const contrast = (page, selector) => page.$eval(selector, (e) => {
  const light = (colour) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = e;
  while (behind && /rgba\(0, 0, 0, 0\)|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  const [a, b] = [light(getComputedStyle(e).color), light(behind ? getComputedStyle(behind).backgroundColor : "white")].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
});

for (const colorScheme of ["light", "dark"]) {
  await test(`${colorScheme} surroundings`, { colorScheme }, async (page) => {
    for (const selector of ["h1", "#summary li", "table.comparison td", "figure p", "button", "#made"]) {
      const ratio = await contrast(page, selector);
      assert.ok(ratio >= 4.5, `${selector}: contrast ${ratio.toFixed(2)}`);
    }
    await hasSeparateColours(page);
    const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(colour.match(/\d+/g).slice(0, 3).every((c) => Number(c) < 64), colorScheme === "dark", colour);
    await shot(page, `${colorScheme}.png`, { fullPage: true });
  });
}

await test("a phone", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }, async (page) => {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
  await page.locator("svg.curves").first().scrollIntoViewIfNeeded();
  await page.locator("svg.curves").first().tap();
  assert.ok(await page.locator(".tip").first().isVisible(), "a tap shows values");
  await shot(page, "phone.png", { fullPage: true });
});

await test("print", {}, async (page) => {
  await page.evaluate(() => {
    addEventListener("beforeprint", () => {
      const all = [...document.querySelectorAll("details")];
      window.printed = { closed: all.filter((d) => !d.open).length, empty: all.filter((d) => d.classList.contains("numbers") && !d.querySelector("tbody td")).length, all: all.length };
    });
  });
  const pdf = await page.pdf({ path: join(folder, "report.pdf"), printBackground: true, format: "A4" });
  assert.ok(pdf.length > 10000);
  const { closed, empty, all } = await page.evaluate(() => window.printed);
  assert.deepEqual([closed, empty], [0, 0], "on paper all is open, and every table is full");
  assert.ok(all > 0);
  assert.equal(await page.locator("details[open]").count(), 0, "afterwards all is closed as before");
});

await close();
