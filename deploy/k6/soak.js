// Does it stay as it is? A moderate rate for hours: leaks, full disks and growing tables show here.
//
//   k6 run -e RATE=20 -e DURATION=8h deploy/k6/soak.js

import { arrivals, buy, closeShop, createShop, readCatalogue, readWallet, thresholds } from './shop.js';

const RATE = Number(__ENV.RATE) || 20;
const DURATION = __ENV.DURATION || '2h';

export const options = {
  setupTimeout: '15m',
  teardownTimeout: '15m',
  scenarios: {
    purchases: arrivals('purchase', RATE, DURATION),
    wallets: arrivals('wallet', RATE, DURATION),
    catalogue: arrivals('catalogue', RATE, DURATION),
  },
  thresholds: {
    ...thresholds,
    http_req_failed: ['rate<0.0001'],
    purchase_time: ['p(95)<200', 'p(99.9)<2000'],
    wallet_time: ['p(99)<200'],
    catalogue_time: ['p(99)<200'],
    dropped_iterations: ['count<10'],
  },
};

export const setup = () => createShop(RATE);
export const teardown = closeShop;
export const purchase = buy;
export const wallet = readWallet;
export const catalogue = readCatalogue;
