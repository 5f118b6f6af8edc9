/** Sign in with a token or an API key, where the service asks for one. */

import { listUploads, refused, useCaller } from "./api.js";

// Of this tab, and gone with it: never in a URL, and sent to nobody but the service.
const KEY = "multipart-upload.credential";
const form = document.getElementById("sign-in");
const input = document.getElementById("credential");
const error = document.getElementById("sign-in-error");
const name = document.getElementById("name");
const account = document.getElementById("account");

/**
 * Call `onAccount` with the account of the caller, and with "" while nobody is signed in; never if
 * the service authenticates nobody.
 */
export function watchSignIn(onAccount) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enter(input.value.trim());
  });
  document.getElementById("sign-out").addEventListener("click", () => leave(""));
  refused.addEventListener("refused", () => {
    if (!account.hidden) leave("You are no longer signed in: sign in again to continue.");
  });

  async function enter(credential) {
    useCaller({ credential });
    try {
      await listUploads({ limit: 1 }, new AbortController().signal);
    } catch (problem) {
      // Without authentication, the service asks for the name of a user.
      if (problem.status === 401) leave(credential ? "The token or API key is not accepted." : "");
      else if (credential) leave(problem.message);
      return;
    }
    keep(credential);
    useCaller({ credential, isAuthenticated: true });
    document.getElementById("account-name").textContent = describe(credential);
    input.value = "";
    show(account);
    onAccount(accountOf(credential));
  }

  function leave(sentence) {
    keep("");
    useCaller({});
    show(form);
    showError(sentence);
    onAccount("");
  }

  if (kept()) onAccount("");
  enter(kept());
}

/** Ask for a credential if the service wants one; return whether it does. */
export function askToSignIn() {
  if (form.hidden) return false;
  showError("Sign in to start the upload.");
  input.focus();
  return true;
}

function show(element) {
  for (const other of [form, name, account]) other.hidden = other !== element;
  showError("");
}

function showError(sentence) {
  error.textContent = sentence;
  input.toggleAttribute("aria-invalid", sentence !== "");
}

/** Return what unfinished uploads are remembered by, which does not reveal the credential. */
function accountOf(credential) {
  const subject = subjectOf(credential);
  return subject === null ? `account ${digest(credential)}` : `account of ${subject}`;
}

function describe(credential) {
  const subject = subjectOf(credential);
  return subject === null ? "Signed in" : `Signed in as ${subject}`;
}

/** Return the subject of a JWT, null for other credentials. */
function subjectOf(credential) {
  try {
    const payload = credential.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}

/** FNV-1a: crypto.subtle needs a secure context, but the page may be served over plain HTTP. */
function digest(text) {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193);
  return (hash >>> 0).toString(16);
}

// Without storage, the user signs in again after a reload.
function kept() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function keep(credential) {
  try {
    if (credential) sessionStorage.setItem(KEY, credential);
    else sessionStorage.removeItem(KEY);
  } catch {
    return;
  }
}
