// @ts-check
// The one client of the API. The access token is in memory only; the refresh token is in a cookie
// that scripts cannot read.

import { signal } from "@preact/signals";

/** @typedef {import("./schema.js").Operations} Operations */
/** @typedef {import("./schema.js").SignedInUser} SignedInUser */

const api = document.querySelector("meta[name=api]")?.getAttribute("content") ?? "/api/v1";
const REFRESH = "/auth/refresh/cookie";
const ATTEMPTS = 4;

/** @type {string | null} */
let accessToken = null;

/** Who is signed in; undefined until that is known. */
export const user = signal(/** @type {SignedInUser | null | undefined} */ (undefined));

/** Whether the session of this page has ended, other than by signing out. */
export const hasEnded = signal(false);

/** Whether the server can be reached. One request without an answer does not mean that it cannot. */
export const isConnected = signal(true);

/** How often a lost connection came back. */
export const reconnections = signal(0);

let answers = 0;

function noteAnswer() {
  answers += 1;
  if (!isConnected.value) reconnections.value += 1;
  isConnected.value = true;
}

let isProbing = false;

/** Ask for something small: an answer of any kind is a connection. */
export async function probe() {
  if (isProbing) return;
  isProbing = true;
  const before = answers;
  const response = await request("GET", `${api}/notifications/unread-count`, {}).catch(() => null);
  isProbing = false;
  if (response) noteAnswer();
  else if (answers === before) isConnected.value = false; // no other request had an answer meanwhile
}

// Signing out in one tab signs out all of them.
const tabs = new BroadcastChannel("payment-flow");
tabs.addEventListener("message", (event) => {
  if (event.data === "signed-out") forget();
});

/** A response that reports an error, in the one body that all errors of the API have. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 if there was no response
   * @param {{error?: string, message?: string, details?: any, requestId?: string}} body
   */
  constructor(status, body) {
    super(body.message ?? "");
    this.status = status;
    this.code = body.error ?? "NO_RESPONSE";
    this.details = body.details ?? {};
    this.requestId = body.requestId;
  }

  /** Messages by field, for forms. @returns {Record<string, string[]>} */
  get fields() {
    const entries = Object.entries(this.details);
    const isByField = this.status === 400 && entries.every(([, value]) => Array.isArray(value));
    return isByField ? Object.fromEntries(entries) : {};
  }

  /** Whether the same request may succeed in a moment. */
  get isTransient() {
    return this.status === 0 || this.status === 503 || this.code === "IDEMPOTENCY_IN_PROGRESS";
  }

  /** Whether the request may have had its effect although it failed. */
  get isUncertain() {
    return this.status === 0 || this.status >= 500 || this.code === "IDEMPOTENCY_IN_PROGRESS";
  }
}

/** A key for `Idempotency-Key`. Not randomUUID, which browsers have over HTTPS only. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Call an operation of the API.
 *
 * It is repeated after a lost connection or while the server is busy, if that cannot have a second
 * effect: reads, and writes with a key. Throws ApiError.
 *
 * @template {keyof Operations} Name
 * @param {Name} operation method and path, such as `GET /orders/{order_id}`
 * @param {{
 *   path?: Record<string, string>,
 *   query?: Partial<Record<string, string | number | boolean | null | undefined>>,
 *   body?: Operations[Name]["body"] | Blob,
 *   key?: string,
 *   code?: string,
 *   cookie?: boolean,
 *   signal?: AbortSignal,
 * }} [options] body: sent as JSON, a file as it is; key: the Idempotency-Key; code: of the second
 *   factor; cookie: the refresh token goes into its cookie
 * @returns {Promise<Operations[Name]["answer"]>}
 */
export async function call(operation, options = {}) {
  const response = await send(operation, options);
  return /** @type {any} */ (response.status === 204 ? null : await response.json());
}

