// Runs a script of deploy/k6 without k6: modules of k6 are those of k6.mjs beside this file.
//
//   node run.mjs SCRIPT            prints its scenarios
//   node run.mjs SCRIPT COUNT      runs each of them COUNT times, and prints what was counted

import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

const hooks = `
  const modules = ${JSON.stringify(new URL('./k6.mjs', import.meta.url).href)};
  const scripts = ${JSON.stringify(new URL('../../../deploy/k6/', import.meta.url).href)};
  export const resolve = (name, context, next) =>
    /^k6(\\/|$)/.test(name)
      ? { url: modules + '?' + name, shortCircuit: true }
      : next(name, context);
  export const load = (url, context, next) =>
    next(url, url.startsWith(scripts) ? { ...context, format: 'module' } : context);
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
globalThis.__ENV = process.env;
globalThis.k6 = { checks: {}, metrics: {}, thresholds: [] };

const [file, count] = process.argv.slice(2);
const script = await import(pathToFileURL(file).href);
const scenarios = Object.entries(script.options.scenarios);
const functions = scenarios.map(([, { exec = 'default' }]) => exec);
for (const name of functions) {
  if (typeof script[name] !== 'function') throw new Error(`${file} does not export ${name}`);
}
if (count) {
  const shop = JSON.parse(JSON.stringify(script.setup()));
  scenarios.forEach(([scenario, { exec = 'default' }], number) => {
    for (let iteration = 0; iteration < Number(count); iteration += 1) {
      globalThis.k6.context = {
        scenario: { name: scenario, iterationInTest: iteration },
        vu: { idInTest: number + 1, iterationInScenario: iteration },
      };
      script[exec](shop);
    }
  });
  script.teardown(shop);
}
const { checks, metrics } = globalThis.k6;
const { thresholds } = script.options;
process.stdout.write(JSON.stringify({ functions, thresholds, checks, metrics }));
