// Signs in and up through the API. The token is kept in this page only, and revoked at the end.

export const card = document.querySelector("[data-api]");
export const part = (id) => document.getElementById(id);

const signIn = part("sign-in");
const signUp = part("sign-up");

let token = null;
const steps = [signIn, signUp].filter(Boolean); // some pages have no sign-up

export const WORDS = {
  EMAIL_TAKEN: () => "There is an account with this email already. Sign in instead.",
  INVALID_CREDENTIALS: () => "The email, phone number or password is wrong.",
  RATE_LIMITED: () => "Too many attempts. Please try again later.",
};

// Not randomUUID: browsers have that over HTTPS only.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

// An amount of the API such as "1234.50", exactly: a string is not rounded.
export function money(amount, currency = card.dataset.currency) {
  return new Intl.NumberFormat(card.dataset.locale, { style: "currency", currency }).format(amount);
}

export class Refusal extends Error {
  constructor(status, body) {
    const fields = body.error === "VALIDATION_ERROR" ? Object.values(body.details ?? {}).flat() : [];
    super(WORDS[body.error]?.(body.details ?? {}) ?? (fields.length ? fields.join(" ") : body.message));
    this.status = status;
    this.code = body.error;
    this.details = body.details ?? {};
  }
}

export async function call(method, path, body, headers = {}) {
  const sent = { ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (body) sent["Content-Type"] = "application/json";
  const answer = await fetch(card.dataset.api + path, { method, headers: sent, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Refusal(answer.status, JSON.parse(text));
  return text && JSON.parse(text);
}

// One action at a time. Problems are shown where screen readers announce them.
export async function attempt(act) {
  const buttons = card.querySelectorAll("button");
  part("problem").textContent = "";
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await act();
  } catch (error) {
    part("problem").textContent = error instanceof Refusal
      ? error.message
      : "No response from the server. Please try again; nothing happens twice.";
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

export function complain(field, text) {
  part("problem").textContent = text;
  field.focus();
  return false;
}

function requireAccount(prefix, what) {
  const name = part(`${prefix}name`);
  const password = part(`${prefix}password`);
  const typed = name.value.trim();
  if (!typed) return complain(name, `Please enter your ${what}.`);
  if (!password.value) return complain(password, "Please enter your password.");
  return { [typed.startsWith("+") ? "phone" : "email"]: typed, password: password.value };
}

// Prepares the forms. begin: called with the user who has signed in; form: shown from then on.
export function startAccount(form, begin) {
  steps.push(form);
  const enter = async (signedIn) => {
    token = signedIn.accessToken;
    await begin(signedIn.user);
    for (const field of card.querySelectorAll("input[type=password]")) field.value = "";
    show(form);
    (form.querySelector("input:not([hidden])") ?? form.querySelector("button")).focus();
  };
  signIn.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = requireAccount("", "email or phone number");
    if (!given) return false;
    return attempt(async () => enter(await call("POST", given.phone ? "/auth/phone" : "/auth/login", given)));
  });
  signUp?.addEventListener("submit", (event) => {
    event.preventDefault();
    const byPhone = "phone" in signUp.dataset;
    const given = requireAccount("new-", byPhone ? "email or phone number" : "email");
    if (!given) return false;
    if (given.phone && !byPhone) return complain(part("new-name"), "Please sign up with an email address.");
    return attempt(async () => enter(await (given.phone
      ? call("POST", "/auth/phone", given)
      : call("POST", "/auth/register", { ...given, role: "USER" }))));
  });
  part("to-sign-up")?.addEventListener("click", () => { show(signUp); part("new-name").focus(); });
  part("to-sign-in")?.addEventListener("click", () => { show(signIn); part("name").focus(); });
}

export const nameOf = (user) => user.email ?? user.phone ?? "a new user";

// Shows one of the forms, or none.
export function show(step) {
  for (const each of steps) each.hidden = each !== step;
}

export function askToSignIn() {
  show(signIn);
  part("name").focus();
}

export function forgetSignIn() {
  token = null;
  show(signIn);
}

export async function signOut() {
  if (token) await call("POST", "/auth/logout").catch(() => {}); // the session would expire anyway
  token = null;
}

// Leaves for a page of somebody else, which leads back to this one. The browser keeps the sign-in and
// what else is to be remembered for this tab only, and forgets both when they are taken up again.
const KEPT = `left:${location.pathname}`;

export function leaveFor(address, remembered) {
  sessionStorage.setItem(KEPT, JSON.stringify({ token, remembered }));
  location.assign(address);
}

// What was remembered when this page was left; null without it, or if the sign-in has ended.
export async function comeBack(form, begin) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (!kept?.token) return null;
  token = kept.token;
  try {
    await begin(await call("GET", "/auth/me"));
  } catch {
    token = null;
    return null;
  }
  show(form);
  return kept.remembered;
}
