"use strict";

// Counts down by the server's clock. Without this script the page shows the time of expiry.
(() => {
  const box = document.getElementById("expiry");
  const countdown = document.getElementById("countdown");
  const bar = document.getElementById("bar");
  const announcement = document.getElementById("announcement");
  const form = document.getElementById("decision");

  const totalSeconds = Number(box.dataset.expires) - Number(box.dataset.now);
  const opened = performance.now();
  const secondsLeft = () => totalSeconds - (performance.now() - opened) / 1000;

  const announced = new Set();
  const announce = (limit, left, text) => {
    if (left <= limit && !announced.has(limit)) {
      announced.add(limit);
      announcement.textContent = text;
    }
  };

  const show = () => {
    const left = secondsLeft();
    if (left <= 0) {
      location.reload(); // The page shows the outcome.
      return;
    }
    const seconds = Math.ceil(left);
    const pad = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    countdown.textContent = hours
      ? `${hours}:${pad(minutes % 60)}:${pad(seconds % 60)}`
      : `${minutes}:${pad(seconds % 60)}`;
    bar.style.transform = `scaleX(${left / Math.max(totalSeconds, 300)})`;
    box.classList.toggle("expiry-soon", seconds <= 60);
    if (totalSeconds > 60) announce(60, left, "One minute left to pay.");
    announce(15, left, "15 seconds left to pay.");
    setTimeout(show, 1000 * (left - Math.floor(left)) || 1000);
  };

  box.querySelector(".expiry-label").textContent = "Time left to pay";
  show();

  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    // After the browser has serialized the form, because it leaves out disabled buttons.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  });

  // The browser's Back button restores the page as it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
