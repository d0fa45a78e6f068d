// @ts-check
// Sends files, and reports how much of them has been sent, which fetch cannot.

import { ApiError, address, currentToken, restoreSession } from "./client.js";

/** @typedef {import("./schema.js").Operations} Operations */

const ATTEMPTS = 5;

/**
 * Send a file as the body of an operation that may be repeated: after a lost connection it is sent
 * again, as soon as there is one. Throws ApiError, or an AbortError when `signal` is aborted.
 *
 * @template {keyof Operations} Name
 * @param {Name} operation
 * @param {{
 *   path?: Record<string, string>,
 *   query?: Partial<Record<string, string | number | boolean | null | undefined>>,
 *   body: Blob,
 *   type: string,
 *   key?: string,
 *   headers?: Record<string, string>,
 *   signal?: AbortSignal,
 *   onSent?: (bytes: number) => void,
 *   onLost?: () => void,
 * }} options type: of the body; key: the Idempotency-Key; onSent: how many bytes have been sent;
 *   onLost: the connection was lost, and the next attempt follows
 * @returns {Promise<Operations[Name]["answer"]>}
 */
export async function sendFile(operation, options) {
  const [method, template] = operation.split(" ");
  const url = address(template, options);
  let isRefreshed = false;
  for (let attempt = 1; ; attempt += 1) {
    const token = currentToken();
    try {
      return await attemptTo(method, url, token, options);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "UNAUTHORIZED" && token && !isRefreshed) {
        isRefreshed = true;
        await restoreSession(token);
        continue;
      }
      if (!error.isTransient || attempt === ATTEMPTS) throw error;
      options.onLost?.();
      await connection(500 * 2 ** attempt, options.signal);
    }
  }
}

/** @param {string} method @param {string} url @param {string | null} token @param {any} options */
function attemptTo(method, url, token, { body, type, key, headers = {}, signal, onSent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const fail = (/** @type {any} */ error) => {
      signal?.removeEventListener("abort", abort);
      reject(error);
    };
    if (signal?.aborted) { reject(aborted()); return; }
    signal?.addEventListener("abort", abort);
    request.open(method, url);
    request.responseType = "text";
    request.setRequestHeader("Content-Type", type);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    if (key) request.setRequestHeader("Idempotency-Key", key);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onSent?.(event.loaded);
    request.onabort = () => fail(aborted());
    request.onerror = () => fail(new ApiError(0, {}));
    request.onload = () => {
      signal?.removeEventListener("abort", abort);
      const answer = parse(request.responseText);
      if (request.status < 300) resolve(answer);
      else reject(new ApiError(request.status, answer ?? { error: "NO_RESPONSE" }));
    };
    request.send(body);
  });
}

function aborted() {
  return new DOMException("", "AbortError");
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Wait, and for the network if the browser has none. @param {number} ms @param {AbortSignal} [signal] */
async function connection(ms, signal) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (navigator.onLine || signal?.aborted) return;
  await new Promise((resolve) => {
    window.addEventListener("online", resolve, { once: true });
    signal?.addEventListener("abort", resolve, { once: true });
  });
}
