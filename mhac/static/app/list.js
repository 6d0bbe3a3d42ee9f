// In a list J goes to the next row and K to the one before, by the place of the keys on the keyboard; Enter opens it.
document.addEventListener("keydown", (event) => {
  const steps = { KeyJ: 1, KeyK: -1 };
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  if (!(event.code in steps) || typing || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const links = [...document.querySelectorAll("[data-list] tbody tr")].map((row) => row.querySelector("a[href]"));
  const rows = links.filter(Boolean);
  if (rows.length === 0) {
    return;
  }
  event.preventDefault();
  const current = document.activeElement.closest("tr");
  const at = rows.findIndex((link) => link.closest("tr") === current);
  const next = at < 0 ? (steps[event.code] > 0 ? 0 : rows.length - 1) : at + steps[event.code];
  rows[Math.max(0, Math.min(next, rows.length - 1))].focus();
});
