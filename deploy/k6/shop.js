// A shop that the scripts beside this file buy from: what they share.
//
// Settings, with `-e NAME=value`:
//   BASE_URL  address of the application (http://localhost:3000)
//   BUYERS    how many buyers are registered (20, or one for each purchase a second)
//   EMAIL     `name+{n}@example.com` of users that exist already and have money, instead of
//   PASSWORD  registering and funding new ones; {n} is 1 to BUYERS
//   PRODUCT   the product to buy, together with EMAIL

import http from 'k6/http';
import exec from 'k6/execution';
import { check, fail, sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

const API = `${__ENV.BASE_URL || 'http://localhost:3000'}/api/v1`;
const PASSWORD = __ENV.PASSWORD || 'a-fine-secret-1';
// Small: a buyer may spend 1,000 a day without a second factor (TWO_FACTOR_ABOVE).
const PRICE_CENTS = 1;
const FUNDS = '1000.00';
const UNITS = 100000000;
// Refused because the application was busy (503) or the address sent too much (429): nothing has
// happened, and a client sends the request again, with its key if it has one.
const isRefused = ({ status }) => status === 429 || status === 503;
// An access token lives for 15 minutes.
const TOKEN_MILLISECONDS = 10 * 60 * 1000;
// One of this many purchases is sent again with the same key.
const REPEAT_EVERY = 50;

export const purchaseTime = new Trend('purchase_time', true);
export const walletTime = new Trend('wallet_time', true);
export const catalogueTime = new Trend('catalogue_time', true);
export const purchases = new Counter('purchases');
export const refused = new Counter('purchases_refused');
// Two answers to one key that differ: never allowed.
export const doubled = new Counter('purchases_doubled');

// What every kind of test requires. p(99) of purchases is left to each of them.
export const thresholds = {
  purchases_doubled: ['count==0'],
  checks: ['rate>0.999'],
};

/** A scenario: so many calls of a function arrive each second, whether or not those before have ended. */
export const arrivals = (exec, rate, duration) => ({
  executor: 'constant-arrival-rate',
  exec,
  rate,
  timeUnit: '1s',
  duration,
  preAllocatedVUs: Math.max(10, rate),
  maxVUs: rate * 10,
});

/** Register a merchant with one product, and buyers with money; the shop for the functions below. */
export function createShop(buyers) {
  const count = Number(__ENV.BUYERS) || Math.max(20, Math.ceil(buyers));
  const run = `${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
  if (__ENV.EMAIL) {
    const emails = Array.from({ length: count }, (_, n) => __ENV.EMAIL.replace('{n}', String(n + 1)));
    return { run, product: __ENV.PRODUCT, buyers: emails.map((email) => ({ email })), owned: false };
  }
  const merchant = register(`k6-merchant-${run}@example.com`, 'MERCHANT');
  const product = sent('POST', '/products', {
    name: 'k6', price: (PRICE_CENTS / 100).toFixed(2), availableUnits: UNITS,
  }, merchant.token).json('id');
  const made = [];
  for (let n = 1; n <= count; n += 1) {
    const buyer = register(`k6-buyer-${n}-${run}@example.com`, 'USER');
    sent('POST', '/wallet/deposit', { amount: FUNDS }, buyer.token, `k6-${run}-deposit-${n}`);
    made.push(buyer);
  }
  return { run, product, buyers: made, owned: true };
}

/** Buy one unit with a key of its own; now and then a second time with the same key. */
export function buy(shop) {
  const { vu, scenario } = exec;
  const buyer = buyerOf(shop);
  const key = `k6-${shop.run}-${scenario.name}-${vu.idInTest}-${vu.iterationInScenario}`;
  const first = order(shop, buyer, key);
  purchaseTime.add(first.timings.duration);
  if (isRefused(first)) {
    refused.add(1);
    return;
  }
  if (!check(first, { 'purchase is 201': (answer) => answer.status === 201 })) return;
  purchases.add(1);
  if (scenario.iterationInTest % REPEAT_EVERY === 0) {
    const second = order(shop, buyer, key);
    if (isRefused(second)) return;
    const same = check(second, {
      'repeated purchase is the same order': (answer) =>
        answer.status === 201 && answer.json('id') === first.json('id'),
      'repeated purchase is marked': (answer) => answer.headers['Idempotent-Replayed'] === 'true',
    });
    if (!same) doubled.add(1);
  }
}

/** Look at the wallet and its last movements. */
export function readWallet(shop) {
  const { token } = buyerOf(shop);
  for (const path of ['/wallet', '/wallet/transactions?limit=20']) {
    const answer = get(path, 'wallet', token);
    walletTime.add(answer.timings.duration);
    check(answer, { 'wallet is 200': ({ status }) => status === 200 });
  }
}

/** Look at the catalogue and at the product, signed out. */
export function readCatalogue(shop) {
  for (const [path, name] of [['/products?limit=20', 'list'], [`/products/${shop.product}`, 'product']]) {
    const answer = get(path, name);
    catalogueTime.add(answer.timings.duration);
    check(answer, { 'catalogue is 200': ({ status }) => status === 200 });
  }
}

/** Compare what buyers have paid with the units that are gone: nothing is lost or bought twice. */
export function closeShop(shop) {
  if (!shop.owned) return;
  let paid = 0;
  for (const buyer of shop.buyers) {
    const balance = sent('GET', '/wallet', null, login(buyer.email)).json('balance');
    paid += Math.round((Number(FUNDS) - Number(balance)) * 100);
  }
  const left = sent('GET', `/products/${shop.product}`).json('availableUnits');
  const sold = (UNITS - left) * PRICE_CENTS;
  check(paid, { 'what was paid is what was sold': (cents) => cents === sold });
  console.log(`sold: ${UNITS - left} units; paid: ${paid} cents`);
}

function order(shop, buyer, key) {
  return http.post(
    `${API}/orders`,
    JSON.stringify({ productId: shop.product, paymentMethod: 'WALLET' }),
    { headers: headers(buyer.token, key), tags: { name: 'purchase' } },
  );
}

function get(path, name, token) {
  return http.get(API + path, { headers: headers(token), tags: { name } });
}

// Tokens of this virtual user, which is always the same buyer.
const signedIn = {};

function buyerOf(shop) {
  const buyer = shop.buyers[(exec.vu.idInTest - 1) % shop.buyers.length];
  const known = signedIn[buyer.email] || { token: buyer.token, since: buyer.since || 0 };
  if (!known.token || Date.now() - known.since > TOKEN_MILLISECONDS) {
    known.token = login(buyer.email);
    known.since = Date.now();
  }
  signedIn[buyer.email] = known;
  return known;
}

function register(email, role) {
  const answer = sent('POST', '/auth/register', { email, password: PASSWORD, role });
  return { email, token: answer.json('accessToken'), since: Date.now() };
}

function login(email) {
  return sent('POST', '/auth/login', { email, password: PASSWORD }).json('accessToken');
}

/** Send until it is neither too much nor too busy; anything else than success ends the test. */
function sent(method, path, body, token, key) {
  for (let attempt = 0; ; attempt += 1) {
    const answer = http.request(method, API + path, body ? JSON.stringify(body) : null, {
      headers: headers(token, key),
      tags: { name: 'preparation' },
      responseCallback: http.expectedStatuses(200, 201, 429, 503),
    });
    if (answer.status === 200 || answer.status === 201) return answer;
    if (!isRefused(answer) || attempt === 60) {
      fail(`${method} ${path}: ${answer.status} ${answer.body}`);
    }
    sleep(Number(answer.headers['Retry-After']) || 1);
  }
}

function headers(token, key) {
  const all = { 'Content-Type': 'application/json' };
  if (token) all.Authorization = `Bearer ${token}`;
  if (key) all['Idempotency-Key'] = key;
  return all;
}
