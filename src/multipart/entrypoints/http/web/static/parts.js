/** The parts of one file and their progress. */

/** States of a part, also used in `data-state`. */
export const WAITING = "waiting";
export const SENDING = "sending";
export const FAILING = "failing";
export const SENT = "sent";

/** The parts of the part plan: all of `partSize` bytes, except the last. */
export class Parts {
  constructor(size, partSize, partCount) {
    this.size = size;
    this.all = Array.from({ length: partCount }, (_, index) => ({
      number: index + 1,
      start: index * partSize,
      end: Math.min((index + 1) * partSize, size),
      state: WAITING,
      loaded: 0,
    }));
  }

  /** Mark exactly these part numbers as not sent. */
  setMissing(numbers) {
    const missing = new Set(numbers);
    for (const part of this.all) {
      setState(part, missing.has(part.number) ? WAITING : SENT);
    }
  }

  /** Mark these part numbers as not sent as well. */
  addMissing(numbers) {
    for (const number of numbers) setState(this.all[number - 1], WAITING);
  }

  get waiting() {
    return this.all.filter((part) => part.state === WAITING);
  }

  get sentCount() {
    return this.all.filter((part) => part.state === SENT).length;
  }

  get sentBytes() {
    return this.all.reduce((sum, part) => sum + part.loaded, 0);
  }

  /** Return the sent fraction; for an empty file it is 1 once its only part is sent. */
  get share() {
    if (this.size === 0) return this.sentCount / this.all.length;
    return this.sentBytes / this.size;
  }
}

/** Set the state of a part, and its loaded bytes accordingly. */
export function setState(part, state) {
  part.state = state;
  part.loaded = state === SENT ? part.end - part.start : 0;
}
