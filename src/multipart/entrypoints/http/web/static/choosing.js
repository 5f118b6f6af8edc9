/** Files come from the chooser, or are dropped anywhere on the page. */

import { announce } from "./announce.js";

/** Call `onFiles` with an array of files whenever some are chosen or dropped. */
export function watchForFiles(onFiles) {
  const input = document.getElementById("files");
  // A button, since Enter on a file input opens nothing in Chromium.
  document.getElementById("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    // So that the same file can be chosen again.
    input.value = "";
  });
  // Without this a file that misses the area replaces the page, and with it all uploads.
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    highlight(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? highlight(false));
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    highlight(false);
    onFiles(dropped(event.dataTransfer));
  });
}

function hasFiles(event) {
  return event.dataTransfer.types.includes("Files");
}

function highlight(isOver) {
  document.getElementById("drop").classList.toggle("is-over", isOver);
}

function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory);
  if (folders.length > 0) announce("Folders cannot be uploaded; drop their files.");
  return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile());
}
