// A grid of results by keyboard alone. Enter and the arrows move, Escape takes back, a scanned number jumps to its row, a
// block from a spreadsheet fills the cells from here on. Nothing here files anything: the button and Ctrl+Enter do.
(() => {
  const BOXES = "input.result, select.result";
  let scanned = "";

  const grid = () => document.querySelector("form[data-grid]");
  const rows = () => [...grid().querySelectorAll("tbody tr")];
  const boxIn = (row, column) => row && row.cells[column] && row.cells[column].querySelector(BOXES);
  const go = (box) => {
    if (box) {
      box.focus();
      if (box.select) {
        box.select();
      }
      box.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    return Boolean(box);
  };

  // The next box in the same column, then the first of the next column, then the button.
  const down = (box, step) => {
    const all = rows(), column = box.closest("td").cellIndex;
    for (let at = all.indexOf(box.closest("tr")) + step; all[at]; at += step) {
      if (go(boxIn(all[at], column))) {
        return;
      }
    }
    if (step < 0) {
      return;
    }
    for (let next = column + 1; next < box.closest("tr").cells.length; next += 1) {
      const first = all.map((row) => boxIn(row, next)).find(Boolean);
      if (first) {
        go(first);
        return;
      }
    }
    const button = grid().querySelector("button[data-main-action]:not([disabled])");
    if (button) {
      button.focus();
    }
  };
  const beside = (box, step) => {
    const cells = [...box.closest("tr").querySelectorAll(BOXES)];
    return go(cells[cells.indexOf(box) + step]);
  };

  // A scanner presses the keys of a Latin keyboard, whatever layout is on.
  const pressed = (code) => {
    const found = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(code);
    return found ? found[1] : "";
  };
  const plain = (text) => text.toUpperCase().replace(/[۰-۹]/g, (digit) => digit.charCodeAt(0) - 1776).replace(/[^A-Z0-9]/g, "");
  const rowOf = (...texts) => rows().find((row) => row.dataset.number && texts.some((text) => text.endsWith(plain(row.dataset.number))));
  const jump = (row) => {
    const cells = [...row.querySelectorAll(BOXES)];
    return go(cells.find((each) => !each.value) || cells[0]);
  };
  const undo = (box) => {
    box.value = box.dataset.stood || "";
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };

  document.addEventListener("focusin", (event) => {
    scanned = "";
    if (event.target.matches(`form[data-grid] :is(${BOXES})`)) {
      event.target.dataset.stood = event.target.value;
    }
  });

  document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (!box.closest || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    scanned += pressed(event.code);
    if (event.key === "Enter" && box.closest("form[data-jump]") && box.matches("input")) {
      event.preventDefault();
      const row = rowOf(plain(box.value), scanned);
      const told = box.form.querySelector("output");
      told.textContent = row ? "" : told.dataset.missing;
      if (row) {
        box.value = "";
        jump(row);
      }
      scanned = "";
      return;
    }
    if (!box.matches(`form[data-grid] :is(${BOXES})`)) {
      return;
    }
    const start = box.selectionStart, end = box.selectionEnd, whole = box.value ? box.value.length : 0;
    const all = start === 0 && end === whole;
    const toEnd = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const toStart = document.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    let done = true;
    if (event.key === "Enter") {
      const row = rowOf(plain(box.value), scanned);
      if (row) {
        undo(box);
        jump(row);
      } else {
        down(box, event.shiftKey ? -1 : 1);
      }
      scanned = "";
    } else if (event.key === "Escape" && box.value !== (box.dataset.stood || "")) {
      undo(box);
    } else if (event.key === "ArrowDown" && box.matches("input")) {
      down(box, 1);
    } else if (event.key === "ArrowUp" && box.matches("input")) {
      down(box, -1);
    } else if (event.key === toEnd && box.matches("input") && !event.shiftKey && (all || start === whole)) {
      done = beside(box, 1);
    } else if (event.key === toStart && box.matches("input") && !event.shiftKey && (all || end === 0)) {
      done = beside(box, -1);
    } else {
      done = false;
    }
    if (done) {
      event.preventDefault();
    }
  });

  // Rows by line, cells by tabulator; what has no cell here is left out, and a single value is pasted as anywhere.
  document.addEventListener("paste", (event) => {
    const box = event.target;
    if (!box.matches || !box.matches("form[data-grid] input.result")) {
      return;
    }
    const text = event.clipboardData.getData("text").replace(/\r/g, "").replace(/\n$/, "");
    if (!/[\t\n]/.test(text)) {
      return;
    }
    event.preventDefault();
    const all = rows(), top = all.indexOf(box.closest("tr")), left = box.closest("td").cellIndex;
    text.split("\n").forEach((line, below) => {
      line.split("\t").forEach((value, right) => {
        const cell = boxIn(all[top + below], left + right);
        if (cell && value.trim()) {
          cell.value = value.trim();
          cell.dispatchEvent(new Event("change", { bubbles: true }));
        }
      });
    });
  });

  const wrong = grid() && grid().querySelector("[aria-invalid=true]");
  go(wrong || (grid() && grid().querySelector("table.sheet input.result")));
})();
