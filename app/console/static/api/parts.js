// @ts-check
// Sends a large file in parts. What has arrived is not sent again: neither after a lost connection
// nor when the same file is chosen again after a reload.

import { ApiError, call, newKey } from "./client.js";
import { sendFile } from "./upload.js";

/** @typedef {import("./schema.js").FileUpload} FileUpload */
/** @typedef {import("./schema.js").ProductFile} ProductFile */

const ATTEMPTS = 5;

/**
 * Throws ApiError, or an AbortError when `signal` is aborted.
 * @param {string} product its ID
 * @param {File} file
 * @param {{
 *   type: string,
 *   signal: AbortSignal,
 *   onSent: (bytes: number) => void,
 *   onLost: () => void,
 * }} sending as of `sendFile`
 * @returns {Promise<ProductFile>}
 */
export async function sendInParts(product, file, { type, signal, onSent, onLost }) {
  const upload = await beginOrContinue(product, file, type, signal);
  const path = { product_id: product, upload_id: upload.id };
  const received = new Set(upload.parts.map(({ number }) => number));
  let sent = upload.receivedBytes;
  onSent(Math.min(sent, file.size - 1)); // what is left is the check
  for (let number = 1; number <= Math.ceil(file.size / upload.partSize); number += 1) {
    if (received.has(number)) continue;
    const body = partOf(file, upload, number);
    const arrived = sent;
    await sendFile("PUT /products/{product_id}/file/upload/{upload_id}/parts/{number}", {
      path: { ...path, number: String(number) },
      body,
      type: "application/octet-stream",
      headers: await digestHeader(body),
      signal,
      onSent: (bytes) => onSent(Math.min(arrived + bytes, file.size - 1)),
      onLost,
    });
    sent += body.size;
  }
  onSent(file.size);
  return complete(path, signal);
}

/**
 * The unfinished upload of this very file, or a new one.
 * @param {string} product @param {File} file @param {string} type @param {AbortSignal} signal
 */
async function beginOrContinue(product, file, type, signal) {
  const begin = () => call("POST /products/{product_id}/file/upload", {
    path: { product_id: product }, body: { name: file.name, mediaType: type, size: file.size }, signal,
  });
  const found = await begin();
  if (await isOf(found, file)) return found;
  await discard(product, found.id);
  return begin();
}

/** Whether what has arrived is of this file, for sure, not of another one of its name and size.
 * @param {FileUpload} upload @param {File} file */
async function isOf(upload, file) {
  for (const { number, sha256 } of upload.parts) {
    const digest = await digestOf(partOf(file, upload, number));
    if (!digest || hex(digest) !== sha256) return false;
  }
  return true;
}

/** Delete an unfinished upload. @param {string} product @param {string} id */
export async function discard(product, id) {
  await call("DELETE /products/{product_id}/file/upload/{upload_id}", {
    path: { product_id: product, upload_id: id }, key: newKey(),
  });
}

/** Completing again has no effect, so a lost answer is asked for again.
 * @param {{product_id: string, upload_id: string}} path @param {AbortSignal} signal */
async function complete(path, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call("POST /products/{product_id}/file/upload/{upload_id}/complete", { path, body: { sha256: null }, signal });
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isTransient || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}

/** @param {File} file @param {FileUpload} upload @param {number} number */
function partOf(file, { partSize }, number) {
  return file.slice((number - 1) * partSize, number * partSize);
}

/** Null where browsers cannot: they calculate digests over HTTPS and on localhost only.
 * @param {Blob} part */
async function digestOf(part) {
  if (!crypto.subtle) return null;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await part.arrayBuffer()));
}

/** So that the server refuses a part that arrives damaged. @param {Blob} part
 * @returns {Promise<Record<string, string>>} */
async function digestHeader(part) {
  const digest = await digestOf(part);
  return digest ? { "Content-Digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:` } : {};
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
