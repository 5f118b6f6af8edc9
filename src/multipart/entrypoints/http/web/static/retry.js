/** Trying again: how often, after how long, and not while there is no network. */

const ATTEMPTS = 6;
const FIRST_SECONDS = 0.5;
const MOST_SECONDS = 15;

/**
 * Do the work until it succeeds, and give what it gives.
 *
 * Its error is thrown when `mayPass` says that it is final, or after six failures in a row. A
 * `retryAfter` of the error, in seconds, is honoured; else pauses double. Failures without a
 * network are not counted: the work goes on when the network is back. When the signal is aborted,
 * its reason is thrown.
 */
export async function persistently(work, { signal, mayPass, onFailure = () => {} }) {
  let failures = 0;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const isOffline = !navigator.onLine;
      failures += isOffline ? 0 : 1;
      if (!mayPass(error) || failures === ATTEMPTS) throw error;
      onFailure(error, failures);
      if (isOffline) await untilOnline(signal);
      else await pause(error.retryAfter ?? backoff(failures), signal);
    }
  }
}

/** Give the seconds to wait after this many failures; jitter keeps many clients apart. */
function backoff(failures) {
  const longest = Math.min(FIRST_SECONDS * 2 ** (failures - 1), MOST_SECONDS);
  return longest * (0.75 + Math.random() / 4);
}

function pause(seconds, signal) {
  return settled(signal, (done) => {
    const timer = setTimeout(done, seconds * 1000);
    return () => clearTimeout(timer);
  });
}

function untilOnline(signal) {
  return settled(signal, (done) => {
    window.addEventListener("online", done, { once: true });
    return () => window.removeEventListener("online", done);
  });
}

/** Wait for `begin` to call back, or throw the signal's reason as soon as it is aborted. */
function settled(signal, begin) {
  return new Promise((resolve, reject) => {
    const stop = begin(() => {
      signal.removeEventListener("abort", aborted);
      resolve();
    });
    function aborted() {
      stop();
      reject(signal.reason);
    }
    signal.addEventListener("abort", aborted, { once: true });
  });
}
