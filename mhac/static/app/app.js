// Small conveniences; every page works without them.
document.addEventListener("keydown", (event) => {
  if (event.code === "F2") {
    const box = document.querySelector(".scan input");
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  }
  if (event.ctrlKey && event.code === "Enter") {
    const main = document.querySelector("[data-main-action]");
    if (main) {
      event.preventDefault();
      main.click();
    }
  }
});

// A scanner ends its line with Enter; only the scan box may take that as "go".
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("form[data-form] input:not([type=submit])")) {
    event.preventDefault();
  }
});

// A second click on the same button sends nothing twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 4000);
});

window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});
