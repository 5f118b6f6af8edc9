/** The name of the user, who owns the uploads. */

import { rememberName, rememberedName } from "./store.js";

const input = document.getElementById("user");
const error = document.getElementById("user-error");

/** Fill in the remembered name, and call `onName` with it now and after every change. */
export function watchName(onName) {
  input.value = rememberedName();
  input.addEventListener("change", () => {
    rememberName(currentName());
    showError("");
    onName(currentName());
  });
  // Enter ends the input; there is no form to submit.
  input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
  onName(currentName());
}

export function currentName() {
  return input.value.trim();
}

/** Ask for the name, without which no upload can start. */
export function askForName() {
  showError("Enter your name to start the upload.");
  input.focus();
}

function showError(sentence) {
  error.textContent = sentence;
  input.toggleAttribute("aria-invalid", sentence !== "");
}
