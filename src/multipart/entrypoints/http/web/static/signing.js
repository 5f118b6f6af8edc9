/** Signed URLs for parts, requested in batches shortly before they are used. */

import { serverNow, signPart, signParts } from "./api.js";

// Large enough that requests are rare, small enough that the last URLs are used before they expire.
const BATCH = 32;
const LOW = 6;
// Time to connect and start sending; S3 checks the expiry of a URL when the request arrives.
const MARGIN_MS = 10_000;

export class SignedUrls {
  #reference;
  #signal;
  #unsigned;
  #urls = new Map(); // part number -> promise of {url, expiresAt, lifetime}

  /** `reference` has the session's `upload_id` and `key`; `numbers` are the parts in sending order. */
  constructor(reference, numbers, signal) {
    this.#reference = reference;
    this.#unsigned = [...numbers];
    this.#signal = signal;
  }

  /** Return a URL for a part, to be used once and immediately. */
  async take(number) {
    if (!this.#urls.has(number)) this.#sign([number, ...this.#ahead(number)]);
    else if (this.#urls.size < LOW && this.#unsigned.length > 0) this.#sign(this.#ahead(number));
    const signed = await this.#urls.get(number);
    this.#urls.delete(number);
    // A URL that was signed long before its use has expired.
    return isFresh(signed) ? signed.url : (await signOne(this.#reference, number, this.#signal)).url;
  }

  /** Discard the URLs signed so far, because S3 refused one of them. */
  discard() {
    this.#unsigned.unshift(...this.#urls.keys());
    this.#urls.clear();
  }

  #ahead(number) {
    this.#unsigned = this.#unsigned.filter((other) => other !== number);
    return this.#urls.size < LOW ? this.#unsigned.splice(0, BATCH - 1) : [];
  }

  #sign(numbers) {
    const signed = signMany(this.#reference, numbers, this.#signal);
    for (const number of numbers) {
      const url = signed.then((urls) => urls.get(number));
      this.#urls.set(number, url);
      // `take` throws the error; a failed URL that is never taken is ignored and signed again later.
      url.catch(() => this.#urls.get(number) === url && this.#urls.delete(number));
    }
  }
}

function isFresh(signed) {
  return signed.expiresAt - serverNow() > Math.min(MARGIN_MS, signed.lifetime / 2);
}

function signedUrl(url, expiresAt) {
  const end = Date.parse(expiresAt);
  return { url, expiresAt: end, lifetime: end - serverNow() };
}

async function signMany(reference, numbers, signal) {
  const response = await signParts({ ...reference, part_numbers: numbers }, signal);
  return new Map(
    response.urls.map((item) => [item.part_number, signedUrl(item.signed_url, response.expires_at)]),
  );
}

async function signOne(reference, number, signal) {
  const response = await signPart({ ...reference, part_number: number }, signal);
  return signedUrl(response.signed_url, response.expires_at);
}
