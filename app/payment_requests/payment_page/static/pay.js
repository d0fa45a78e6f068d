// Signs in and pays through the API. The token is kept in this page only, and revoked at the end.

const card = document.querySelector("[data-api]");
const part = (id) => document.getElementById(id);
const signIn = part("sign-in");
const form = part("pay");
const decline = part("decline");

let token = null;
let key = newKey();

const WORDS = {
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

signIn.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = part("name").value.trim();
  const password = part("password").value;
  if (!name) return complain(part("name"), "Please enter your email or phone number.");
  if (!password) return complain(part("password"), "Please enter your password.");
  return attempt(async () => {
    const signedIn = name.startsWith("+")
      ? await call("POST", "/auth/phone", { phone: name, password })
      : await call("POST", "/auth/login", { email: name, password });
    token = signedIn.accessToken;
    const wallet = await call("GET", "/wallet");
    part("who").textContent = name;
    part("available").textContent = `${wallet.available} ${wallet.currency}`;
    part("password").value = "";
    signIn.hidden = true;
    form.hidden = false;
    (form.querySelector("input:not([hidden])") ?? form.querySelector("button")).focus();
  });
});

// Exact: in minor units, without floating point.
function convert(price, change) {
  const decimals = price.split(".")[1]?.length ?? 0;
  const minor = change(BigInt(price.replace(".", ""))).toString().padStart(decimals + 1, "0");
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
    finish("Paid", `${card.dataset.payee} has received ${paid.amount} ${paid.currency}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error; // it may have been paid: retry with the same key
    if (error.code === "TWO_FACTOR_REQUIRED" && error.details.enrolled) {
      part("second-factor").hidden = false;
      part("code").value = "";
      part("code").focus();
    } else if (error.status === 401) {
      token = null;
      form.hidden = true;
      signIn.hidden = false;
    } else if (error.status < 500 && error.status !== 429) {
      key = newKey(); // refused for good: the next attempt is another request
      if (error.code === "PRICE_CHANGED") showNewPrice(error.details);
    }
    throw error;
  }
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
  form.hidden = true;
  part("until")?.remove();
  done.hidden = false;
  done.focus();
  call("POST", "/auth/logout").catch(() => {}); // the session would expire anyway
}
