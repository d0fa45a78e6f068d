// Validates the AsyncAPI document on standard input, and prints what it contains as JSON.
import { readFileSync } from 'node:fs';
import parserPackage from '@asyncapi/parser';

const parser = new parserPackage.Parser();
const { document, diagnostics } = await parser.parse(readFileSync(0, 'utf8'));
const problems = diagnostics.filter((each) => each.severity <= 1);
console.log(
  JSON.stringify({
    problems: problems.map((each) => `${each.path.join('.')}: ${each.message}`),
    topics: document ? document.channels().all().map((channel) => channel.address()) : [],
    payloads: document
      ? document.messages().all().filter((message) => message.payload()).length
      : 0,
  }),
);
