// In a grid of results Enter goes to the next box, as on the laboratory's keypad; the last one goes to the button.
document.addEventListener("keydown", (event) => {
  const grid = event.key === "Enter" && !event.ctrlKey && event.target.closest("form[data-grid]");
  if (!grid || event.target.matches("button")) {
    return;
  }
  event.preventDefault();
  const boxes = [...grid.querySelectorAll("input.result, select.result, button:not([disabled])")];
  const next = boxes[boxes.indexOf(event.target) + 1];
  if (next) {
    next.focus();
    if (next.select) {
      next.select();
    }
  }
});
