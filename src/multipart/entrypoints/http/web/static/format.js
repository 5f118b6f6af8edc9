/** Format numbers and times for people. */

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** Format bytes in decimal units, as file managers do: "26.2 MB". */
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1)} ${UNITS[unit]}`;
}

/** Format bytes per second. */
export function rate(bytesPerSecond) {
  return `${bytes(Math.round(bytesPerSecond))}/s`;
}

/** Format an estimated remaining time in the largest useful unit. */
export function timeLeft(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min left`;
  return `${Math.round(hours / 24)} days left`;
}

/** Format a fraction in whole percent; 100 % only if nothing is missing. */
export function percent(share) {
  return `${Math.floor(share * 100)} %`;
}

/** Format an RFC 3339 time in the time zone of the user. */
export function moment(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
