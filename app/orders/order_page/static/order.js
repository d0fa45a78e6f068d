// Copies codes. Without it, that can be done by hand.

for (const button of document.querySelectorAll(".copy")) {
  if (!navigator.clipboard) break; // browsers have it over HTTPS only
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    document.getElementById("copied").textContent = "Copied.";
  });
}
