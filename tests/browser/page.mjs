// A page in headless Chromium, opened anew for every test: it must be silent and load nothing but its file.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

/// The tests of one file, whose screenshots go to a folder.
export async function opened(file, folder) {
  mkdirSync(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  let passed = 0;

  async function test(name, options, body) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    const trouble = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && trouble.push(message.text()));
    page.on("pageerror", (error) => trouble.push(String(error)));
    page.on("requestfailed", (request) => trouble.push(`failed: ${request.url()}`));
    page.on("request", (request) => /^(file|data):/.test(request.url()) || trouble.push(`asked for ${request.url()}`));
    await page.goto(pathToFileURL(resolve(file)).href);
    await page.waitForSelector("html[data-ready]", { timeout: 20000 });
    await body(page);
    assert.deepEqual(trouble, [], "the page is silent and loads nothing");
    await context.close();
    passed += 1;
    console.log(`ok  ${name}`);
  }

  const shot = (page, name, options = {}) => page.screenshot({ path: join(folder, name), ...options });

  async function close() {
    await browser.close();
    console.log(`${passed} passed; screenshots in ${folder}`);
  }

  return { test, shot, close };
}
