/** Numbers as people read them. */

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** Give bytes in decimal units, as file managers do: "26.2 MB". */
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1)} ${UNITS[unit]}`;
}

/** Give bytes a second. */
export function rate(bytesPerSecond) {
  return `${bytes(Math.round(bytesPerSecond))}/s`;
}

/** Give a time that is only roughly known, in the unit that matters. */
export function timeLeft(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min left`;
  return `${Math.round(hours / 24)} days left`;
}

/** Give a share of 1 in whole percent; 100 only when nothing is missing. */
export function percent(share) {
  return `${Math.floor(share * 100)} %`;
}

/** Give a time of the wire, RFC 3339, in the reader's own zone. */
export function moment(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
