// Header, controls, and what happens when a node is chosen.

const SMALL = window.matchMedia("(max-width: 860px)");

function showHeader() {
  document.getElementById("title").textContent = TAPE.title;
  const facts = document.getElementById("facts");
  for (const { name, value } of TAPE.facts) facts.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  const totals = document.getElementById("totals");
  const total = (name, value, title = "") => totals.append(element("div", { title, "data-total": name }, element("dt", {}, name), element("dd", {}, value)));
  if (TAPE.loss) total("loss", written(TAPE.loss.value));
  total("nodes", written(TAPE.totals.nodes));
  total("parameters", TAPE.totals.parameters.toLocaleString("en"), `${TAPE.totals.parameter_tensors} tensors`);
  total(`${TAPE.scalar} values`, writtenBytes(TAPE.totals.value_bytes), "every buffer once");
  total("saved for backward", writtenBytes(TAPE.totals.saved_bytes), "buffers that no value holds");
}

/// Chooses a node, or none; the address keeps the choice.
function choose(index) {
  history.replaceState(null, "", index === null ? "#" : `#/${index}`);
  show(index);
}

function show(index) {
  const node = TAPE.nodes[index];
  state.chosen = node ? index : null;
  for (const [i, group] of groups) group.classList.toggle("selected", i === state.chosen);
  layout.edges.forEach((edge, i) => lines[i].classList.toggle("near", edge.from === state.chosen || edge.to === state.chosen));
  markPoint();
  if (!node) {
    showHelp();
    return;
  }
  showNode(index);
  reveal(index);
}

const chosenInAddress = () => {
  const found = /^#\/(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : null;
};

/// Dims what does not fit; `*` and `?` are wildcards for a whole path, other text may stand anywhere in it.
function filter() {
  const text = document.getElementById("search").value.trim().toLowerCase();
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  const pattern = /[*?]/.test(text) ? new RegExp(`^${escaped}$`) : new RegExp(escaped);
  let count = 0;
  for (const node of TAPE.nodes) {
    const fits = pattern.test(node.path.toLowerCase());
    count += fits;
    groups.get(node.index).setAttribute("data-match", fits);
  }
  document.getElementById("matches").textContent = text ? `${count} of ${TAPE.nodes.length}` : "";
}

function setFold(folded) {
  state.folded = folded;
  document.getElementById("fold").setAttribute("aria-pressed", folded);
  draw(folded ? "folded" : "column");
  filter();
  // First, since what the chart takes the graph has not.
  drawChart();
  fit();
  show(state.chosen);
}

function listen() {
  const on = (id, event, act) => document.getElementById(id).addEventListener(event, act);
  on("zoom-in", "click", () => zoom(1.3));
  on("zoom-out", "click", () => zoom(1 / 1.3));
  on("fit", "click", () => fit(true));
  on("fold", "click", () => setFold(!state.folded));
  on("search", "input", filter);
  on("tools", "submit", (event) => {
    event.preventDefault();
    const first = view.querySelector('[data-match="true"]');
    if (first) first.focus();
  });
  const quantity = document.getElementById("quantity");
  for (const q of QUANTITIES) quantity.append(element("option", { value: q.id }, `${q.of}, ${q.name}`));
  quantity.addEventListener("change", () => {
    state.quantity = quantity.value;
    paint();
    drawChart();
  });
  view.addEventListener("focusin", (event) => {
    if (event.target.matches(":focus-visible")) reveal(Number(event.target.dataset.node));
  });
  view.addEventListener("keydown", (event) => {
    const index = Number(event.target.dataset.node);
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(index);
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = neighbour(index, event.key);
      if (next !== null) groups.get(next).focus();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(null);
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: () => fit(true), "/": () => document.getElementById("search").focus() }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  window.addEventListener("hashchange", () => /^#?$|^#\//.test(location.hash) && show(chosenInAddress()));
  let size = canvas.clientWidth;
  window.addEventListener("resize", () => {
    drawChart();
    // A phone's address bar changes the height only, which must not lose the place.
    if (canvas.clientWidth !== size) fit();
    size = canvas.clientWidth;
  });
  // On paper the whole graph, in columns, whatever is on the screen.
  window.addEventListener("beforeprint", () => {
    draw("folded");
    canvas.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
    view.removeAttribute("transform");
  });
  window.addEventListener("afterprint", () => {
    canvas.removeAttribute("viewBox");
    setFold(state.folded);
  });
}

showHeader();
listen();
listenToPointers();
setFold(!SMALL.matches);
show(chosenInAddress());
document.documentElement.dataset.ready = "true";
