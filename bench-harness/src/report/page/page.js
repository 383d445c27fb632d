// The page from top to bottom, and what belongs to several figures.

const drawings = [];

function showHeader() {
  const place = (id) => document.getElementById(id);
  const items = (sentences) => sentences.map((sentence) => element("li", {}, prose(sentence)));
  place("title").textContent = REPORT.title;
  place("subtitle").textContent = REPORT.subtitle;
  place("summary").append(...items(REPORT.summary));
  place("notes").append(...items(REPORT.notes ?? []));
  if (REPORT.groups.length > 1) place("contents").append(...REPORT.groups.map((group, i) => element("a", { href: `#group-${i}` }, group.name)));
  place("made").append(element("span", {}, `Made by anact ${REPORT.version}`), element("span", {}, counted(REPORT.runs.length, "run")));
}

function showGroup(group, index) {
  const styles = stylesOf(group);
  const state = { hidden: new Set() };
  const section = element("section", { class: "group", id: `group-${index}`, "aria-label": group.name }, element("h2", {}, group.name));
  document.getElementById("groups").append(section);
  const figures = [];
  const redraw = () => figures.forEach((figure) => figure.draw());
  guarded(() => section.append(comparison(group), legend(group, styles, state, redraw)), section);
  for (const make of [learningCurves, gradientMap, factorCourses, predictedAndMeasured, confusionMatrix]) {
    guarded(() => {
      const figure = make(group, styles, state);
      if (!figure) return;
      section.append(figure.figure);
      figures.push(figure);
    }, section);
  }
  guarded(() => section.append(settingsAndRuns(group)), section);
  drawings.push(redraw);
}

const redrawAll = () => drawings.forEach((redraw) => redraw());
showHeader();
REPORT.groups.forEach(showGroup);
redrawAll();
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth !== width) {
    width = innerWidth;
    redrawAll();
  }
});
document.documentElement.dataset.ready = "";