/**
 * The same for lists whose position is in headers.
 * @template {keyof Operations} Name
 * @param {Name} operation @param {Parameters<typeof call<Name>>[1]} options
 * @returns {Promise<{data: Operations[Name]["answer"], next: string | null}>}
 */
export async function callList(operation, options) {
  const response = await send(operation, options);
  const position = JSON.parse(response.headers.get("X-Pagination") ?? "{}");
  return { data: await response.json(), next: position.nextCursor ?? null };
}

/**
 * The same for files. @param {keyof Operations} operation @param {object} options
 * @returns {Promise<Blob>}
 */
export async function download(operation, options) {
  return (await send(operation, options)).blob();
}

/** @param {string} operation @param {any} options @returns {Promise<Response>} */
async function send(operation, options) {
  const [method, template] = operation.split(" ");
  const repeatable = method === "GET" || Boolean(options.key);
  let isRefreshed = false;
  for (let attempt = 1; ; attempt += 1) {
    const token = accessToken;
    const response = await request(method, address(template, options), options).catch((error) => {
      if (options.signal?.aborted) throw error;
      return null;
    });
    if (response) noteAnswer();
    else probe();
    if (response?.ok) return response;
    const error = response ? await errorOf(response) : new ApiError(0, {});
    if (error.code === "UNAUTHORIZED" && token && !isRefreshed) {
      isRefreshed = true;
      await restoreSession(token);
      if (user.value) continue;
    }
    if (!repeatable || !error.isTransient || attempt === ATTEMPTS) throw error;
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
  }
}

/** The access token, for requests that are not made here. */
export function currentToken() {
  return accessToken;
}

/** @param {string} template @param {any} options */
export function address(template, options) {
  const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(options.path[name]));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  return api + path + (query.size ? `?${query}` : "");
}

/** @param {string} method @param {string} url @param {any} options */
function request(method, url, { body, key, code, cookie, signal: aborting, keepalive }) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (accessToken) headers.Authorization = `Bearer ${accessToken}`;
  const isFile = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = isFile ? body.type : "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (code) headers["X-Two-Factor-Code"] = code;
  if (cookie) headers["X-Refresh-Cookie"] = "true";
  return fetch(url, {
    method,
    headers,
    keepalive,
    body: body === undefined || isFile ? body : JSON.stringify(body),
    signal: aborting,
  });
}

/** @param {Response} response */
async function errorOf(response) {
  try {
    return new ApiError(response.status, await response.json());
  } catch {
    return new ApiError(response.status, { error: "NO_RESPONSE" });
  }
}

/**
 * Get an access token with the cookie, if there is one.
 *
 * Each refresh token works once, so tabs take turns; a reload does not interrupt the exchange.
 * @param {string | null} [outdated] the token that was refused
 */
export async function restoreSession(outdated = null) {
  await oneAtATime(async () => {
    if (accessToken !== outdated) return;
    accessToken = null;
    const response = await request("POST", api + REFRESH, { keepalive: true }).catch(() => null);
    if (response?.status === 200) begin(await response.json());
    else if (response === null || response.status >= 500) throw new ApiError(0, {});
    else {
      hasEnded.value = Boolean(user.value);
      forget();
    }
  });
}

let turn = Promise.resolve();

/** @param {() => Promise<void>} work */
function oneAtATime(work) {
  const next = turn.then(async () => {
    if (navigator.locks) await navigator.locks.request("payment-flow-refresh", work);
    else await work();
  });
  turn = next.catch(() => {});
  return next;
}

/** @param {{accessToken: string, user: any}} answer of a sign-in or registration */
export function begin(answer) {
  accessToken = answer.accessToken;
  hasEnded.value = false;
  user.value = answer.user;
}

function forget() {
  accessToken = null;
  user.value = null;
}

/** End the session, in all tabs. */
export async function signOut() {
  try {
    await call("POST /auth/logout", { cookie: true });
  } finally {
    forget();
    tabs.postMessage("signed-out");
  }
}
