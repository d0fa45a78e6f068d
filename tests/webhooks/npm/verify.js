// Verifies recorded requests, each with each of its secrets, and prints how many were accepted.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

let accepted = 0;
for (const { body, headers, secrets } of JSON.parse(readFileSync(0, "utf8"))) {
  for (const secret of secrets) {
    new Webhook(secret).verify(body, headers);
    accepted += 1;
  }
}
console.log(accepted);
