/** The progress bar of an upload: one cell per part or group of parts, as wide as their bytes. */

import { FAILING, SENDING, SENT, WAITING } from "./parts.js";

const MAX_CELLS = 48;

/** Draw the cells of the parts into an element. */
export function drawCells(element, parts) {
  const groups = groupParts(parts?.all ?? []);
  while (element.childElementCount > Math.max(1, groups.length)) element.lastChild.remove();
  while (element.childElementCount < Math.max(1, groups.length)) {
    element.append(document.createElement("span"));
  }
  groups.forEach((group, index) => draw(element.children[index], group));
  if (groups.length === 0) draw(element.children[0], []);
}

function groupParts(all) {
  const count = Math.min(all.length, MAX_CELLS);
  const first = (index) => Math.round((index * all.length) / count);
  return Array.from({ length: count }, (_, index) => all.slice(first(index), first(index + 1)));
}

function draw(cell, group) {
  const size = group.reduce((sum, part) => sum + part.end - part.start, 0);
  const loaded = group.reduce((sum, part) => sum + part.loaded, 0);
  const state = [FAILING, SENDING, WAITING].find((one) => group.some((part) => part.state === one));
  cell.style.flexGrow = String(Math.max(size, 1));
  cell.dataset.state = state ?? (group.length > 0 ? SENT : WAITING);
  // A sent cell is full, also that of an empty file.
  const share = cell.dataset.state === SENT ? 1 : loaded / Math.max(size, 1);
  cell.style.setProperty("--share", share.toFixed(3));
}
