/** The bar of an upload: a cell for each part, or for some parts each when there are many. */

import { FAILING, SENDING, SENT, WAITING } from "./parts.js";

const MOST_CELLS = 48;

/** Draw the parts into an element, which then shows the upload's progress as a whole. */
export function drawCells(element, parts) {
  const groups = grouped(parts?.all ?? []);
  while (element.childElementCount > Math.max(1, groups.length)) element.lastChild.remove();
  while (element.childElementCount < Math.max(1, groups.length)) {
    element.append(document.createElement("span"));
  }
  groups.forEach((group, index) => draw(element.children[index], group));
  if (groups.length === 0) draw(element.children[0], []);
}

function grouped(all) {
  const count = Math.min(all.length, MOST_CELLS);
  const first = (index) => Math.round((index * all.length) / count);
  return Array.from({ length: count }, (_, index) => all.slice(first(index), first(index + 1)));
}

function draw(cell, group) {
  const size = group.reduce((sum, part) => sum + part.end - part.start, 0);
  const loaded = group.reduce((sum, part) => sum + part.loaded, 0);
  const state = [FAILING, SENDING, WAITING].find((one) => group.some((part) => part.state === one));
  cell.dataset.state = state ?? (group.length > 0 ? SENT : WAITING);
  // A cell that is all sent is full, also that of an empty file.
  const share = cell.dataset.state === SENT ? 1 : loaded / Math.max(size, 1);
  cell.style.setProperty("--share", share.toFixed(3));
}
