/** The list of a user's upload sessions. */

import { listUploads } from "./api.js";
import { bytes, moment } from "./format.js";
import { SESSION_STATES } from "./wording.js";

const PAGE = 20;
const SETTLE_MS = 400;

const section = document.getElementById("history");
const table = document.getElementById("sessions");
const rows = document.getElementById("session-rows");
const note = document.getElementById("history-note");
const more = document.getElementById("more");
const template = document.getElementById("session-row");

let user = "";
let cursor = null;
let loading = new AbortController();
let timer = 0;

document.getElementById("refresh").addEventListener("click", () => load());
more.addEventListener("click", () => load(cursor));

/** Show the sessions of a user; hide the list for an empty name. */
export function showHistoryOf(name) {
  user = name;
  section.hidden = !user;
  if (user) load();
}

/** Reload the list soon, once for all changes until then. */
export function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => user && load(), SETTLE_MS);
}

async function load(after = null) {
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  const query = { user_id: user, limit: PAGE, ...(after && { cursor: after }) };
  try {
    show(await listUploads(query, signal), after !== null);
  } catch (error) {
    if (!signal.aborted) showNote(`The list cannot be loaded: ${error.message}`);
  }
}

function show(page, isContinued) {
  const found = page.uploads.map(sessionRow);
  if (isContinued) rows.append(...found);
  else rows.replaceChildren(...found);
  // The clicked button may disappear: then move the focus to the list.
  if (isContinued && !page.next_cursor) document.getElementById("history-title").focus();
  cursor = page.next_cursor;
  more.hidden = cursor === null;
  table.hidden = rows.childElementCount === 0;
  showNote(table.hidden ? "No uploads yet." : "");
}

function showNote(sentence) {
  note.textContent = sentence;
  note.hidden = sentence === "";
}

function sessionRow(session) {
  const row = template.content.cloneNode(true).firstElementChild;
  row.querySelector(".session-name").textContent = session.filename;
  row.querySelector(".session-time").textContent = moment(session.created_at);
  row.querySelector(".number").textContent = session.size === null ? "" : bytes(session.size);
  const state = row.querySelector(".state");
  state.textContent = SESSION_STATES[session.status];
  state.dataset.state = session.status;
  return row;
}
