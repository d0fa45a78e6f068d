// @ts-check
// What is on every page of merchants and operators, in English. The rest is loaded with the views.

export const merchant = {
  overview: "Overview", products: "Products", orders: "Orders", developers: "API", payouts: "Payouts", shop: "Shop profile",
};

export const operator = {
  live: "Live", reliability: "Reliability", cases: "Reviews", rules: "Risk rules", users: "Users", orders: "Orders",
  bank: "Bank", events: "Events", audit: "Audit log",
};

export const testMode = {
  title: "Test mode",
  parts: {
    "bank card": "Banks and the card provider are simulated: no real money moves.",
    bank: "Banks are simulated: no real money comes in or goes out there.",
    card: "Card payments are simulated: no card is charged.",
  },
};
