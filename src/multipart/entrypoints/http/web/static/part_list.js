/** The list of parts that are being sent. */

import { bytes } from "./format.js";
import { FAILING, SENDING } from "./parts.js";
import { partCount } from "./wording.js";

const template = document.getElementById("part-row");

/** Show how many parts are sent and, if the details are open, those being sent. */
export function drawParts(details, parts) {
  details.hidden = !parts;
  if (!parts) return;
  const summary = `${parts.sentCount.toLocaleString("en")} of ${partCount(parts.all.length)} sent`;
  details.querySelector("summary").textContent = summary;
  if (!details.open) return;
  const list = details.querySelector("ul");
  const current = parts.all.filter((part) => part.state === SENDING || part.state === FAILING);
  while (list.childElementCount > current.length) list.lastElementChild.remove();
  while (list.childElementCount < current.length) list.append(template.content.cloneNode(true));
  current.forEach((part, index) => drawPart(list.children[index], part));
}

function drawPart(row, part) {
  const size = part.end - part.start;
  const isFailing = part.state === FAILING;
  row.dataset.state = part.state;
  row.querySelector(".part-name").textContent = `Part ${part.number}`;
  row.querySelector("progress").value = part.loaded / Math.max(size, 1);
  row.querySelector("progress").setAttribute("aria-label", `Part ${part.number}`);
  row.querySelector(".part-text").textContent = isFailing
    ? "retrying"
    : `${bytes(part.loaded)} of ${bytes(size)}`;
}
