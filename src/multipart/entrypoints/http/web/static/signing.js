/** URLs on which to PUT parts, signed in batches a little ahead of their use. */

import { serverNow, signPart, signParts } from "./api.js";

// Enough that a request for URLs is rare, few enough that the last ones are used before they end.
const BATCH = 32;
const LOW = 6;
// Time to connect and to begin sending; S3 looks at the end of a URL when the request arrives.
const MARGIN_MS = 10_000;

export class SignedUrls {
  #address;
  #signal;
  #unsigned;
  #urls = new Map(); // part number -> promise of {url, expiresAt, life}

  /** `address` is the session's `upload_id` and `key`; `numbers` are the parts in their order. */
  constructor(address, numbers, signal) {
    this.#address = address;
    this.#unsigned = [...numbers];
    this.#signal = signal;
  }

  /** Give a URL for a part, to be used once and at once. */
  async take(number) {
    if (!this.#urls.has(number)) this.#sign([number, ...this.#ahead(number)]);
    else if (this.#urls.size < LOW && this.#unsigned.length > 0) this.#sign(this.#ahead(number));
    const signed = await this.#urls.get(number);
    this.#urls.delete(number);
    // Signed ahead, and then the upload stood still for long.
    return isFresh(signed) ? signed.url : (await one(this.#address, number, this.#signal)).url;
  }

  /** Use none of the URLs signed so far: S3 has refused one of them. */
  forget() {
    this.#unsigned.unshift(...this.#urls.keys());
    this.#urls.clear();
  }

  #ahead(number) {
    this.#unsigned = this.#unsigned.filter((other) => other !== number);
    return this.#urls.size < LOW ? this.#unsigned.splice(0, BATCH - 1) : [];
  }

  #sign(numbers) {
    const signed = many(this.#address, numbers, this.#signal);
    for (const number of numbers) {
      const url = signed.then((urls) => urls.get(number));
      this.#urls.set(number, url);
      // Whoever takes it is told; a failure of what nobody takes is none. The next one signs anew.
      url.catch(() => this.#urls.get(number) === url && this.#urls.delete(number));
    }
  }
}

function isFresh(signed) {
  return signed.expiresAt - serverNow() > Math.min(MARGIN_MS, signed.life / 2);
}

function lived(url, expiresAt) {
  const end = Date.parse(expiresAt);
  return { url, expiresAt: end, life: end - serverNow() };
}

async function many(address, numbers, signal) {
  const answer = await signParts({ ...address, part_numbers: numbers }, signal);
  return new Map(
    answer.urls.map((item) => [item.part_number, lived(item.signed_url, answer.expires_at)]),
  );
}

async function one(address, number, signal) {
  const answer = await signPart({ ...address, part_number: number }, signal);
  return lived(answer.signed_url, answer.expires_at);
}
