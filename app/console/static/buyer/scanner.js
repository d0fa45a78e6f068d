// @ts-check
// Reads QR codes with the camera, where the browser can. Pictures do not leave the device.

import { useEffect, useRef, useState } from "preact/hooks";
import { wallet } from "../text/en-wallet.js";
import { html } from "../ui/html.js";
import { Notice } from "../ui/states.js";

const { pay } = wallet;
const EVERY_MS = 200;

/** Whether this browser reads codes. Cameras need HTTPS or localhost. */
export const canScan = "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);

/** @param {any} error of the camera */
function explain(error) {
  if (error.name === "NotAllowedError") return pay.denied;
  const isCamera = ["NotFoundError", "NotReadableError", "OverconstrainedError", "AbortError"].includes(error.name);
  return isCamera ? pay.noCamera : pay.noScan;
}

/**
 * The camera's picture, until a code is accepted.
 * @param {{onFound: (text: string) => boolean, onStop: () => void}} props onFound: given the text of a
 *   code, returns whether it is what was looked for
 */
export function Scanner({ onFound, onStop }) {
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => {
    /** @type {any} */
    let detector = null;
    /** @type {MediaStream | null} */
    let stream = null;
    let timer = 0;
    let isOver = false;
    const stop = () => {
      isOver = true;
      clearTimeout(timer);
      stream?.getTracks().forEach((track) => track.stop());
    };
    async function look() {
      if (isOver || !video.current) return;
      const codes = await detector.detect(video.current).catch(() => []); // no picture yet
      if (isOver) return;
      if (codes.some((/** @type {any} */ { rawValue }) => onFound(rawValue))) stop();
      else {
        if (codes.length) setProblem(pay.foreign);
        timer = window.setTimeout(look, EVERY_MS);
      }
    }
    async function start() {
      detector = new /** @type {any} */ (window).BarcodeDetector({ formats: ["qr_code"] });
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (isOver || !video.current) return stop();
      video.current.srcObject = stream;
      await video.current.play();
      return look();
    }
    start().catch((error) => { if (!isOver) setProblem(explain(error)); });
    return stop;
  }, []);
  return html`<div class="scanner">
    <video ref=${video} class="scanner-picture" muted playsInline aria-label=${pay.scanning}></video>
    <div aria-live="polite">${problem
      ? html`<${Notice} tone="warning" role=${null}>${problem}</${Notice}>`
      : html`<p class="muted">${pay.scanText}</p>`}</div>
    <button class="button" type="button" onClick=${onStop}>${pay.stop}</button>
  </div>`;
}
