/** The page: a row for each file on its way, and the list of all sessions. */

import { watchForFiles } from "./choosing.js";
import { confirmCancel } from "./confirm.js";
import { refreshSoon, showHistoryOf } from "./history.js";
import { showOverall } from "./overall.js";
import { askForName, currentName, watchName } from "./person.js";
import { Row } from "./row.js";
import { isSameFile, newRecord, recordsOf } from "./store.js";
import { State, Upload } from "./upload.js";

const list = document.getElementById("uploads");
const rows = new Set();
let unnamedFiles = [];

watchName((name) => {
  showHistoryOf(name);
  showRemembered(name);
  if (name) add(unnamedFiles.splice(0));
});

watchForFiles((files) => {
  if (currentName()) {
    add(files);
  } else if (files.length > 0) {
    unnamedFiles.push(...files);
    askForName();
  }
});

window.addEventListener("beforeunload", (event) => {
  if ([...rows].some((row) => row.upload.isBusy)) event.preventDefault();
});

for (const event of ["online", "offline"]) {
  window.addEventListener(event, () => rows.forEach((row) => row.draw()));
}

/** Show what a reload has interrupted, and not that of somebody else. */
function showRemembered(name) {
  for (const row of rows) {
    const isOthers = row.upload.record.user !== name;
    if (isOthers && row.upload.state === State.NO_FILE) remove(row);
  }
  const shown = new Set([...rows].map((row) => row.upload.record.id));
  for (const record of recordsOf(name)) {
    if (!shown.has(record.id)) show(new Upload(record)).upload.look();
  }
}

function add(files) {
  for (const file of files) {
    const row = rowOf(file);
    if (!row) show(new Upload(newRecord(currentName(), file), file)).upload.start();
    else if (row.upload.isBusy) row.complain(`${file.name} is already on its way.`);
    else row.upload.start(file);
  }
}

function rowOf(file) {
  return [...rows].find(({ upload }) => {
    const isMine = upload.record.user === currentName();
    return isMine && upload.state !== State.DONE && isSameFile(upload.record, file);
  });
}

function show(upload) {
  const row = new Row(upload, { onGo, onStop, onFile });
  let last = upload.state;
  upload.addEventListener("change", () => {
    showOverall(rows);
    if (upload.state === last) return;
    last = upload.state;
    refreshSoon();
    if (last === State.CANCELLED) remove(row);
  });
  rows.add(row);
  list.append(row.element);
  showOverall(rows);
  return row;
}

/** Take a row away; a focus in it goes to the next one, so that a keyboard is not lost. */
function remove(row) {
  const hadFocus = row.element.contains(document.activeElement);
  const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
  rows.delete(row);
  row.element.remove();
  showOverall(rows);
  if (!hadFocus) return;
  const neighbour = [...rows].find((other) => other.element === next);
  if (neighbour) neighbour.focus();
  else document.getElementById("choose").focus();
}

function onGo(row) {
  const { state } = row.upload;
  if ([State.QUEUED, State.STARTING, State.UPLOADING].includes(state)) row.upload.pause();
  // Not while it completes: the button may be hit in the very moment that this begins.
  else if ([State.PAUSED, State.FAILED].includes(state)) row.upload.start();
}

async function onStop(row) {
  const { upload } = row;
  if (row.stopLabel === "Remove") {
    remove(row);
  } else if (await confirmCancel(upload.record.name)) {
    // It may have come to its end while the question stood there.
    if (upload.state !== State.DONE) await upload.cancel();
  }
}

function onFile(row, file) {
  if (isSameFile(row.upload.record, file)) row.upload.start(file);
  else row.complain(`${file.name} is not the file that was being uploaded, or it has changed.`);
}
