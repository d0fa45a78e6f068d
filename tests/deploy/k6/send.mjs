// Sends the request that standard input describes, and prints the answer.

import { readFileSync } from 'node:fs';

const { method, url, body, headers } = JSON.parse(readFileSync(0, 'utf8'));
const answer = await fetch(url, { method, headers, body: body ?? undefined });
// k6 writes names of headers like this.
const name = (text) => text.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
process.stdout.write(
  JSON.stringify({
    status: answer.status,
    body: await answer.text(),
    headers: Object.fromEntries([...answer.headers].map(([key, value]) => [name(key), value])),
  }),
);
