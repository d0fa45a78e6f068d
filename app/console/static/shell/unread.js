// @ts-check
// The number of unread notifications, for the badge.

import { signal } from "@preact/signals";
import { call, user } from "../api/client.js";

const EVERY_MS = 20_000;

export const unread = signal(0);

export async function countUnread() {
  if (!user.value || document.hidden) return;
  try {
    unread.value = (await call("GET /notifications/unread-count")).unread;
  } catch {
    // The badge keeps its number; the views report what does not work.
  }
}

export function watchUnread() {
  const timer = setInterval(countUnread, EVERY_MS);
  document.addEventListener("visibilitychange", countUnread);
  countUnread();
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", countUnread);
  };
}
