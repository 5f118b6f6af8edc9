/** The parts of one file and how far each is. */

/** States of a part, for eyes and for `data-state`. */
export const WAITING = "waiting";
export const SENDING = "sending";
export const FAILING = "failing";
export const SENT = "sent";

/** The parts that the service has planned: all of `partSize` bytes, but the last. */
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

  /** Note that exactly these numbers are still to be sent. */
  onlyMissing(numbers) {
    const missing = new Set(numbers);
    for (const part of this.all) {
      move(part, missing.has(part.number) ? WAITING : SENT);
    }
  }

  /** Note that these are to be sent, too, whatever was thought of them. */
  alsoMissing(numbers) {
    for (const number of numbers) move(this.all[number - 1], WAITING);
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

  /** Give what has been sent as a share of 1; an empty file is all there once its part is. */
  get share() {
    if (this.size === 0) return this.sentCount / this.all.length;
    return this.sentBytes / this.size;
  }
}

/** Put a part into a state; what is loaded follows from it. */
export function move(part, state) {
  part.state = state;
  part.loaded = state === SENT ? part.end - part.start : 0;
}
