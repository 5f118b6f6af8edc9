/** What is said of an upload on this page and of a session on the service. */

import { bytes, percent, rate, timeLeft } from "./format.js";
import { FAILING } from "./parts.js";
import { State } from "./upload.js";

const PLAIN = {
  [State.NO_FILE]: "Choose the file again to go on",
  [State.QUEUED]: "Waiting for its turn",
  [State.STARTING]: "Starting",
  [State.PAUSED]: "Paused",
  [State.COMPLETING]: "Putting the parts together",
  [State.CANCELLING]: "Cancelling",
  [State.CANCELLED]: "Cancelled",
};

/** Give the line below the bar. */
export function statusLine(upload) {
  const size = bytes(upload.record.size);
  if (upload.state === State.FAILED) return problemLine(upload.problem);
  if (upload.state === State.DONE) return `Done, ${size}`;
  if (upload.isBusy && !navigator.onLine) return `Waiting for the network · ${size}`;
  if (upload.state !== State.UPLOADING) return `${PLAIN[upload.state]} · ${size}`;
  const speed = upload.speed.bytesPerSecond;
  const left = upload.record.size - upload.parts.sentBytes;
  return [
    `${bytes(upload.parts.sentBytes)} of ${size}`,
    ...(speed > 0 ? [rate(speed), ...(left > 0 ? [timeLeft(left / speed)] : [])] : []),
    ...(upload.parts.all.some((part) => part.state === FAILING) ? ["trying a part again"] : []),
  ].join(" · ");
}

/** Give what went wrong; the service's own sentence, unless its bytes are better read in MB. */
function problemLine(error) {
  const isTooLarge = error?.code === "file-too-large";
  return isTooLarge ? `Over the limit of ${bytes(error.problem.max_size)} for a file.` : error?.message;
}

/** Give the sentence that is read out when an upload has come into its state; null for none. */
export function announcement(upload) {
  const { name } = upload.record;
  const sentences = {
    [State.UPLOADING]: `${name}: uploading.`,
    [State.PAUSED]: `${name}: paused.`,
    [State.DONE]: `${name}: done.`,
    [State.FAILED]: `${name}: failed. ${problemLine(upload.problem)}`,
    [State.CANCELLED]: `${name}: cancelled.`,
  };
  return sentences[upload.state] ?? null;
}

/** Give how much of an upload is sent, for those who do not see the bar. */
export function progressText(upload) {
  if (!upload.parts) return "nothing sent";
  const { share, sentCount, all } = upload.parts;
  return `${percent(share)}, ${sentCount} of ${partCount(all.length)} sent`;
}

export function partCount(count) {
  return count === 1 ? "1 part" : `${count.toLocaleString("en")} parts`;
}

/** The service's states in words. */
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
