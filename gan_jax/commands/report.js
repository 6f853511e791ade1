"use strict";
// Moves the artefacts of a run to the step of its slider, each to what was newest there.
const sources = JSON.parse(document.getElementById("sources")?.textContent ?? "{}");
const viewers = [...document.querySelectorAll(".viewer")].map((viewer) => ({
  viewer,
  steps: JSON.parse(viewer.dataset.steps),
  cells: [...viewer.querySelectorAll(".artefact")].map((figure) => {
    const element = figure.querySelector("[data-into]");
    const shown = JSON.parse(figure.dataset.shown);
    const first = shown[shown.length - 1][1];
    // what an element shows at first stands nowhere else
    const text = element.dataset.into === "textContent";
    const source = text ? element.textContent : element.getAttribute("src");
    if (!(first in sources) && source) sources[first] = source;
    return { figure, element, shown };
  }),
}));

function show(cell, step) {
  const newest = cell.shown.filter(([at]) => at <= step).pop();
  cell.element.hidden = !newest;
  cell.figure.querySelector("figcaption span").textContent =
    newest && newest[0] === step ? "" : newest ? `, step ${newest[0].toLocaleString("en")}` : ", not yet";
  if (!newest || cell.now === newest[1]) return;
  cell.now = newest[1];
  cell.element[cell.element.dataset.into] = sources[cell.now];
}

for (const { viewer, steps, cells } of viewers) {
  const range = viewer.querySelector("input");
  const move = () => {
    const step = steps[range ? range.value : steps.length - 1];
    viewer.querySelector("output").textContent = step.toLocaleString("en");
    for (const cell of cells) show(cell, step);
  };
  for (const cell of cells) {
    const first = cell.shown[cell.shown.length - 1][1];
    if (cell.element.getAttribute("src") || cell.element.textContent) cell.now = first;
    // few pixels are enlarged as squares by a whole factor, not smoothed
    const enlarge = () => {
      const { naturalWidth, style } = cell.element;
      const factor = Math.floor(240 / naturalWidth);
      style.width = factor > 1 ? `${factor * naturalWidth}px` : "";
      style.imageRendering = factor > 1 ? "pixelated" : "";
    };
    if (cell.element.tagName === "IMG") {
      cell.element.addEventListener("load", enlarge);
      if (cell.element.naturalWidth) enlarge();
    }
  }
  range?.addEventListener("input", move);
  move();
}
