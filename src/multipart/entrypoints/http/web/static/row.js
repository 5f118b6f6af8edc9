/** The row of one upload. */

import { announce } from "./announce.js";
import { drawCells } from "./cells.js";
import { percent } from "./format.js";
import { drawParts } from "./part_list.js";
import { State } from "./upload.js";
import { announcement, progressText, statusLine } from "./wording.js";

const template = document.getElementById("upload-row");
// Text that changes every frame is unreadable.
const TEXT_MS = 250;
const ERROR_MS = 8000;

/** Label of the first button by state; in other states it is hidden. */
const GO = {
  [State.QUEUED]: "Pause",
  [State.STARTING]: "Pause",
  [State.UPLOADING]: "Pause",
  [State.PAUSED]: "Resume",
  [State.FAILED]: "Retry",
};
const { COMPLETING, CANCELLING } = State;

/** Calls `handlers` with itself: `onGo(row)`, `onStop(row)`, `onFile(row, file)`. */
export class Row {
  #frame = 0;
  #textDueAt = 0;
  #timer = 0;
  #shownState = null;
  #error = "";
  #errorUntil = 0;

  constructor(upload, handlers) {
    this.upload = upload;
    this.element = template.content.cloneNode(true).firstElementChild;
    this.element.querySelector(".upload-name").textContent = upload.record.name;
    this.#wire(handlers);
    upload.addEventListener("change", () => this.#scheduleDraw());
    this.draw();
  }

  focus() {
    const button = [...this.element.querySelectorAll("button")].find(isShown);
    (button ?? this.element.querySelector(".upload-name")).focus();
  }

  /** Show an error of the user for some seconds or until the state changes. */
  showError(sentence) {
    announce(sentence);
    this.#errorUntil = performance.now() + ERROR_MS;
    this.#error = sentence;
    this.#textDueAt = 0;
    this.draw();
    setTimeout(() => this.draw(), ERROR_MS);
  }

  /** Draw the current state of the upload. */
  draw() {
    const { upload, element } = this;
    const isNewState = upload.state !== this.#shownState;
    if (isNewState) this.#drawState();
    const cells = element.querySelector(".cells");
    drawCells(cells, upload.parts);
    const wait = isNewState ? 0 : this.#textDueAt - performance.now();
    clearTimeout(this.#timer);
    if (wait > 0) {
      this.#timer = setTimeout(() => this.draw(), wait);
      return;
    }
    this.#textDueAt = performance.now() + TEXT_MS;
    const share = upload.state === State.DONE ? 1 : (upload.parts?.share ?? 0);
    cells.setAttribute("aria-valuenow", String(Math.floor(share * 100)));
    cells.setAttribute("aria-valuetext", progressText(upload));
    const hasError = performance.now() < this.#errorUntil;
    const text = hasError ? this.#error : statusLine(upload);
    element.querySelector(".upload-text").textContent = text;
    element.querySelector(".upload-percent").textContent = percent(share);
    drawParts(element.querySelector("details"), upload.state === State.DONE ? null : upload.parts);
  }

  #wire(handlers) {
    const { element } = this;
    const { name } = this.upload.record;
    element.querySelector(".go").addEventListener("click", () => handlers.onGo(this));
    element.querySelector(".stop").addEventListener("click", () => handlers.onStop(this));
    const input = element.querySelector("input");
    const choose = element.querySelector(".choose-again");
    choose.setAttribute("aria-label", `Choose file ${name} again`);
    choose.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      if (input.files.length > 0) handlers.onFile(this, input.files[0]);
      input.value = "";
    });
    element.querySelector(".cells").setAttribute("aria-label", `Progress of ${name}`);
    element.querySelector("details").addEventListener("toggle", () => this.draw());
  }

  /** Draw what depends only on the state, and keep the focus in the row if it is there. */
  #drawState() {
    const { upload, element } = this;
    const hadFocus = element.contains(document.activeElement);
    this.#shownState = upload.state;
    this.#errorUntil = 0;
    element.dataset.state = upload.state;
    const canGo = upload.state in GO && (upload.state !== State.FAILED || upload.canRetry);
    const isStoppable = ![COMPLETING, CANCELLING].includes(upload.state);
    this.#label(".go", canGo ? GO[upload.state] : null);
    this.#label(".stop", isStoppable ? this.stopLabel : null);
    element.querySelector(".choose-again").hidden = upload.state !== State.NO_FILE;
    const location = element.querySelector(".upload-location");
    location.hidden = upload.state !== State.DONE || !upload.location;
    location.textContent = upload.location ?? "";
    // A hidden element loses the focus, now or in the next frame.
    const hasFocus = element.contains(document.activeElement) && isShown(document.activeElement);
    if (hadFocus && !hasFocus) this.focus();
    const sentence = announcement(upload);
    if (sentence) announce(sentence);
  }

  /** "Remove" for an upload that has ended, otherwise "Cancel". */
  get stopLabel() {
    const { state, record } = this.upload;
    const isOver = state === State.DONE || (state === State.FAILED && !record.asked);
    return isOver ? "Remove" : "Cancel";
  }

  #label(selector, label) {
    const button = this.element.querySelector(selector);
    button.hidden = label === null;
    button.textContent = label ?? "";
    button.setAttribute("aria-label", `${label} ${this.upload.record.name}`);
  }

  #scheduleDraw() {
    if (this.#frame) return;
    // A background page gets no frames, but must still make announcements.
    const later = document.hidden ? (draw) => setTimeout(draw, TEXT_MS) : requestAnimationFrame;
    this.#frame = later(() => {
      this.#frame = 0;
      this.draw();
    });
  }
}

function isShown(element) {
  return element.isConnected && element.checkVisibility();
}
