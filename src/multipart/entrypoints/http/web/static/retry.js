/** Retries with backoff, suspended while there is no network. */

const ATTEMPTS = 6;
const FIRST_SECONDS = 0.5;
const MAX_SECONDS = 15;

/**
 * Call `work` until it succeeds, and return its result.
 *
 * Throws the error of `work` if `isTemporary` returns false for it, or after six failures. Waits for
 * `retryAfter` of the error, in seconds, if it has one; otherwise pauses double. Failures without a
 * network do not count: the next attempt follows when the network is back. Throws the reason of the
 * signal when it is aborted.
 */
export async function retry(work, { signal, isTemporary, onFailure = () => {} }) {
  let failures = 0;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const isOffline = !navigator.onLine;
      failures += isOffline ? 0 : 1;
      if (!isTemporary(error) || failures === ATTEMPTS) throw error;
      onFailure(error, failures);
      if (isOffline) await waitUntilOnline(signal);
      else await pause(error.retryAfter ?? backoff(failures), signal);
    }
  }
}

/** Return the seconds to wait after this many failures; jitter spreads many clients. */
function backoff(failures) {
  const longest = Math.min(FIRST_SECONDS * 2 ** (failures - 1), MAX_SECONDS);
  return longest * (0.75 + Math.random() / 4);
}

function pause(seconds, signal) {
  return waitFor(signal, (done) => {
    const timer = setTimeout(done, seconds * 1000);
    return () => clearTimeout(timer);
  });
}

function waitUntilOnline(signal) {
  return waitFor(signal, (done) => {
    window.addEventListener("online", done, { once: true });
    return () => window.removeEventListener("online", done);
  });
}

/** Wait until `begin` calls back, or throw the reason of the signal when it is aborted. */
function waitFor(signal, begin) {
  return new Promise((resolve, reject) => {
    const stop = begin(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    function onAbort() {
      stop();
      reject(signal.reason);
    }
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
