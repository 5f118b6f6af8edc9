/** Announce events to screen readers. */

const announcer = document.getElementById("announcer");

/** Announce a sentence after those announced before. */
export function announce(sentence) {
  const line = document.createElement("span");
  line.textContent = `${sentence} `;
  announcer.append(line);
  // All sentences that are added at once are read; old ones must not stay on the page.
  setTimeout(() => line.remove(), 5000);
}
