// Copies codes and prints the receipt. Without it, both can be done by hand.

for (const button of document.querySelectorAll(".copy")) {
  if (!navigator.clipboard) break; // browsers have it over HTTPS only
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    document.getElementById("copied").textContent = "Copied.";
  });
}

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
