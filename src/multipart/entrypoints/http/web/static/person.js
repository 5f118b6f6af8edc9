/** Whose uploads these are. */

import { rememberName, rememberedName } from "./store.js";

const input = document.getElementById("user");
const error = document.getElementById("user-error");

/** Fill the name in as last time, and call `onName` with it now and whenever it changes. */
export function watchName(onName) {
  input.value = rememberedName();
  input.addEventListener("change", () => {
    rememberName(currentName());
    complain("");
    onName(currentName());
  });
  // Enter means "done"; there is no form to send.
  input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
  onName(currentName());
}

export function currentName() {
  return input.value.trim();
}

/** Ask for the name, where nothing can go on without it. */
export function askForName() {
  complain("Enter your name; the upload then starts.");
  input.focus();
}

function complain(sentence) {
  error.textContent = sentence;
  input.toggleAttribute("aria-invalid", sentence !== "");
}
