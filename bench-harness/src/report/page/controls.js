// Texts of numbers and controls of figures.

/// With a fixed number of decimals.
const fixed = (x, decimals) => (isNumber(x) ? x.toFixed(decimals).replace("-", "−") : "–");
const signed = (x, decimals) => (isNumber(x) ? `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(decimals)}` : "–");

/// A sentence with real minus signs before its numbers.
const prose = (sentence) => sentence.replace(/(^|[\s([,])-(?=\d)/g, "$1−");

/// The front of a name that is too long for its place.
const shortened = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

/// `1 seed`, `2 seeds`.
const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/// A choice with a label; `changed` hears of every other value.
function choice(label, options, value, changed) {
  const select = element("select", { "aria-label": label }, ...options.map(([id, name]) => element("option", { value: id }, name)));
  select.value = value;
  select.addEventListener("change", () => changed(select.value));
  return element("label", { class: "choice" }, label, " ", select);
}

/// A button that is on or off.
function toggle(label, pressed, changed, attributes = {}) {
  const button = element("button", { type: "button", "aria-pressed": String(pressed), ...attributes }, label);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    changed(now);
  });
  return button;
}

/// The line of an activation, as it is in the curves.
function swatch({ colour, dash }) {
  return element("svg", { viewBox: "0 0 26 10", class: "line", "aria-hidden": "true" }, element("line", { x1: 1, x2: 25, y1: 5, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }));
}

/// A table: a head of texts or { text, title }, rows of texts or { text, value, title, className }.
function table(head, rows, attributes = {}) {
  const cell = (content, i) => {
    const { text, value, title, className } = typeof content === "object" && content !== null ? content : { text: content };
    const names = [i === 0 ? "first" : "", className ?? ""].join(" ").trim();
    return element(i === 0 ? "th" : "td", { class: names || null, "data-value": value ?? null, title: title ?? null, scope: i === 0 ? "row" : null }, text);
  };
  const top = head.map((h, i) => element("th", { scope: "col", class: i === 0 ? "first" : null, title: h.title ?? null }, h.text ?? h));
  // What can be scrolled must be reached by keyboard.
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": attributes["aria-label"] ?? "Table" },
    element("table", attributes, element("thead", {}, element("tr", {}, ...top)), element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell))))),
  );
}
