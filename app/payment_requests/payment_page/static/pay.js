// Signs in and pays through the API. The token is kept in this page only, and revoked at the end.

const card = document.querySelector("[data-api]");
const part = (id) => document.getElementById(id);
const signIn = part("sign-in");
const signUp = part("sign-up");
const form = part("pay");
const short = part("short");
const decline = part("decline");

let token = null;
let key = newKey();

const WORDS = {
  EMAIL_TAKEN: "There is an account with this email already. Sign in instead.",
  PHONE_TAKEN: "There is an account with this phone number already. Sign in instead.",
  INVALID_CREDENTIALS: "The email, phone number or password is wrong.",
  PAYMENT_REQUEST_NOT_FOUND: "This request is addressed to someone else.",
  RATE_LIMITED: "Too many attempts. Please try again later.",
};

// Not randomUUID: browsers have that over HTTPS only.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

class Refusal extends Error {
  constructor(status, body) {
    const fields = body.error === "VALIDATION_ERROR" ? Object.values(body.details ?? {}).flat() : [];
    super(WORDS[body.error] ?? (fields.length ? fields.join(" ") : body.message));
    this.status = status;
    this.code = body.error;
    this.details = body.details ?? {};
  }
}

async function call(method, path, body, headers = {}) {
  const sent = { ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (body) sent["Content-Type"] = "application/json";
  const answer = await fetch(card.dataset.api + path, { method, headers: sent, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Refusal(answer.status, JSON.parse(text));
  return text && JSON.parse(text);
}

// One action at a time. Problems are shown where screen readers announce them.
async function attempt(act) {
  const buttons = card.querySelectorAll("button");
  part("problem").textContent = "";
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await act();
  } catch (error) {
    part("problem").textContent = error instanceof Refusal
      ? error.message
      : "No response from the server. Please try again; you will not be charged twice.";
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

function complain(field, text) {
  part("problem").textContent = text;
  field.focus();
  return false;
}

function account(name, password) {
  return name.startsWith("+") ? { phone: name, password } : { email: name, password };
}

function requireAccount(prefix) {
  const name = part(`${prefix}name`);
  const password = part(`${prefix}password`);
  if (!name.value.trim()) return complain(name, "Please enter your email or phone number.");
  if (!password.value) return complain(password, "Please enter your password.");
  return account(name.value.trim(), password.value);
}

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = requireAccount("");
  if (!given) return false;
  return attempt(async () => {
    const path = given.phone ? "/auth/phone" : "/auth/login";
    await begin(await call("POST", path, given));
  });
});

signUp.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = requireAccount("new-");
  if (!given) return false;
  return attempt(async () => {
    await begin(await call("POST", "/auth/register", { ...given, role: "USER" }));
  });
});

async function begin(signedIn) {
  token = signedIn.accessToken;
  part("who").textContent = signedIn.user.email ?? signedIn.user.phone ?? "a new user";
  await showBalance();
  part("password").value = part("new-password").value = "";
  show(form);
  (form.querySelector("input:not([hidden])") ?? form.querySelector("button")).focus();
}

async function showBalance() {
  const wallet = await call("GET", "/wallet");
  part("available").textContent = `${wallet.available} ${wallet.currency}`;
}

function show(step) {
  for (const each of [signIn, signUp, form]) each.hidden = each !== step;
  short.hidden = true;
}

part("to-sign-up").addEventListener("click", () => { show(signUp); part("new-name").focus(); });
part("to-sign-in").addEventListener("click", () => { show(signIn); part("name").focus(); });

// Exact: in minor units, without floating point.
function toMinor(amount) {
  return BigInt(amount.replace(".", ""));
}

function convert(price, change) {
  const decimals = price.split(".")[1]?.length ?? 0;
  const minor = change(toMinor(price)).toString().padStart(decimals + 1, "0");
  return decimals ? `${minor.slice(0, -decimals)}.${minor.slice(-decimals)}` : minor;
}

function count() {
  const quantity = part("quantity");
  return BigInt(quantity?.checkValidity() ? quantity.value : 1);
}

// The amount on the button, which is the only one that is paid.
function total() {
  return convert(card.dataset.price, (minor) => minor * count());
}

