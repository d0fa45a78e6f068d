// Does it work at all? Half a minute, a few requests a second.
//
//   k6 run deploy/k6/smoke.js

import { buy, closeShop, createShop, readCatalogue, readWallet, thresholds } from './shop.js';

export const options = {
  setupTimeout: '2m',
  scenarios: {
    visits: { executor: 'constant-vus', vus: 2, duration: '30s' },
  },
  thresholds: {
    ...thresholds,
    http_req_failed: ['rate==0'],
    purchase_time: ['p(95)<500'],
    purchases: ['count>0'],
  },
};

export const setup = () => createShop(2);
export const teardown = closeShop;

export default function visit(shop) {
  readCatalogue(shop);
  readWallet(shop);
  buy(shop);
}
