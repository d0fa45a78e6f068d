// As much of the modules of k6 as the scripts use. Requests are sent by a process for each, because
// those of k6 return when they have been answered.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SENDER = fileURLToPath(new URL('./send.mjs', import.meta.url));

export function request(method, url, body, { headers } = {}) {
  const input = JSON.stringify({ method, url, body, headers });
  const began = performance.now();
  const { status, body: text, headers: received } = JSON.parse(
    execFileSync(process.execPath, [SENDER], { input, encoding: 'utf8' }),
  );
  return {
    status,
    body: text,
    headers: received,
    timings: { duration: performance.now() - began },
    json: (name) => (name ? JSON.parse(text)[name] : JSON.parse(text)),
  };
}

const get = (url, params) => request('GET', url, null, params);
const post = (url, body, params) => request('POST', url, body, params);
const expectedStatuses = (...statuses) => statuses;

class Metric {
  constructor(name) {
    this.name = name;
    globalThis.k6.metrics[name] = [];
  }

  add(value) {
    globalThis.k6.metrics[this.name].push(value);
  }
}

export const Counter = Metric;
export const Trend = Metric;

export function check(value, conditions) {
  const results = Object.entries(conditions).map(([name, holds]) => {
    const result = Boolean(holds(value));
    (globalThis.k6.checks[name] ??= []).push(result);
    return result;
  });
  return results.every(Boolean);
}

export function fail(message) {
  throw new Error(message);
}

export function sleep(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

// `k6/http`, or `k6/execution`.
export default {
  request,
  get,
  post,
  expectedStatuses,
  get vu() {
    return globalThis.k6.context.vu;
  },
  get scenario() {
    return globalThis.k6.context.scenario;
  },
};
console.log = () => {};
