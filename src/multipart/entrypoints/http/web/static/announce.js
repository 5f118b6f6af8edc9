/** Tell people who do not see the page what has happened. */

const announcer = document.getElementById("announcer");

/** Say a sentence once what is being said has been said. */
export function announce(sentence) {
  const line = document.createElement("span");
  line.textContent = `${sentence} `;
  announcer.append(line);
  // Several sentences at once are all heard; old ones must not be found by reading on.
  setTimeout(() => line.remove(), 5000);
}
