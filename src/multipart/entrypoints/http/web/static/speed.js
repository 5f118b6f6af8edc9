/** How fast bytes go out, over the last seconds. */

const WINDOW_MS = 6000;

export class Speed {
  #samples = [];

  /** Note how much is sent by now. Less than before is a part that failed: then count anew. */
  note(sentBytes, now = performance.now()) {
    const last = this.#samples.at(-1);
    if (last && sentBytes < last.sentBytes) this.#samples = [];
    this.#samples.push({ sentBytes, now });
    while (now - this.#samples[0].now > WINDOW_MS) this.#samples.shift();
  }

  forget() {
    this.#samples = [];
  }

  /** Give bytes a second; 0 while there is too little to tell. */
  get bytesPerSecond() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || last.now - first.now < 500) return 0;
    return ((last.sentBytes - first.sentBytes) * 1000) / (last.now - first.now);
  }
}
