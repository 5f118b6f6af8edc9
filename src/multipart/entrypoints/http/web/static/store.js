/** Data kept in the browser: the user's name and unfinished uploads. */

const NAME = "multipart-upload.name";
const UPLOADS = "multipart-upload.uploads";

export function rememberedName() {
  return read(NAME, "");
}

export function rememberName(name) {
  write(NAME, name);
}

/**
 * Create the record of a new upload: its user and the known attributes of the file.
 *
 * `id` is also the Idempotency-Key of its start: if a reload loses the answer, the repeated start
 * returns the same session. `asked` is true once a session may exist, `session` is the answer.
 */
export function newRecord(user, file) {
  const { name, size, lastModified, type } = file;
  return { id: randomId(), user, name, size, lastModified, type, asked: false, session: null };
}

/** Return whether a file is probably that of a record; a page cannot compare more. */
export function isSameFile(record, file) {
  return (
    record.name === file.name &&
    record.size === file.size &&
    record.lastModified === file.lastModified
  );
}

export function recordsOf(user) {
  return read(UPLOADS, []).filter((record) => record.user === user);
}

export function remember(record) {
  write(UPLOADS, [...others(record), record]);
}

export function forget(record) {
  write(UPLOADS, others(record));
}

function others(record) {
  return read(UPLOADS, []).filter((other) => other.id !== record.id);
}

// crypto.randomUUID needs a secure context, but the page may be served over plain HTTP.
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Without storage (full or forbidden), only resuming after a reload does not work.
function read(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    return;
  }
}
