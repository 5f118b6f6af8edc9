/** Texts for the states of uploads and sessions. */

import { bytes, percent, rate, timeLeft } from "./format.js";
import { FAILING } from "./parts.js";
import { State } from "./upload.js";

const STATE_TEXTS = {
  [State.NO_FILE]: "Choose the file again to continue",
  [State.QUEUED]: "Queued",
  [State.STARTING]: "Starting",
  [State.PAUSED]: "Paused",
  [State.COMPLETING]: "Completing",
  [State.CANCELLING]: "Cancelling",
  [State.CANCELLED]: "Cancelled",
};

/** Return the text below the progress bar. */
export function statusLine(upload) {
  const size = bytes(upload.record.size);
  if (upload.state === State.FAILED) return problemText(upload.problem);
  if (upload.state === State.DONE) return `Done, ${size}`;
  if (upload.isBusy && !navigator.onLine) return `Waiting for the network · ${size}`;
  if (upload.state !== State.UPLOADING) return `${STATE_TEXTS[upload.state]} · ${size}`;
  const speed = upload.speed.bytesPerSecond;
  const left = upload.record.size - upload.parts.sentBytes;
  return [
    `${bytes(upload.parts.sentBytes)} of ${size}`,
    ...(speed > 0 ? [rate(speed), ...(left > 0 ? [timeLeft(left / speed)] : [])] : []),
    ...(upload.parts.all.some((part) => part.state === FAILING) ? ["retrying a part"] : []),
  ].join(" · ");
}

/** Return the message of an error; for a large file, with the limit in a readable unit. */
function problemText(error) {
  const isTooLarge = error?.code === "file-too-large";
  return isTooLarge ? `The file is over the limit of ${bytes(error.problem.max_size)}.` : error?.message;
}

/** Return the announcement of the state of an upload, null if there is none. */
export function announcement(upload) {
  const { name } = upload.record;
  const sentences = {
    [State.UPLOADING]: `${name}: uploading.`,
    [State.PAUSED]: `${name}: paused.`,
    [State.DONE]: `${name}: done.`,
    [State.FAILED]: `${name}: failed. ${problemText(upload.problem)}`,
    [State.CANCELLED]: `${name}: cancelled.`,
  };
  return sentences[upload.state] ?? null;
}

/** Return the progress as text, for screen readers. */
export function progressText(upload) {
  if (!upload.parts) return "nothing sent";
  const { share, sentCount, all } = upload.parts;
  return `${percent(share)}, ${sentCount} of ${partCount(all.length)} sent`;
}

export function partCount(count) {
  return count === 1 ? "1 part" : `${count.toLocaleString("en")} parts`;
}

/** Texts for the states of a session. */
export const SESSION_STATES = {
  pending: "Starting",
  initiated: "Started",
  "in-progress": "In progress",
  completing: "Completing",
  completed: "Completed",
  aborting: "Cancelling",
  aborted: "Cancelled",
  expired: "Expired",
};
