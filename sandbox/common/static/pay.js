"use strict";

// The time that is left, by the server's clock; the page says so without this script as well.
(() => {
  const box = document.getElementById("expiry");
  const countdown = document.getElementById("countdown");
  const bar = document.getElementById("bar");
  const announcement = document.getElementById("announcement");
  const form = document.getElementById("decision");

  const wholeTime = Number(box.dataset.expires) - Number(box.dataset.now);
  const opened = performance.now();
  const secondsLeft = () => wholeTime - (performance.now() - opened) / 1000;

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
      location.reload(); // The page shows what has become of it.
      return;
    }
    const seconds = Math.ceil(left);
    const pad = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    countdown.textContent = hours
      ? `${hours}:${pad(minutes % 60)}:${pad(seconds % 60)}`
      : `${minutes}:${pad(seconds % 60)}`;
    bar.style.transform = `scaleX(${left / Math.max(wholeTime, 300)})`;
    box.classList.toggle("expiry-soon", seconds <= 60);
    if (wholeTime > 60) announce(60, left, "One minute left to pay.");
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
    // After the browser has read the form: a disabled button would not be part of it.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  });

  // Coming back with the browser's "back" shows the page as it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
})();
