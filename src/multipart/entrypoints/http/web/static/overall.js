/** The progress of all uploads together, in the head of the section and in the window title. */

import { bytes, percent, rate, timeLeft } from "./format.js";

const TITLE = document.title;
const EVERY_MS = 500;
let dueAt = 0;
let timer = 0;

/** Show the total of the rows, at most every EVERY_MS. */
export function showOverall(rows) {
  clearTimeout(timer);
  const wait = dueAt - performance.now();
  if (wait > 0) {
    timer = setTimeout(() => showOverall(rows), wait);
    return;
  }
  dueAt = performance.now() + EVERY_MS;
  document.getElementById("current").hidden = rows.size === 0;
  const busy = [...rows].map((row) => row.upload).filter((upload) => upload.isBusy);
  document.getElementById("overall").textContent = busy.length > 0 ? summary(busy) : "";
  document.title = busy.length > 0 ? `${percent(share(busy))} · ${TITLE}` : TITLE;
}

function summary(uploads) {
  const speed = uploads.reduce((sum, upload) => sum + upload.speed.bytesPerSecond, 0);
  const left = total(uploads) - sent(uploads);
  const isMoving = navigator.onLine && speed > 0;
  const files = uploads.length === 1 ? "1 file" : `${uploads.length} files`;
  return [files, `${bytes(left)} left`, ...(isMoving ? [rate(speed), timeLeft(left / speed)] : [])]
    .join(" · ");
}

function share(uploads) {
  return sent(uploads) / Math.max(total(uploads), 1);
}

function total(uploads) {
  return uploads.reduce((sum, upload) => sum + upload.record.size, 0);
}

function sent(uploads) {
  return uploads.reduce((sum, upload) => sum + (upload.parts?.sentBytes ?? 0), 0);
}
