/** Client of the REST interface. Every call can be repeated, so failed calls are retried. */

import { retry } from "./retry.js";

// Relative to this file, so that the page also works under a path prefix of a proxy.
const API = new URL("../api/", import.meta.url);
const MAX_RETRY_AFTER_SECONDS = 60;

/** An error answer of the service; `code` is that of its problem details. */
export class ApiError extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? `The service answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** The service did not answer. */
export class NoAnswerError extends Error {
  constructor() {
    super("The service cannot be reached.");
  }
}

/** Fires `refused` when the service does not accept the caller. */
export const refused = new EventTarget();

let clockSkew = 0;
let caller = { credential: "", isAuthenticated: false };

/**
 * Send a credential with every request from now on, "" for none. A caller whom the service
 * authenticates is itself the user: requests then name none.
 */
export function useCaller({ credential = "", isAuthenticated = false }) {
  caller = { credential, isAuthenticated };
}

/** Return the time of the service in milliseconds: the clock of this machine may be wrong. */
export function serverNow() {
  return Date.now() + clockSkew;
}

/** Start an upload; the same key and fields return the same session. */
export function startUpload(fields, idempotencyKey, signal) {
  return post("start-upload", fields, signal, { "Idempotency-Key": idempotencyKey });
}

export function signPart(query, signal) {
  return get("get-signed-url", query, signal);
}

export function signParts(fields, signal) {
  return post("get-signed-urls", fields, signal);
}

export function recordPart(fields, signal) {
  return post("upload-part", fields, signal);
}

export function completeUpload(fields, signal) {
  return post("complete-upload", fields, signal);
}

export function abortUpload(fields, signal) {
  return post("abort-upload", fields, signal);
}

export function uploadStatus(query, signal) {
  return get("upload-status", query, signal);
}

export function listUploads(query, signal) {
  return get("uploads", query, signal);
}

function get(route, query, signal) {
  const url = new URL(route, API);
  url.search = new URLSearchParams(withoutUser(query));
  return call(url, { signal });
}

function post(route, fields, signal, headers = {}) {
  return call(new URL(route, API), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(withoutUser(fields)),
    signal,
  });
}

function withoutUser(fields) {
  const { user_id: user, ...others } = fields;
  return caller.isAuthenticated || user === undefined ? others : fields;
}

function call(url, request) {
  return retry(() => send(url, request), { signal: request.signal, isTemporary });
}

/** A 409 with Retry-After is temporary: another request works on the same upload. */
function isTemporary(error) {
  if (error instanceof NoAnswerError) return true;
  const isBusy = error.status === 429 || error.status >= 500 || error.retryAfter !== undefined;
  return error instanceof ApiError && isBusy;
}

async function send(url, request) {
  let response;
  let body;
  const { credential } = caller;
  const identity = credential ? { Authorization: `Bearer ${credential}` } : {};
  try {
    const headers = { ...request.headers, ...identity };
    response = await fetch(url, { cache: "no-store", ...request, headers });
    body = await response.text();
  } catch {
    throw new NoAnswerError();
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) clockSkew = date - Date.now();
  if (response.status === 401) refused.dispatchEvent(new Event("refused"));
  if (!response.ok) throw new ApiError(response.status, parseProblem(body), parseRetryAfter(response));
  return JSON.parse(body);
}

/** A proxy may answer something other than problem details. */
function parseProblem(body) {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}

function parseRetryAfter(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isNaN(seconds) ? undefined : Math.min(seconds, MAX_RETRY_AFTER_SECONDS);
}
