/** The service's REST interface. Every call here may be repeated, so each is tried again. */

import { persistently } from "./retry.js";

// Relative to this file, so that the page also works below a path of a proxy.
const API = new URL("../api/", import.meta.url);
const MOST_RETRY_AFTER = 60;

/** What the service answered other than 200; `code` is the stable one of its problem details. */
export class ApiError extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? `The service answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? "";
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** The service did not answer at all. */
export class NoAnswerError extends Error {
  constructor() {
    super("The service cannot be reached.");
  }
}

let clockSkew = 0;

/** Give the service's time in milliseconds: this machine's clock may be wrong. */
export function serverNow() {
  return Date.now() + clockSkew;
}

/** Start an upload; the same key and body give the same session. */
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
  url.search = new URLSearchParams(query);
  return call(url, { signal });
}

function post(route, fields, signal, headers = {}) {
  return call(new URL(route, API), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(fields),
    signal,
  });
}

function call(url, request) {
  return persistently(() => answer(url, request), { signal: request.signal, mayPass });
}

/** A 409 may pass when the service says when: somebody else is at the same upload. */
function mayPass(error) {
  if (error instanceof NoAnswerError) return true;
  const isBusy = error.status === 429 || error.status >= 500 || error.retryAfter !== undefined;
  return error instanceof ApiError && isBusy;
}

async function answer(url, request) {
  let response;
  let body;
  try {
    response = await fetch(url, { cache: "no-store", ...request });
    body = await response.text();
  } catch {
    throw new NoAnswerError();
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date)) clockSkew = date - Date.now();
  if (!response.ok) throw new ApiError(response.status, parsed(body), retryAfter(response));
  return JSON.parse(body);
}

/** What stands between us and the service may answer in words of its own. */
function parsed(body) {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}

function retryAfter(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isNaN(seconds) ? undefined : Math.min(seconds, MOST_RETRY_AFTER);
}