function showTotal() {
  part("total").textContent = `${total()} ${card.dataset.currency}`;
}

part("quantity")?.addEventListener("input", showTotal);

function showNewPrice(details) {
  card.dataset.price = convert(details.amount, (minor) => minor / count());
  part("price").textContent = `${card.dataset.price} ${card.dataset.currency}`;
  showTotal();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = {};
  const amount = part("amount");
  const quantity = part("quantity");
  if (amount) {
    if (!amount.value.trim() || !amount.checkValidity()) return complain(amount, "Please enter an amount such as 12.50.");
    body.amount = amount.value.trim();
  }
  if (quantity) {
    if (!quantity.checkValidity() || Number(quantity.value) < 1) return complain(quantity, "Please enter the quantity as a whole number.");
    body.quantity = Number(quantity.value);
  }
  body.expectedAmount = amount ? body.amount : total();
  return attempt(() => pay(body));
});

async function pay(body) {
  const headers = { "Idempotency-Key": key };
  const code = part("code").value.trim();
  if (code) headers["X-Two-Factor-Code"] = code;
  try {
    const paid = await call("POST", card.dataset.pay, body, headers);
    if (paid.object === "order") {
      const page = await call("GET", `/orders/${paid.id}/page`);
      await signOut();
      location.assign(page.url);
      return;
    }
    finish("Paid", `${card.dataset.payee} has received ${paid.amount} ${paid.currency}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // it may have been paid: retry with the same key
    if (error.code === "TWO_FACTOR_REQUIRED" && error.details.enrolled) {
      part("second-factor").hidden = false;
      part("code").value = "";
      part("code").focus();
    } else if (error.status === 401) {
      token = null;
      show(signIn);
    } else if (error.status < 500 && error.status !== 429) {
      key = newKey(); // refused for good: the next attempt is another request
      if (error.code === "PRICE_CHANGED") showNewPrice(error.details);
      if (error.code === "INSUFFICIENT_FUNDS") await offerOthers(error.details, body);
    }
    throw error;
  }
}

// The ways to pay when the wallet has too little.
async function offerOthers(details, body) {
  const missing = convert(details.required, (minor) => minor - toMinor(details.available));
  part("missing").value = missing;
  const banks = part("bank");
  if (!banks.options.length) {
    for (const bank of await call("GET", "/onramp/providers")) banks.add(new Option(bank.name, bank.code));
  }
  card.dataset.ordered = JSON.stringify(body);
  short.hidden = false;
}

part("top-up").addEventListener("submit", (event) => {
  event.preventDefault();
  const amount = part("missing");
  if (!amount.value.trim() || !amount.checkValidity()) return complain(amount, "Please enter an amount such as 12.50.");
  return attempt(async () => {
    const { paymentUrl } = await call("POST", "/onramp", {
      provider: part("bank").value, amount: amount.value.trim(), returnUrl: location.href,
    });
    await signOut();
    location.assign(paymentUrl);
  });
});

part("by-card")?.addEventListener("click", () => attempt(async () => {
  const { checkoutUrl } = await call(
    "POST", "/orders",
    { ...JSON.parse(card.dataset.ordered), productId: card.dataset.product, paymentMethod: "GATEWAY" },
    { "Idempotency-Key": key },
  );
  await signOut();
  location.assign(checkoutUrl);
}));

part("other-wallet").addEventListener("click", () => attempt(async () => {
  await signOut();
  show(signIn);
  part("name").focus();
}));

async function signOut() {
  await call("POST", "/auth/logout").catch(() => {}); // the session would expire anyway
  token = null;
}

decline?.addEventListener("click", () => attempt(async () => {
  await call("POST", decline.dataset.decline);
  finish("Declined", `${card.dataset.payee} will see that you declined`);
}));

function finish(heading, text) {
  const done = part("done");
  const title = document.createElement("h2");
  const line = document.createElement("p");
  title.textContent = heading;
  line.textContent = text;
  done.replaceChildren(title, line);
  show(null);
  part("until")?.remove();
  done.hidden = false;
  done.focus();
  signOut();
}
