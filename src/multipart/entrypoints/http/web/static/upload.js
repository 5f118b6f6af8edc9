/** One upload: start, send the parts, complete; pause, resume and cancel. */

import { ApiError, abortUpload, completeUpload, recordPart, startUpload, uploadStatus } from "./api.js";
import { FAILING, Parts, SENDING, SENT, WAITING, setState } from "./parts.js";
import { FileChangedError, PutError, put } from "./put.js";
import { retry } from "./retry.js";
import { SignedUrls } from "./signing.js";
import { Slots } from "./slots.js";
import { Speed } from "./speed.js";
import { forget, newRecord, remember } from "./store.js";

/** States of an upload on this page, also used in `data-state`. */
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

const MAX_PARTS = 6; // browsers open as many connections to one host
const MAX_FILES = 6;
const MAX_REPAIRS = 3;

const partSlots = new Slots(MAX_PARTS);
const fileSlots = new Slots(MAX_FILES);

/** The upload was ended elsewhere; sending the file again starts a new upload. */
class UploadEndedError extends Error {
  constructor(status) {
    const how = status === "expired" ? "has expired" : "was cancelled elsewhere";
    super(status ? `This upload ${how}.` : "The service no longer knows this upload.");
  }
}

/** Parts must be sent, but after the reload no file has been chosen yet. */
class FileNeededError extends Error {}

