/** The page: one row per current upload, and the list of all sessions. */

import { watchForFiles } from "./file_picker.js";
import { confirmCancel } from "./confirm.js";
import { refreshSoon, showHistoryOf } from "./history.js";
import { showOverall } from "./overall.js";
import { askForName, currentName, watchName } from "./user_name.js";
import { Row } from "./row.js";
import { askToSignIn, watchSignIn } from "./sign_in.js";
import { isSameFile, newRecord, recordsOf } from "./store.js";
import { State, Upload } from "./upload.js";

const list = document.getElementById("uploads");
const rows = new Set();
let unnamedFiles = [];
// Of a caller whom the service authenticates, "" while nobody is signed in, otherwise null.
let account = null;

watchName(showOwner);
watchSignIn((found) => {
  if (account) rows.forEach(leaveBehind);
  account = found;
  showOwner();
});

watchForFiles((files) => {
  if (owner()) {
    add(files);
  } else if (files.length > 0) {
    unnamedFiles.push(...files);
    if (!askToSignIn()) askForName();
  }
});

window.addEventListener("beforeunload", (event) => {
  if ([...rows].some((row) => row.upload.isBusy)) event.preventDefault();
});

for (const event of ["online", "offline"]) {
  window.addEventListener(event, () => {
    rows.forEach((row) => row.draw());
    showOverall(rows);
  });
}

/** Return whose uploads the page shows. */
function owner() {
  return account ?? currentName();
}

function showOwner() {
  showHistoryOf(owner());
  showInterrupted(owner());
  if (owner()) add(unnamedFiles.splice(0));
}

/** Stop an upload of an account that is signed out; signing in again shows it. */
function leaveBehind(row) {
  if (row.upload.isBusy) row.upload.pause();
  remove(row);
}

/** Show this user's uploads that a reload interrupted, and hide those of other users. */
function showInterrupted(name) {
  for (const row of rows) {
    const isOthers = row.upload.record.user !== name;
    if (isOthers && row.upload.state === State.NO_FILE) remove(row);
  }
  const shown = new Set([...rows].map((row) => row.upload.record.id));
  for (const record of recordsOf(name)) {
    if (!shown.has(record.id)) show(new Upload(record)).upload.refresh();
  }
}

function add(files) {
  for (const file of files) {
    const row = findRow(file);
    if (!row) show(new Upload(newRecord(owner(), file), file)).upload.start();
    else if (row.upload.isBusy) row.showError(`${file.name} is already uploading.`);
    else row.upload.start(file);
  }
}

function findRow(file) {
  return [...rows].find(({ upload }) => {
    const isMine = upload.record.user === owner();
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

/** Remove a row; if it has the focus, move the focus to a neighbour for keyboard users. */
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
  // Not while it completes, which may begin just as the button is clicked.
  else if ([State.PAUSED, State.FAILED].includes(state)) row.upload.start();
}

async function onStop(row) {
  const { upload } = row;
  if (row.stopLabel === "Remove") {
    remove(row);
  } else if (await confirmCancel(upload.record.name)) {
    // It may have completed while the dialog was open.
    if (upload.state !== State.DONE) await upload.cancel();
  }
}

function onFile(row, file) {
  if (isSameFile(row.upload.record, file)) row.upload.start(file);
  else row.showError(`${file.name} is not the file of this upload, or it has changed.`);
}
