// @ts-check
// Line icons, 24 by 24. They are decoration: the text beside them, or a label, says what they mean.

import { html } from "./html.js";

const PATHS = {
  home: "M4 11l8-7 8 7v8a1 1 0 0 1-1 1h-4v-6H9v6H5a1 1 0 0 1-1-1z",
  shop: "M5 8h14l-1 11a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1zM9 8V7a3 3 0 0 1 6 0v1",
  send: "M21 3L10 14M21 3l-7 18-4-7-7-4z",
  activity: "M7 5v14M7 5L4 8M7 5l3 3M17 19V5M17 19l-3-3M17 19l3-3",
  purchases: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  addMoney: "M12 5v14M5 12h14",
  bell: "M6 10a6 6 0 0 1 12 0c0 5 2 6 2 7H4c0-1 2-2 2-7M10 20a2 2 0 0 0 4 0",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4",
  signOut: "M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M10 12h10M17 9l3 3-3 3",
  check: "M5 12l5 5 9-10",
  cross: "M6 6l12 12M18 6L6 18",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l4 4",
  bank: "M4 9l8-5 8 5zM6 9v8M10 9v8M14 9v8M18 9v8M4 20h16",
  user: "M12 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM5 20c1-4 4-5 7-5s6 1 7 5",
  download: "M12 4v11M8 11l4 4 4-4M5 20h14",
  back: "M14 6l-6 6 6 6",
  key: "M8 12a3.5 3.5 0 1 0 0 .1M11.500 12H20M17 12v3",
  switch: "M4 8h14M14 4l4 4-4 4M20 16H6M10 12l-4 4 4 4",
  file: "M7 4h7l4 4v12H7zM14 4v4h4",
  print: "M7 9V4h10v5M7 17H4v-7h16v7h-3M7 14h10v6H7z",
  receipt: "M6 4h12v16l-3-2-3 2-3-2-3 2zM9 9h6M9 13h6",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16",
  code: "M9 8l-4 4 4 4M15 8l4 4-4 4",
  upload: "M12 20V8M8 12l4-4 4 4M5 4h14",
  overview: "M4 20V10M10 20V4M16 20v-8M4 20h16",
  box: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.1",
  request: "M12 4v10M8 10l4 4 4-4M4 14v4a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-4",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v2h-2M14 20h2M20 20h-1M18 18h2",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z",
  offline: "M4 9a12 12 0 0 1 16 0M7 12.500a8 8 0 0 1 10 0M10 16a4 4 0 0 1 4 0M12 19v.1M4 4l16 16",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  gauge: "M4 17a8 8 0 1 1 16 0M12 17l4-6M4 20h16",
  shield: "M12 4l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V7z",
  rules: "M5 6h14M5 12h14M5 18h14M9 4v4M15 10v4M8 16v4",
};

/** @param {{name: keyof typeof PATHS}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}
