// Pays through the API: from the wallet, after a top-up from a bank, or by card.

import {
  WORDS, Refusal, askToSignIn, attempt, call, card, comeBack, complain, forgetSignIn, leaveFor, money, nameOf, newKey,
  part, show, signOut, startAccount,
} from "./account.js";

const form = part("pay");
const short = part("short");
const decline = part("decline");
const news = part("news");
const given = new URLSearchParams(location.search);
const POLL_MS = 2000;
const POLLS = 60;

let key = newKey();

WORDS.PAYMENT_REQUEST_NOT_FOUND = () => "This request is addressed to someone else.";
WORDS.INSUFFICIENT_FUNDS = ({ required, available }) =>
  `Your wallet has too little: you need ${money(required)}, and have ${money(available)}.`;
WORDS.PRICE_CHANGED = ({ amount, expectedAmount }) =>
  `The price has changed: the total is ${money(amount)}, not ${money(expectedAmount)}.`;

async function begin(user) {
  part("who").textContent = nameOf(user);
  short.hidden = true;
  await showBalance();
}

async function showBalance() {
  const wallet = await call("GET", "/wallet");
  part("available").textContent = money(wallet.available, wallet.currency);
}

startAccount(form, begin);

// Exact: in minor units, without floating point.
function toMinor(amount) {
  return BigInt(amount.replace(".", ""));
}

function convert(price, change) {
  const decimals = price.split(".")[1]?.length ?? 0;
  const minor = change(toMinor(price)).toString().padStart(decimals + 1, "0");
  return decimals ? `${minor.slice(0, -decimals)}.${minor.slice(-decimals)}` : minor;
}

// The number of units, null if none is understood.
function count() {
  const quantity = part("quantity");
  if (!quantity) return 1n;
  return quantity.checkValidity() && Number(quantity.value) >= 1 ? BigInt(quantity.value) : null;
}

// The amount on the button, which is the only one that is paid.
function total() {
  const units = count();
  return card.dataset.price && units !== null ? convert(card.dataset.price, (minor) => minor * units) : null;
}

function showTotal() {
  const amount = total();
  part("total").textContent = amount === null ? "" : money(amount);
}

part("quantity")?.addEventListener("input", showTotal);

function showNewPrice(details) {
  card.dataset.price = convert(details.amount, (minor) => minor / (count() ?? 1n));
  part("price").textContent = money(card.dataset.price);
  showTotal();
}

// What is to be paid, as the API takes it; null after a complaint.
function order() {
  const body = {};
  const amount = part("amount");
  const quantity = part("quantity");
  if (amount) {
    if (!amount.value.trim() || !amount.checkValidity()) return complain(amount, "Please enter an amount such as 12.50.");
    body.amount = amount.value.trim();
  }
  if (quantity) {
    if (count() === null) return complain(quantity, "Please enter the quantity as a whole number.");
    body.quantity = Number(quantity.value);
  }
  body.expectedAmount = amount ? body.amount : total();
  return body;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = order();
  return body && attempt(() => pay(body));
});

async function pay(body) {
  const headers = { "Idempotency-Key": key };
  const code = part("code").value.trim();
  if (code) headers["X-Two-Factor-Code"] = code;
  try {
    const paid = await call("POST", card.dataset.pay, body, headers);
    await open(paid.object === "order" ? `/orders/${paid.id}/page` : `/transfers/${paid.id}/receipt`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // it may have been paid: retry with the same key
    if (error.code === "TWO_FACTOR_REQUIRED" && error.details.enrolled) {
      part("second-factor").hidden = false;
      part("code").value = "";
      part("code").focus();
    } else if (error.status === 401) {
      forgetSignIn();
    } else if (error.status < 500 && error.status !== 429) {
      key = newKey(); // refused for good: the next attempt is another request
      if (error.code === "PRICE_CHANGED") showNewPrice(error.details);
      if (error.code === "INSUFFICIENT_FUNDS") {
        await offerOthers(convert(error.details.required, (minor) => minor - toMinor(error.details.available)));
      }
    }
    throw error;
  }
}

// Goes to the page that shows what was paid.
async function open(path) {
  const page = await call("GET", path);
  await signOut();
  location.assign(page.url);
}

// The ways to pay other than with what the wallet has. amount: for a top-up.
async function offerOthers(amount) {
  part("missing").value = amount ?? "";
  const banks = part("bank");
  if (!banks.options.length) {
    for (const bank of await call("GET", "/onramp/providers")) banks.add(new Option(bank.name, bank.code));
  }
  short.hidden = false;
}

part("others").addEventListener("click", () => attempt(() => offerOthers(part("amount")?.value.trim() || total())));

part("top-up").addEventListener("submit", (event) => {
  event.preventDefault();
  const amount = part("missing");
  if (!amount.value.trim() || !amount.checkValidity()) return complain(amount, "Please enter an amount such as 12.50.");
  const quantity = part("quantity")?.value ?? null;
  return attempt(async () => {
    const back = new URL(location.pathname, location.href);
    back.searchParams.set("topUp", "1");
    if (quantity) back.searchParams.set("quantity", quantity);
    const topUp = await call("POST", "/onramp", {
      provider: part("bank").value, amount: amount.value.trim(), returnUrl: back.href,
    });
    leaveFor(topUp.paymentUrl, { topUp: topUp.id, amount: part("amount")?.value });
  });
});

part("by-card")?.addEventListener("click", () => {
  const body = order();
  return body && attempt(async () => {
    const { checkoutUrl } = await call(
      "POST", "/orders", { ...body, productId: card.dataset.product, paymentMethod: "GATEWAY" }, { "Idempotency-Key": key },
    );
    await signOut();
    location.assign(checkoutUrl);
  });
});

part("other-wallet").addEventListener("click", () => attempt(async () => {
  await signOut();
  short.hidden = true;
  askToSignIn();
}));

decline?.addEventListener("click", () => attempt(async () => {
  await call("POST", decline.dataset.decline);
  const done = part("done");
  const title = document.createElement("h2");
  const line = document.createElement("p");
  title.textContent = "Declined";
  line.textContent = `${card.dataset.payee} will see that you declined`;
  done.replaceChildren(title, line);
  show(null);
  short.hidden = true;
  part("until")?.remove();
  done.hidden = false;
  done.focus();
  signOut();
}));

function tell(text) {
  news.textContent = text;
  news.hidden = false;
}

// Says what has become of a top-up, for as long as the bank has not decided.
async function follow(id) {
  for (let polls = 0; polls < POLLS; polls += 1) {
    const topUp = await call("GET", `/onramp/${id}`);
    const amount = money(topUp.amount, topUp.currency);
    if (topUp.status === "SUCCESS") {
      await showBalance();
      return tell(`${amount} has arrived in your wallet.`);
    }
    if (topUp.status !== "PROCESSING") {
      return tell(`${topUp.providerName} has not paid: ${amount} was not added to your wallet. You can try again.`);
    }
    tell(`${amount} from ${topUp.providerName} is on its way. You see here when it arrives.`);
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
  return undefined;
}

async function start() {
  if (part("quantity") && /^[0-9]{1,6}$/.test(given.get("quantity") ?? "")) part("quantity").value = given.get("quantity");
  showTotal();
  const remembered = await comeBack(form, begin);
  if (remembered) {
    if (part("amount") && remembered.amount) part("amount").value = remembered.amount;
    await follow(remembered.topUp).catch(() => tell("Sign in again to see your balance."));
  } else if (given.has("topUp")) {
    tell("If you have paid at your bank, the money arrives in your wallet within moments. Sign in to see it.");
  }
}

start();
