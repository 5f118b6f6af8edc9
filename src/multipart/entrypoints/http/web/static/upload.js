/** One file on its way: start, send the parts, complete; pause, resume, cancel in between. */

import { ApiError, abortUpload, completeUpload, recordPart, startUpload, uploadStatus } from "./api.js";
import { FAILING, Parts, SENDING, SENT, WAITING, move } from "./parts.js";
import { FileChangedError, PutError, put } from "./put.js";
import { persistently } from "./retry.js";
import { SignedUrls } from "./signing.js";
import { Slots } from "./slots.js";
import { Speed } from "./speed.js";
import { forget, newRecord, remember } from "./store.js";

/** States of an upload on this page, for eyes and for `data-state`. */
export const State = Object.freeze({
  NO_FILE: "no-file", // after a reload, until the file is chosen again
  QUEUED: "queued",
  STARTING: "starting",
  UPLOADING: "uploading",
  PAUSED: "paused",
  COMPLETING: "completing",
  DONE: "done",
  FAILED: "failed",
  CANCELLING: "cancelling",
  CANCELLED: "cancelled",
});

const PARTS_AT_ONCE = 6; // as many connections to one host as browsers open
const FILES_AT_ONCE = 6;
const MOST_REPAIRS = 3;

const partSlots = new Slots(PARTS_AT_ONCE);
const fileSlots = new Slots(FILES_AT_ONCE);

/** The upload has come to an end elsewhere; sending the file again is a new upload. */
class UploadEndedError extends Error {
  constructor(status) {
    const how = status === "expired" ? "has expired" : "was cancelled elsewhere";
    super(status ? `This upload ${how}.` : "The service no longer knows this upload.");
  }
}

/** Tells of every change by an event `change`; `problem` is an error when the state is FAILED. */
export class Upload extends EventTarget {
  #run = { controller: new AbortController(), end: Promise.resolve() };

  constructor(record, file = null) {
    super();
    this.record = record;
    this.file = file;
    this.state = file ? State.QUEUED : State.NO_FILE;
    this.parts = null;
    this.speed = new Speed();
    this.problem = null;
    this.canRetry = true;
    this.location = null;
    this.#plan();
  }

  /** Tell whether leaving the page would interrupt something. */
  get isBusy() {
    const { QUEUED, STARTING, UPLOADING, COMPLETING, CANCELLING } = State;
    return [QUEUED, STARTING, UPLOADING, COMPLETING, CANCELLING].includes(this.state);
  }

  /** Send what is not sent yet: at first, after a pause, a failure or a reload. */
  start(file = this.file) {
    const before = this.#run;
    // What went before has its end first: two runs would send the same parts.
    before.controller.abort();
    const controller = new AbortController();
    const { signal } = controller;
    this.file = file;
    this.problem = null;
    this.#move(State.QUEUED);
    const end = before.end
      .then(() => fileSlots.during(signal, () => this.#work(signal)))
      .then(
        () => this.#done(),
        (error) => signal.aborted || this.#failed(error),
      );
    this.#run = { controller, end };
  }

  /** Stop sending; parts that are on their way must be sent again. */
  async pause() {
    await this.#stopped(State.PAUSED);
  }

  /** Throw away what was sent. */
  async cancel() {
    // Until nothing is under way: a part that arrives after the abort would stay.
    await this.#stopped(State.CANCELLING);
    const { signal } = new AbortController();
    try {
      if (this.record.asked) {
        await this.#open(signal);
        await abortUpload(this.#address, signal);
      }
    } catch (error) {
      if (error.problem?.upload_status === "completed") return this.#done();
      if (!endOf(error)) return this.#failed(error);
    }
    forget(this.record);
    this.#move(State.CANCELLED);
    return undefined;
  }

  /** Ask the service how far an upload is whose file is not at hand. */
  async look() {
    const { signal } = this.#run.controller;
    try {
      await this.#open(signal);
      await this.#takeStatus(signal);
      if (this.location) this.#done();
      else this.#changed();
    } catch (error) {
      if (!endOf(error)) return; // it is asked again when the file is there
      forget(this.record);
      this.#move(State.CANCELLED);
    }
  }

  get #address() {
    const { upload_id, key } = this.record.session;
    return { user_id: this.record.user, upload_id, key };
  }

  async #work(signal) {
    this.#move(State.STARTING);
    const isNew = !this.record.asked;
    await this.#open(signal);
    if (!isNew) await this.#takeStatus(signal);
    for (let repairs = 0; this.location === null; repairs += 1) {
      try {
        await this.#sendParts(signal);
        this.#move(State.COMPLETING);
        this.location = (await completeUpload(this.#address, signal)).location;
      } catch (error) {
        if (signal.aborted || repairs === MOST_REPAIRS) throw error;
        await this.#repair(error, signal);
      }
    }
  }

  /** Make the session, or find it again by the same key when the answer was lost. */
  async #open(signal) {
    const { record } = this;
    if (record.session) return;
    record.asked = true;
    remember(record);
    const { upload_id, key, part_size, part_count } = await startUpload(
      { user_id: record.user, filename: record.name, content_type: record.type, size: record.size },
      record.id,
      signal,
    );
    record.session = { upload_id, key, part_size, part_count };
    remember(record);
    this.#plan();
  }

  #plan() {
    const { session, size } = this.record;
    if (session) this.parts = new Parts(size, session.part_size, session.part_count);
  }

  /** Believe the service and S3, not this page, about what has arrived. */
  async #takeStatus(signal) {
    const status = await uploadStatus(this.#address, signal);
    if (["aborting", "aborted", "expired"].includes(status.status)) {
      throw new UploadEndedError(status.status);
    }
    this.location = status.location;
    this.parts.onlyMissing(status.missing_parts ?? []);
    return status;
  }

  /** Find out which parts must be sent again, or throw the error when that is not the matter. */
  async #repair(error, signal) {
    if (error.code === "parts-missing") {
      const { missing_parts, mismatched_parts } = error.problem;
      this.parts.alsoMissing([...missing_parts, ...mismatched_parts]);
      return;
    }
    // S3 has thrown the upload away: signing opens another one, and all parts are missing.
    if (error.code !== "store-upload-gone" && !(error instanceof PutError)) throw error;
    const { parts_lost: isLost } = await this.#takeStatus(signal);
    if (error instanceof PutError && !isLost) throw error;
  }

