// The frame of every figure: head, controls, drawing, a line that tells what is pointed at, the numbers as a table.

const tables = [];

/// A figure. `draw` fills `holder`, `numbers` gives the elements of its table (made when it is opened or printed),
/// `told` is the line below the drawing, if it has one. Its own error must not take the rest of the page with it.
function figureOf({ title, words, tools = [], holder, told = null, numbers, extra = [], draw }) {
  const details = element("details", { class: "numbers" }, element("summary", {}, "The numbers as a table"));
  const fill = () => guarded(() => details.replaceChildren(details.firstChild, ...numbers()), details);
  details.addEventListener("toggle", () => details.open && fill());
  tables.push({ details, fill });
  const parts = [].concat(words).map((text) => element("p", {}, text));
  const bar = tools.filter(Boolean);
  const figure = element("figure", { class: "card" }, element("figcaption", {}, element("h3", {}, title), ...parts), bar.length ? element("div", { class: "tools" }, ...bar) : null, holder, told, ...extra, details);
  return {
    figure,
    draw: () => {
      guarded(draw, holder);
      if (details.open) fill();
    },
  };
}

function guarded(action, place) {
  try {
    action();
  } catch (error) {
    console.error(error);
    place.append(element("p", { class: "failed" }, `This part cannot be shown: ${error.message}`));
  }
}

/// The line below a drawing; it is read out when it changes.
const tellingLine = () => element("p", { class: "told", "aria-live": "polite" });

/// What is said in place of a drawing.
const nothing = (text) => element("p", { class: "nothing" }, text);

/// An svg of this size in pixels that keyboard users can go to.
function drawing(kind, width, height, label, isStop = true) {
  const svg = element("svg", { class: `chart ${kind}`, role: "img", tabindex: isStop ? "0" : null, viewBox: `0 0 ${width} ${height}`, "aria-label": label });
  svg.style.height = `${height}px`;
  return svg;
}

/// Lets pointer and arrow keys go through the cells of a drawing. `cellAt(x, y)` finds the [column, row] below a place in the
/// drawing's pixels, or null; `show(column, row)` marks it and tells it; `leave` takes the mark away.
function walkable(svg, { columns, rows, cellAt, show, leave }) {
  let at = null;
  const go = (cell) => {
    at = cell;
    show(...cell);
  };
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const cell = cellAt((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    if (cell) go(cell);
  };
  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      at = null;
      leave();
    }
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Home: [-Infinity, 0], End: [Infinity, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [column, row] = at ?? [0, 0];
    go(at || !Number.isFinite(step[0]) ? [clamp(column + step[0], 0, columns - 1), clamp(row + step[1], 0, rows - 1)] : [0, 0]);
  });
  svg.addEventListener("blur", leave);
}

/// Columns × rows of colours as one picture: a pixel each, so that any number of cells is quick. A cell without colour stays clear.
function pictureOf(columns, rows, colourOf, place) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  for (let j = 0; j < rows; j += 1) {
    for (let i = 0; i < columns; i += 1) {
      const colour = colourOf(i, j);
      if (!colour) continue;
      context.fillStyle = colour;
      context.fillRect(i, j, 1, 1);
    }
  }
  const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
  for (const [key, value] of Object.entries({ ...place, preserveAspectRatio: "none", href: canvas.toDataURL() })) image.setAttribute(key, value);
  image.style.imageRendering = "pixelated";
  return image;
}

// On paper every table is open and full; afterwards all is as it was.
let closedBefore = [];
addEventListener("beforeprint", () => {
  closedBefore = [...document.querySelectorAll("details:not([open])")];
  for (const { fill } of tables) fill();
  for (const details of closedBefore) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of closedBefore) details.open = false;
});
