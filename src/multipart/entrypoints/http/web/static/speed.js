/** The upload speed over the last seconds. */

const WINDOW_MS = 6000;

export class Speed {
  #samples = [];

  /** Record the bytes sent so far. If they decrease, a part has failed: start again. */
  record(sentBytes, now = performance.now()) {
    const last = this.#samples.at(-1);
    if (last && sentBytes < last.sentBytes) this.#samples = [];
    this.#samples.push({ sentBytes, now });
    while (now - this.#samples[0].now > WINDOW_MS) this.#samples.shift();
  }

  reset() {
    this.#samples = [];
  }

  /** Return bytes per second; 0 until there are enough samples. */
  get bytesPerSecond() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || last.now - first.now < 500) return 0;
    return ((last.sentBytes - first.sentBytes) * 1000) / (last.now - first.now);
  }
}
