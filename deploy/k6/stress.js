// Where does it end? Purchases arrive at a growing rate. Beyond its limit the application refuses
// with 503 in good time, and neither loses nor doubles anything; afterwards it is as fast as before.
//
//   k6 run -e RATE=1000 -e STEP=2m deploy/k6/stress.js

import { buy, closeShop, createShop, thresholds } from './shop.js';

// The highest rate of purchases a second, and how long it takes to get to each next one.
const RATE = Number(__ENV.RATE) || 500;
const STEP = __ENV.STEP || '1m';

export const options = {
  setupTimeout: '15m',
  teardownTimeout: '15m',
  scenarios: {
    growth: {
      executor: 'ramping-arrival-rate',
      exec: 'purchase',
      startRate: Math.ceil(RATE / 10),
      timeUnit: '1s',
      preAllocatedVUs: RATE,
      maxVUs: RATE * 6,
      stages: [
        { target: Math.ceil(RATE / 10), duration: STEP },
        { target: Math.ceil(RATE / 2), duration: STEP },
        { target: RATE, duration: STEP },
        { target: RATE, duration: STEP },
        { target: Math.ceil(RATE / 10), duration: '10s' },
        { target: Math.ceil(RATE / 10), duration: STEP },
      ],
    },
  },
  thresholds: {
    ...thresholds,
    // Nobody waits longer than the queue for a batch and its work take.
    purchase_time: ['p(99)<15000'],
    purchases: ['count>0'],
  },
};

export const setup = () => createShop(RATE / 5);
export const teardown = closeShop;
export const purchase = buy;
