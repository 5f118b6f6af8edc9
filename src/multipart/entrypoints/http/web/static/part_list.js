/** The parts that are on their way, one line each. */

import { bytes } from "./format.js";
import { FAILING, SENDING } from "./parts.js";
import { partCount } from "./wording.js";

const template = document.getElementById("part-row");

/** Show how many parts are sent and, where that is opened, those under way. */
export function drawParts(details, parts) {
  details.hidden = !parts;
  if (!parts) return;
  const summary = `${parts.sentCount.toLocaleString("en")} of ${partCount(parts.all.length)} sent`;
  details.querySelector("summary").textContent = summary;
  if (!details.open) return;
  const list = details.querySelector("ul");
  const moving = parts.all.filter((part) => part.state === SENDING || part.state === FAILING);
  while (list.childElementCount > moving.length) list.lastElementChild.remove();
  while (list.childElementCount < moving.length) list.append(template.content.cloneNode(true));
  moving.forEach((part, index) => drawPart(list.children[index], part));
}

function drawPart(row, part) {
  const size = part.end - part.start;
  const isFailing = part.state === FAILING;
  row.dataset.state = part.state;
  row.querySelector(".part-name").textContent = `Part ${part.number}`;
  row.querySelector("progress").value = part.loaded / Math.max(size, 1);
  row.querySelector("progress").setAttribute("aria-label", `Part ${part.number}`);
  row.querySelector(".part-text").textContent = isFailing
    ? "trying again"
    : `${bytes(part.loaded)} of ${bytes(size)}`;
}
