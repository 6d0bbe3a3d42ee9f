// The keyboard map, by the place of the keys, so that letters work under any layout. A control says its key itself
// (aria-keyshortcuts); what has no modifier waits while somebody types and while a scanner may be typing.
(() => {
  const typing = (box) => Boolean(box && box.closest && box.closest("select, textarea, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])"));
  const press = (name) => {
    const control = [...document.querySelectorAll(`[aria-keyshortcuts~="${name}"]`)].find((each) => !each.disabled && each.getClientRects().length && !each.matches("input"));
    if (control) {
      control.click();
    }
    return Boolean(control);
  };
  const map = document.getElementById("keys");

  document.addEventListener("keydown", (event) => {
    const { code, ctrlKey, altKey, metaKey, shiftKey } = event;
    const plain = !ctrlKey && !altKey && !metaKey && !shiftKey;
    let done = false;
    if (code === "F2" && plain) {
      const box = document.querySelector(".scan input");
      if (box) {
        box.focus();
        box.select();
        done = true;
      }
    } else if (code === "F4" && plain) {
      const link = document.querySelector("[data-new-case]");
      done = press("F4") || Boolean(link);
      if (link && done && !document.querySelector('[aria-keyshortcuts~="F4"]')) {
        location.assign(link.dataset.newCase);
      }
    } else if (altKey && !ctrlKey && !metaKey && !shiftKey && code === "KeyN") {
      done = press("Alt+N");
    } else if (altKey && !ctrlKey && !metaKey && !shiftKey && code === "KeyC") {
      done = press("Alt+C");
    } else if (altKey && !ctrlKey && !metaKey && !shiftKey && code === "KeyS") {
      done = document.dispatchEvent(new CustomEvent("keep-draft"));
    } else if (ctrlKey && (code === "Enter" || code === "NumpadEnter")) {
      const form = event.target.closest("form");
      const main = (form && form.querySelector("[data-main-action]")) || document.querySelector("[data-main-action]");
      if (main) {
        main.click();
        done = true;
      }
    } else if (code === "Escape" && plain && !(map && map.open)) {
      const panel = document.activeElement.closest("details[open]");
      if (panel && !event.defaultPrevented) {
        panel.open = false;
        panel.querySelector("summary").focus();
      }
    }
    if (done) {
      event.preventDefault();
    }
  });

  document.addEventListener("lone-key", ({ detail: { code, shift, target } }) => {
    if (typing(target) || (map && map.open)) {
      return;
    }
    if (code === "Slash" && shift && map) {
      map.showModal();
    } else if (code === "KeyX" && !shift) {
      const row = document.activeElement.closest("tr, li");
      const tick = row && row.querySelector("input[type=checkbox]:not([disabled])");
      if (tick) {
        tick.click();
      }
    } else if (code === "KeyP" && !shift && !press("P")) {
      window.print();
    }
  });
})();
