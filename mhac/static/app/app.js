// Small conveniences; every page works without them.

// A scanner ends its line with Enter; only the scan box and a form made for scanning take that as "go".
document.addEventListener("keydown", (event) => {
  const form = event.key === "Enter" && event.target.matches("input:not([type=submit], [type=button])") && event.target.form;
  if (form && (form.matches("[data-form]") || form.matches("main form[method=post]:not([data-scan], :has([type=password]))"))) {
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
