// The traffic of a usual day: purchases arrive at a fixed rate, whether or not the ones before have
// been answered, and three times as many pages are read.
//
//   k6 run -e RATE=100 -e DURATION=10m deploy/k6/load.js

import { arrivals, buy, closeShop, createShop, readCatalogue, readWallet, thresholds } from './shop.js';

const RATE = Number(__ENV.RATE) || 50;
const DURATION = __ENV.DURATION || '5m';

export const options = {
  setupTimeout: '15m',
  teardownTimeout: '15m',
  scenarios: {
    purchases: arrivals('purchase', RATE, DURATION),
    wallets: arrivals('wallet', RATE, DURATION),
    catalogue: arrivals('catalogue', RATE * 2, DURATION),
  },
  thresholds: {
    ...thresholds,
    http_req_failed: ['rate<0.001'],
    purchase_time: ['p(95)<200', 'p(99)<500'],
    wallet_time: ['p(99)<200'],
    catalogue_time: ['p(99)<200'],
    // An arrival for which there was no virtual user left: the target is too slow.
    dropped_iterations: ['count==0'],
  },
};

export const setup = () => createShop(RATE);
export const teardown = closeShop;
export const purchase = buy;
export const wallet = readWallet;
export const catalogue = readCatalogue;
