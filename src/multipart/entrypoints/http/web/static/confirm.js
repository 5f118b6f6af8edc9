/** Ask before an upload is cancelled. */

const dialog = document.getElementById("confirm");

/** Return whether the user confirms; Escape means no. */
export function confirmCancel(name) {
  document.getElementById("confirm-title").textContent = `Cancel the upload of ${name}?`;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

document.getElementById("confirm-yes").addEventListener("click", () => dialog.close("yes"));
document.getElementById("confirm-no").addEventListener("click", () => dialog.close("no"));
