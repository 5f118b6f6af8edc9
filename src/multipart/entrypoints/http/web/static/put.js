/** Send the bytes of one part to S3. */

// A dead connection would otherwise never end.
const STALL_MS = 60_000;
// S3 answers 200, Azure 201.
const SUCCESS = [200, 201];

/** S3 refused the part or did not answer; `status` is 0 without an answer that the page may read. */
export class PutError extends Error {
  constructor(status) {
    super(status ? `The storage answered ${status}.` : "The storage cannot be reached.");
    this.status = status;
  }
}

/** The file was changed or removed after it was chosen. */
export class FileChangedError extends Error {
  constructor() {
    super("The file has changed or can no longer be read. Choose it again.");
  }
}

/**
 * PUT a slice of a file and return S3's ETag, null if a CORS rule hides it or the store has none.
 *
 * `onProgress` is called with the bytes sent. Throw PutError, FileChangedError, or the signal's reason.
 */
export async function put(url, slice, { signal, onProgress }) {
  try {
    return await send(url, slice, signal, onProgress);
  } catch (error) {
    if (error instanceof PutError && error.status === 0) await requireReadable(slice);
    throw error;
  }
}

// XMLHttpRequest, because fetch does not report upload progress.
function send(url, slice, signal, onProgress) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    let stalled = setTimeout(abort, STALL_MS);
    request.upload.onprogress = (event) => {
      clearTimeout(stalled);
      stalled = setTimeout(abort, STALL_MS);
      onProgress(event.loaded);
    };
    request.onloadend = () => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", abort);
      if (signal.aborted) reject(signal.reason);
      else if (SUCCESS.includes(request.status)) resolve(request.getResponseHeader("ETag"));
      else reject(new PutError(request.status));
    };
    signal.addEventListener("abort", abort, { once: true });
    request.open("PUT", url);
    request.send(slice);
  });
}

async function requireReadable(slice) {
  try {
    await slice.slice(0, 1).arrayBuffer();
  } catch {
    throw new FileChangedError();
  }
}