  async #sendParts(signal) {
    this.speed.forget();
    this.#move(State.UPLOADING);
    const queue = this.parts.waiting;
    const { upload_id, key } = this.record.session;
    const numbers = queue.map((part) => part.number);
    const urls = new SignedUrls({ upload_id, key }, numbers, signal);
    const lanes = Array.from({ length: PARTS_AT_ONCE }, () => this.#sendInTurn(queue, urls, signal));
    const outcomes = await Promise.allSettled(lanes);
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure) throw failure.reason;
  }

  async #sendInTurn(queue, urls, signal) {
    for (let part = queue.shift(); part; part = queue.shift()) {
      try {
        await partSlots.during(signal, () => this.#send(part, urls, signal));
      } catch (error) {
        // Parts that are on their way may arrive; no other one is begun.
        queue.length = 0;
        move(part, WAITING);
        throw error;
      }
    }
  }

  async #send(part, urls, signal) {
    const onProgress = (loaded) => {
      part.loaded = Math.min(loaded, part.end - part.start);
      this.#changed();
    };
    const etag = await persistently(
      async () => {
        const url = await urls.take(part.number);
        move(part, SENDING);
        return put(url, this.file.slice(part.start, part.end), { signal, onProgress });
      },
      {
        signal,
        // 404 is S3's word for an upload that it has thrown away.
        mayPass: (error) => error instanceof PutError && error.status !== 404,
        onFailure: (error) => {
          if (error.status === 403) urls.forget();
          move(part, FAILING);
          this.#changed();
        },
      },
    );
    move(part, SENT);
    this.#changed();
    // Without it the service finds the part by itself, when all are put together.
    if (etag) await recordPart({ ...this.#address, part_number: part.number, etag }, signal);
  }

  async #stopped(state) {
    const { controller, end } = this.#run;
    controller.abort();
    this.#move(state);
    await end;
    this.#changed();
  }

  #done() {
    forget(this.record);
    this.parts.onlyMissing([]);
    this.#move(State.DONE);
  }

  #failed(error) {
    const end = endOf(error);
    this.problem = end ?? error;
    // What the service says of the file itself it would say again.
    const isRefused = this.record.session === null && [413, 422].includes(error.status);
    this.canRetry = !isRefused && !(error instanceof FileChangedError);
    if (end || isRefused) this.#forgetSession();
    this.#move(State.FAILED);
  }

  /** Make the next start one of a new session. */
  #forgetSession() {
    forget(this.record);
    this.record = newRecord(this.record.user, this.record);
    this.parts = null;
  }

  #move(state) {
    this.state = state;
    this.#changed();
  }

  #changed() {
    if (this.parts) this.speed.note(this.parts.sentBytes);
    this.dispatchEvent(new Event("change"));
  }
}

/** Give the end that an error tells of, null if the upload may still be open. */
function endOf(error) {
  if (error instanceof UploadEndedError) return error;
  if (!(error instanceof ApiError)) return null;
  if (error.code === "upload-not-found") return new UploadEndedError(null);
  const status = error.problem.upload_status;
  const isEnd = error.code === "wrong-state" && ["aborting", "aborted", "expired"].includes(status);
  return isEnd ? new UploadEndedError(status) : null;
}
