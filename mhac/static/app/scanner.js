// A scanner types like a keyboard, only faster than any hand. What it types is taken out of the field it fell into and
// leads to the page it names; its Enter or Tab does nothing else. Which key was meant is known by its place on the
// keyboard, so that a Dari or Pashto layout and Caps Lock do not matter. A scan that names nothing is said in a line.
(() => {
  const words = document.getElementById("scan-words"), said = document.getElementById("scanned");
  if (!words) {
    return;
  }
  // Milliseconds: no pause within a scan is longer, a scan needs at most this much for a sign in the middle, and between
  // two lines of a passport there may be this much. A hand needs 80 and more for a sign of a number.
  const [PAUSE, USUAL, LINES] = [180, 62, 450];
  const [SHORTEST, ZONE] = [6, 30];
  // Places where a scan is meant to stay; numbers of other people's papers also in fields that ask for them.
  const STAYS = "form[data-scan] *, form[data-grid] *, form[data-jump] *, .mrz, [data-scanned]";
  const ASKS = "[name$=reference], [name$=number], [name$=lot], [name=seal]";
  const ALONE = "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./ ", SHIFTED = "~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:\"ZXCVBNM<>? ";
  const CODES = ["Backquote", ..."1234567890".split("").map((each) => `Digit${each}`), "Minus", "Equal",
    ..."QWERTYUIOP".split("").map((each) => `Key${each}`), "BracketLeft", "BracketRight", "Backslash",
    ..."ASDFGHJKL".split("").map((each) => `Key${each}`), "Semicolon", "Quote",
    ..."ZXCVBNM".split("").map((each) => `Key${each}`), "Comma", "Period", "Slash", "Space"];
  const MORE = { NumpadMultiply: "*", NumpadAdd: "+", NumpadSubtract: "-", NumpadDecimal: ".", NumpadDivide: "/", IntlBackslash: "\\" };

  let keys = [], stood = null, timer = null, lines = "";

  // The sign of a key on a Latin keyboard, null for a key that types nothing.
  const latin = ({ code, shiftKey }) => {
    const place = CODES.indexOf(code);
    if (place >= 0) {
      return (shiftKey ? SHIFTED : ALONE)[place];
    }
    return /^Numpad[0-9]$/.test(code) ? code.slice(-1) : MORE[code] ?? null;
  };
  const text = () => {
    const native = keys.every((each) => each.key.length === 1 && each.key.charCodeAt(0) < 128);
    return keys.map((each) => {
      if (!native) {
        return each.latin;
      }
      const letter = /[a-z]/i.test(each.key);
      return letter && each.caps ? (each.shift ? each.key.toUpperCase() : each.key.toLowerCase()) : each.key;
    }).join("");
  };
  const isFast = () => {
    const pauses = keys.slice(1).map((each, at) => each.time - keys[at].time).sort((one, other) => one - other);
    return !keys.some((each) => each.repeat) && pauses[Math.floor(pauses.length / 2)] <= USUAL;
  };
  const isZone = (line) => /^[A-Z0-9<]{30,90}$/i.test(line) && (line.includes("<") || lines);
  // Ours and other people's: what is typed by hand and has no digits, a name, is never one of them.
  const isOurs = (code) => /^(?:[A-Z]{3}[A-Z]?\d{7}[0-9A-Z]|[A-Z]{3}[0-9B-DF-HJ-NP-TV-Z]{21})$/.test(code.replace(/[\s-]/g, "")) || code.startsWith("MHAC1:") || isZone(code);
  const isNumber = (code) => /^[A-Z0-9][A-Z0-9/.-]*$/.test(code) && (/[A-Z]/.test(code) ? /\d{3}/.test(code.replace(/-/g, "")) : /^\d{8,}$/.test(code));
  const isScan = () => {
    const code = text().toUpperCase(), box = stood && stood.box;
    if (keys.length < SHORTEST || !isFast()) {
      return false;
    }
    return isOurs(code) || (isNumber(code) && !(box && box.matches(ASKS)));
  };

  const writes = (box) => box.matches("textarea, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file])");
  const remember = (box) => {
    stood = { box, focus: document.activeElement };
    if (box.matches("select")) {
      stood.chosen = box.selectedIndex;
    } else if (writes(box)) {
      stood.value = box.value;
      stood.at = box.selectionStart;
      stood.to = box.selectionEnd;
    }
  };
  const putBack = (more = "") => {
    const { box, value, at, to, chosen, focus } = stood;
    if (value !== undefined && (box.value !== value || more)) {
      box.value = more ? value.slice(0, at ?? value.length) + more + value.slice(to ?? value.length) : value;
      const caret = (at ?? value.length) + more.length;
      if (box.selectionStart !== null) {
        box.setSelectionRange(caret, more ? caret : to);
      }
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (chosen !== undefined && box.selectedIndex !== chosen) {
      box.selectedIndex = chosen;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (focus && focus !== document.activeElement && focus.isConnected) {
      focus.focus();
    }
  };
  const forget = () => {
    clearTimeout(timer);
    keys = [];
    stood = null;
    lines = "";
  };

  const tell = (sentence, search) => {
    const line = words.content.querySelector("[data-part=said]").cloneNode(true), link = line.querySelector("a");
    line.querySelector("[data-said]").textContent = sentence;
    if (search) {
      link.href = search;
    } else {
      link.remove();
    }
    said.replaceChildren(line);
  };
  const lead = async (code) => {
    said.replaceChildren();
    try {
      const answer = await fetch(`${words.dataset.url}?${new URLSearchParams({ q: code })}`, { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) {
        throw new Error(answer.status);
      }
      const { address, said: sentence, search } = await answer.json();
      if (address) {
        location.assign(address);
      } else {
        tell(sentence, search);
      }
    } catch {
      tell(words.dataset.unsent);
    }
  };

  // The last sign has come: at once where an Enter or a Tab says so, a moment later where none does.
  const finish = (ending) => {
    const box = stood && stood.box;
    if (keys.length === 1 && !ending) {
      const [{ code, shift }] = keys;
      forget();
      document.dispatchEvent(new CustomEvent("lone-key", { detail: { code, shift, target: box } }));
      return false;
    }
    if (box && box.matches(STAYS)) {
      if (keys.length >= SHORTEST && isFast() && text().length === keys.length && keys.some((each) => each.key.charCodeAt(0) > 127) && (isOurs(text().toUpperCase()) || isNumber(text().toUpperCase()))) {
        putBack(text());
      }
      forget();
      return false;
    }
    if (!isScan()) {
      if (lines) {
        const whole = lines.trim();
        forget();
        lead(whole);
        return true;
      }
      forget();
      return false;
    }
    const line = text();
    putBack();
    if (isZone(line) && !(lines && `${lines}${line}`.replace(/\s/g, "").length >= 72)) {
      // A passport or a card has two or three lines; a scanner ends each of them.
      lines += `${line}\n`;
      keys = [];
      timer = setTimeout(() => finish(null), LINES);
      return true;
    }
    const whole = lines + line;
    forget();
    lead(whole);
    return true;
  };

  document.addEventListener("keydown", (event) => {
    const sign = event.ctrlKey || event.altKey || event.metaKey ? null : latin(event);
    const ends = event.key === "Enter" || event.key === "Tab";
    if (event.key === "Shift" || event.key === "CapsLock") {
      return;
    }
    const last = keys.at(-1), late = last && event.timeStamp - last.time > PAUSE;
    if (late && !ends) {
      finish(null);
    }
    if (sign === null) {
      clearTimeout(timer);
      if ((keys.length || lines) && ends && !event.shiftKey && (!late || lines)) {
        if (keys.length ? finish(event.key) : true) {
          event.preventDefault();
          event.stopImmediatePropagation();
          if (!keys.length && lines) {
            clearTimeout(timer);
            timer = setTimeout(() => finish(null), LINES);
          }
        }
      } else {
        forget();
      }
      return;
    }
    if (!keys.length && !(lines && stood)) {
      remember(event.target);
    }
    keys.push({ code: event.code, key: event.key, latin: sign, shift: event.shiftKey, caps: event.getModifierState("CapsLock"), time: event.timeStamp, repeat: event.repeat });
    // A blank in the middle of a scan presses no button and ticks no box; further lines fall into no field.
    if ((event.code === "Space" && keys.length > 3 && isFast() && !writes(event.target)) || lines) {
      event.preventDefault();
    }
    clearTimeout(timer);
    timer = setTimeout(() => finish(null), PAUSE + 30);
  }, true);
  document.addEventListener("pointerdown", forget, true);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { said.replaceChildren(); } });
})();
