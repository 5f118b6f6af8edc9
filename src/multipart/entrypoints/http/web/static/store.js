/** What this browser remembers: the user's name, and uploads that are not at their end. */

const NAME = "multipart-upload.name";
const UPLOADS = "multipart-upload.uploads";

export function rememberedName() {
  return read(NAME, "");
}

export function rememberName(name) {
  write(NAME, name);
}

/**
 * Make the memory of a new upload: whose it is, and the file by what can be known of it.
 *
 * `id` is also the Idempotency-Key of its start: a start whose answer was lost to a reload gives
 * the same session. `asked` says that there may be one, `session` is what the service has answered.
 */
export function newRecord(user, file) {
  const { name, size, lastModified, type } = file;
  return { id: randomId(), user, name, size, lastModified, type, asked: false, session: null };
}

/** Tell whether a file is the one of a record, as far as a page can know. */
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

// crypto.randomUUID is for secure contexts only, and this page may be served over plain HTTP.
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Without storage (it may be full, or forbidden) everything works but resuming after a reload.
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