/** Fires `change` after every change; `problem` is an error if the state is FAILED. */
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

  /** Return whether leaving the page would interrupt the upload. */
  get isBusy() {
    const { QUEUED, STARTING, UPLOADING, COMPLETING, CANCELLING } = State;
    return [QUEUED, STARTING, UPLOADING, COMPLETING, CANCELLING].includes(this.state);
  }

  /** Send the missing parts: at first, or after a pause, a failure or a reload. */
  start(file = this.file) {
    const previous = this.#run;
    // Wait for the previous run to end: two runs would send the same parts.
    previous.controller.abort();
    const controller = new AbortController();
    const { signal } = controller;
    this.file = file;
    this.problem = null;
    this.#move(State.QUEUED);
    const end = previous.end
      .then(() => fileSlots.run(signal, () => this.#upload(signal)))
      .then(
        () => this.#finish(),
        (error) => signal.aborted || this.#fail(error),
      );
    this.#run = { controller, end };
  }

  /** Stop sending; parts that are being sent must be sent again. */
  async pause() {
    await this.#stop(State.PAUSED);
  }

  /** Abort the upload and discard the data sent so far. */
  async cancel() {
    // Stop sending first: a part that arrives after the abort would remain in S3.
    await this.#stop(State.CANCELLING);
    const { signal } = new AbortController();
    try {
      if (this.record.asked) {
        await this.#open(signal);
        await abortUpload(this.#reference, signal);
      }
    } catch (error) {
      if (error.problem?.upload_status === "completed") return this.#finish();
      if (!toEndedError(error)) return this.#fail(error);
    }
    forget(this.record);
    this.#move(State.CANCELLED);
    return undefined;
  }

  /** Load the status of an upload whose file is not chosen yet; complete it if all parts arrived. */
  async refresh() {
    const { signal } = this.#run.controller;
    try {
      await this.#open(signal);
      await this.#loadStatus(signal);
      if (this.location) this.#finish();
      else if (this.parts.waiting.length === 0) this.start();
      else this.#changed();
    } catch (error) {
      if (!toEndedError(error)) return; // retried when the file is chosen
      forget(this.record);
      this.#move(State.CANCELLED);
    }
  }

  get #reference() {
    const { upload_id, key } = this.record.session;
    return { user_id: this.record.user, upload_id, key };
  }

  async #upload(signal) {
    this.#move(State.STARTING);
    const isNew = !this.record.asked;
    await this.#open(signal);
    if (!isNew) await this.#loadStatus(signal);
    for (let repairs = 0; this.location === null; repairs += 1) {
      try {
        await this.#sendParts(signal);
        this.#move(State.COMPLETING);
        this.location = (await completeUpload(this.#reference, signal)).location;
      } catch (error) {
        const isFinal = error instanceof FileNeededError || repairs === MAX_REPAIRS;
        if (signal.aborted || isFinal) throw error;
        await this.#repair(error, signal);
      }
    }
  }

  /** Start the session; if the answer was lost, the same key returns the same session. */
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

  /** Load from the service which parts have arrived; it may know more than this page. */
  async #loadStatus(signal) {
    const status = await uploadStatus(this.#reference, signal);
    if (["aborting", "aborted", "expired"].includes(status.status)) {
      throw new UploadEndedError(status.status);
    }
    this.location = status.location;
    this.parts.setMissing(status.missing_parts ?? []);
    return status;
  }

  /** Mark the parts that must be sent again; throw the error if it has another cause. */
  async #repair(error, signal) {
    if (error.code === "parts-missing") {
      const { missing_parts, mismatched_parts } = error.problem;
      this.parts.addMissing([...missing_parts, ...mismatched_parts]);
      return;
    }
    // S3 discarded the upload: signing opens a new one, and all parts are missing.
    if (error.code !== "store-upload-gone" && !(error instanceof PutError)) throw error;
    const { parts_lost: isLost } = await this.#loadStatus(signal);
    if (error instanceof PutError && !isLost) throw error;
  }

  async #sendParts(signal) {
    if (!this.file && this.parts.waiting.length > 0) throw new FileNeededError();
    this.speed.reset();
    this.#move(State.UPLOADING);
    const queue = this.parts.waiting;
    const { upload_id, key } = this.record.session;
    const numbers = queue.map((part) => part.number);
    const urls = new SignedUrls({ upload_id, key }, numbers, signal);
    const lanes = Array.from({ length: MAX_PARTS }, () => this.#sendQueue(queue, urls, signal));
    const outcomes = await Promise.allSettled(lanes);
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure) throw failure.reason;
  }

  async #sendQueue(queue, urls, signal) {
    for (let part = queue.shift(); part; part = queue.shift()) {
      try {
        await partSlots.run(signal, () => this.#send(part, urls, signal));
      } catch (error) {
        // Parts that are being sent may arrive; start no others.
        queue.length = 0;
        setState(part, WAITING);
        throw error;
      }
    }
  }

  async #send(part, urls, signal) {
    const onProgress = (loaded) => {
      part.loaded = Math.min(loaded, part.end - part.start);
      this.#changed();
    };
    const etag = await retry(
      async () => {
        const url = await urls.take(part.number);
        setState(part, SENDING);
        return put(url, this.file.slice(part.start, part.end), { signal, onProgress });
      },
      {
        signal,
        // S3 answers 404 for an upload that it discarded.
        isTemporary: (error) => error instanceof PutError && error.status !== 404,
        onFailure: (error) => {
          if (error.status === 403) urls.discard();
          setState(part, FAILING);
          this.#changed();
        },
      },
    );
    setState(part, SENT);
    this.#changed();
    // Without an ETag the service finds the part in S3 when the upload completes.
    if (etag) await recordPart({ ...this.#reference, part_number: part.number, etag }, signal);
  }

  async #stop(state) {
    const { controller, end } = this.#run;
    controller.abort();
    this.#move(state);
    await end;
    this.#changed();
  }

  #finish() {
    forget(this.record);
    this.parts.setMissing([]);
    this.#move(State.DONE);
  }

  #fail(error) {
    if (error instanceof FileNeededError) {
      this.#move(State.NO_FILE);
      return;
    }
    const end = toEndedError(error);
    this.problem = end ?? error;
    // A retry with the same file would be refused again.
    const isRefused = this.record.session === null && [413, 422].includes(error.status);
    this.canRetry = !isRefused && !(error instanceof FileChangedError);
    if (end || isRefused) this.#forgetSession();
    this.#move(State.FAILED);
  }

  /** Make the next start create a new session. */
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
    if (this.parts) this.speed.record(this.parts.sentBytes);
    this.dispatchEvent(new Event("change"));
  }
}

/** Return an UploadEndedError if the error means that the upload has ended, otherwise null. */
function toEndedError(error) {
  if (error instanceof UploadEndedError) return error;
  if (!(error instanceof ApiError)) return null;
  if (error.code === "upload-not-found") return new UploadEndedError(null);
  const status = error.problem.upload_status;
  const isEnd = error.code === "wrong-state" && ["aborting", "aborted", "expired"].includes(status);
  return isEnd ? new UploadEndedError(status) : null;
}
