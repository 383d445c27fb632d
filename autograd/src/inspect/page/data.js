// The data of this page, and what is chosen in it.

"use strict";
const TAPE = JSON.parse(document.getElementById("tape").textContent);
const LAYOUTS = JSON.parse(document.getElementById("layouts").textContent);
const CONSUMERS = TAPE.nodes.map(() => []);
for (const node of TAPE.nodes) {
  for (const i of new Set(node.inputs)) CONSUMERS[i].push(node.index);
}
const isOp = (node) => node.kind === "op";
const state = { quantity: "gradient.variance", chosen: null, folded: true, fraction: () => 0.5 };
