/** Files from the file dialog, or dropped anywhere on the page. */

import { announce } from "./announce.js";

/** Call `onFiles` with an array of files when some are chosen or dropped. */
export function watchForFiles(onFiles) {
  const input = document.getElementById("files");
  // A button, because Enter on a file input does not open the dialog in Chromium.
  document.getElementById("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    // Without this, choosing the same file again would fire no event.
    input.value = "";
  });
  // Without this, a file dropped outside the area would replace the page and end all uploads.
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
    onFiles(droppedFiles(event.dataTransfer));
  });
}

function hasFiles(event) {
  return event.dataTransfer.types.includes("Files");
}

function highlight(isOver) {
  document.getElementById("drop").classList.toggle("is-over", isOver);
}

function droppedFiles(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory);
  if (folders.length > 0) announce("Folders cannot be uploaded. Drop the files in them.");
  return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile());
}
