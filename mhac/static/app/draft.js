// What somebody types is kept on the server as her draft while she types, and put back when the page is opened again.
// Nothing of it stays in the browser: other people use this machine. While the network is away it waits in this page.
(() => {
  const words = document.getElementById("draft-words");
  if (!words) {
    return;
  }
  const { url, user } = words.dataset;
  const FORMS = "form[method=post]:is([data-form], [data-draft]):not([data-draft=no])";
  const ASIDE = new Set(["csrfmiddlewaretoken", "once", "draft", "key", "next"]);
  const NO_TEXT = new Set(["password", "file", "submit", "button", "reset", "image"]);
  const [SOON, LATEST, AGAIN] = [600, 1200, 2000];
  const page = location.pathname + location.search;
  const isAnswer = document.body.dataset.method === "POST";
  const states = new Map();
  let token = "", asking = null;

  const wait = (time) => new Promise((done) => setTimeout(done, time));
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const pathOf = (form) => new URL(form.getAttribute("action") || location.href, location.href).pathname;
  const hidden = (form, name) => form.querySelector(`input[type=hidden][name="${name}"]`);

  // The boxes of a form by name; hidden ones only where the page is made of them (its cards).
  const boxesOf = (form) => {
    const whole = form.dataset.draft === "again", found = new Map();
    for (const box of form.elements) {
      const counts = /^(?:INPUT|SELECT|TEXTAREA)$/.test(box.tagName) && !NO_TEXT.has(box.type) && (whole || box.type !== "hidden");
      if (box.name && counts && !ASIDE.has(box.name)) {
        found.set(box.name, [...(found.get(box.name) || []), box]);
      }
    }
    return found;
  };
  const ticks = (box) => box.type === "checkbox" || box.type === "radio";
  const valueOf = (boxes, first) => boxes.flatMap((box) => {
    if (ticks(box)) {
      return (first ? box.defaultChecked : box.checked) ? [box.value] : [];
    }
    if (box.tagName === "SELECT") {
      const shown = [...box.options].filter((each) => (first ? each.defaultSelected : each.selected));
      return (shown.length || box.multiple || !box.options.length ? shown : [box.options[0]]).map((each) => each.value);
    }
    return [first && box.type !== "hidden" ? box.defaultValue : box.value];
  });
  const put = (boxes, values) => {
    boxes.forEach((box, place) => {
      if (ticks(box)) {
        box.checked = values.includes(box.value);
      } else if (box.tagName === "SELECT") {
        [...box.options].forEach((each) => { each.selected = values.includes(each.value); });
      } else {
        box.value = values[place] ?? "";
      }
      const folded = box.closest("details");
      if (folded) {
        folded.open = true;
      }
    });
    boxes[0].dispatchEvent(new Event("input", { bubbles: true }));
  };

  const piece = (name) => words.content.querySelector(`[data-part=${name}]`).cloneNode(true);
  // One line above the form says how things stand; `null` takes it away.
  const tell = (state, name, time) => {
    if (state.told === name && !time) {
      return;
    }
    state.told = name;
    state.line.replaceChildren();
    if (name) {
      const line = piece(name);
      line.querySelectorAll("[data-time]").forEach((each) => { each.textContent = time; });
      state.line.append(line);
    }
  };

  const changes = (state) => {
    const fields = {};
    for (const [name, boxes] of boxesOf(state.form)) {
      const is = valueOf(boxes), known = state.earlier[name];
      const first = known ? known.was : state.unsaved ? null : valueOf(boxes, true);
      const empty = is.every((each) => !each);
      if (first === null ? !empty || known : !same(is, first)) {
        fields[name] = { was: first, is };
      }
    }
    return fields;
  };

  // Who is signed in here now; after somebody signed in again, the new token as well.
  const ask = async () => {
    const answer = await fetch(`${url}?page=${encodeURIComponent(page)}`, { headers: { Accept: "application/json" }, redirect: "error" });
    if (answer.status === 401) {
      return { gone: true };
    }
    if (!answer.ok) {
      throw new Error(answer.status);
    }
    const found = await answer.json();
    if (found.user === user) {
      token = found.token;
      document.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((box) => { box.value = token; });
      document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": token }));
    }
    return found;
  };

  const back = () => {
    asking ??= (async () => {
      for (;;) {
        await wait(AGAIN);
        try {
          const found = await ask();
          if (!found.gone) {
            const mine = found.user === user;
            states.forEach((state) => mine ? save(state) : tell(state, "other"));
            if (mine) {
              return;
            }
          }
        } catch { /* still no connection */ }
      }
    })().finally(() => { asking = null; });
  };

  const save = async (state, last) => {
    clearTimeout(state.timer);
    state.timer = null;
    state.since = 0;
    if (!state.form.isConnected) {
      return;
    }
    const focus = state.form.contains(document.activeElement) ? document.activeElement.name || "" : state.focus;
    const fields = changes(state), text = JSON.stringify({ fields, focus });
    if (JSON.stringify(fields) === state.kept || (state.busy && !last)) {
      state.more = state.busy && JSON.stringify(fields) !== state.kept;
      return;
    }
    const once = hidden(state.form, "once");
    if (!once) {
      return;
    }
    const body = new URLSearchParams({ user, page, form: state.path, key: once.value, typed: text });
    const headers = { "X-CSRFToken": token || hidden(state.form, "csrfmiddlewaretoken").value };
    state.busy = true;
    try {
      // What is sent while the page goes away may be 64 kB at most.
      const answer = await fetch(url, { method: "POST", body, headers, keepalive: body.toString().length < 60000, redirect: "error" });
      if (answer.status === 204) {
        state.kept = JSON.stringify(fields);
        state.by = once.value;
        tell(state, Object.keys(fields).length ? "kept" : null, answer.headers.get("X-Kept"));
      } else if (answer.status === 400) {
        tell(state, "long");
      } else {
        tell(state, answer.status === 409 ? "other" : answer.status >= 500 ? "waiting" : "away");
        back();
      }
    } catch {
      tell(state, "waiting");
      back();
    } finally {
      state.busy = false;
      if (state.more) {
        state.more = false;
        soon(state);
      }
    }
  };
  // Soon after the last key, and while somebody types on and on, at the latest a little over a second after the first.
  const soon = (state, time = SOON) => {
    const now = performance.now();
    state.since ||= now;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => save(state), Math.max(0, Math.min(time, state.since + LATEST - now)));
  };
  const flush = () => states.forEach((state) => { if (state.timer || state.busy) { save(state, true); } });

  // The cards of a page that are no longer on it: the same values, sent without the button that saves them.
  const showAgain = (state, fields) => {
    for (const [name, { is }] of Object.entries(fields)) {
      (boxesOf(state.form).get(name) || []).forEach((box) => { box.disabled = true; });
      is.forEach((value) => {
        const box = document.createElement("input");
        Object.assign(box, { type: "hidden", name, value });
        state.form.append(box);
      });
    }
    state.form.submit();
  };

  const show = (boxes, values) => {
    const line = piece("mine");
    line.querySelector("[data-value]").textContent = boxes.some(ticks)
      ? boxes.filter((box) => values.includes(box.value)).map((box) => box.closest("label")?.textContent.trim() || box.labels[0]?.textContent.trim() || box.value).join(", ")
      : boxes[0].tagName === "SELECT" ? [...boxes[0].options].filter((each) => values.includes(each.value)).map((each) => each.text).join(", ") : values.join(" ");
    line.querySelector("[data-take]").addEventListener("click", () => {
      put(boxes, values);
      line.remove();
      boxes[0].focus();
    });
    const where = boxes[0].closest(".field, fieldset, .mb-3, label, td") || boxes[0];
    where.after(line);
  };

  const restore = (state, draft) => {
    state.by = draft.by;
    state.focus = draft.typed.focus || "";
    const fields = draft.typed.fields;
    // On an answer the fields hold what was sent, newer than any draft; only what the record said at first is taken over.
    if (isAnswer) {
      state.earlier = fields;
      return;
    }
    const here = boxesOf(state.form), lost = [];
    if (state.form.dataset.draft === "again" && Object.keys(fields).some((name) => !here.has(name))) {
      showAgain(state, fields);
      return;
    }
    let differs = false;
    for (const [name, { was, is }] of Object.entries(fields)) {
      const boxes = here.get(name);
      if (!boxes) {
        lost.push(...is);
      } else if (!same(valueOf(boxes), is)) {
        if (was === null || same(valueOf(boxes, true), was)) {
          put(boxes, is);
        } else {
          differs = true;
          show(boxes, is);
        }
      }
    }
    const notice = piece("restored");
    notice.querySelectorAll("[data-time]").forEach((each) => { each.textContent = draft.at; });
    notice.querySelector("[data-differs]").hidden = !differs;
    notice.querySelector("[data-lost]").hidden = !lost.length;
    notice.querySelector("[data-values]").textContent = lost.join(" · ");
    notice.querySelector("[data-discard]").addEventListener("click", async () => {
      const body = new URLSearchParams({ user, page, form: state.path, key: hidden(state.form, "once").value, typed: '{"fields": {}}' });
      state.form.remove();
      await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token } }).catch(() => null);
      location.assign(page);
    });
    state.line.before(notice);
    state.kept = JSON.stringify(changes(state));
    const at = here.get(state.focus);
    if (at) {
      at[0].focus();
    }
  };

  const begin = () => {
    const fresh = [];
    document.querySelectorAll(FORMS).forEach((form) => {
      const path = pathOf(form), old = states.get(path);
      if (old && old.form === form) {
        return;
      }
      if (!boxesOf(form).size || !hidden(form, "once")) {
        return;
      }
      const line = document.createElement("div");
      line.className = "draft";
      form.prepend(line);
      const wrong = form.querySelector(".is-invalid, .alert-danger, [aria-invalid=true]");
      const state = { form, path, line, earlier: {}, kept: "{}", by: "", focus: "", timer: null, since: 0, busy: false, told: null };
      state.unsaved = Boolean((isAnswer && (wrong || form.dataset.draft === "again")) || (old && wrong));
      if (old) {
        // A part of the page was answered: what was refused is still a draft, what was saved is none.
        state.earlier = state.unsaved ? { ...old.earlier, ...JSON.parse(old.kept) } : {};
        state.by = old.by;
        clearTimeout(old.timer);
      }
      states.set(path, state);
      fresh.push([state, Boolean(old)]);
    });
    return fresh;
  };

  const start = async () => {
    const fresh = begin();
    if (!fresh.length) {
      return;
    }
    try {
      const found = await ask();
      const drafts = found.user === user ? found.drafts : [];
      for (const [state] of fresh) {
        const draft = drafts.find((each) => each.form === state.path);
        if (draft) {
          restore(state, draft);
        }
      }
    } catch { /* no connection: what is typed waits */ }
    fresh.forEach(([state]) => { if (state.unsaved) { soon(state); } });
    document.documentElement.dataset.drafts = "ready";
  };

  const typed = (event) => {
    const form = event.target.form;
    const state = form && states.get(pathOf(form));
    if (state && state.form === form) {
      soon(state, event.type === "input" ? SOON : 100);
    }
  };
  document.addEventListener("input", typed);
  document.addEventListener("change", typed);
  document.addEventListener("submit", (event) => {
    const state = states.get(pathOf(event.target));
    if (!state || state.form !== event.target) {
      return;
    }
    if (!hidden(state.form, "draft")) {
      const box = document.createElement("input");
      Object.assign(box, { type: "hidden", name: "draft" });
      state.form.append(box);
    }
    hidden(state.form, "draft").value = state.by;
    if (state.timer) {
      save(state, true);
    }
  }, true);
  document.addEventListener("htmx:afterSettle", () => {
    begin().forEach(([state]) => { if (state.unsaved) { soon(state); } });
  });
  // A part of the page could not ask for itself: whoever has nothing unsaved is led to the sign-in page.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401 && [...states.values()].every((state) => state.kept === "{}" && !state.timer)) {
      location.reload();
    }
  });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") { flush(); } else if (states.size) { ask().catch(() => null); } });
  window.addEventListener("pagehide", flush);
  document.addEventListener("keep-draft", () => states.forEach((state) => save(state)));
  window.addEventListener("online", () => states.forEach((state) => { if (state.told === "waiting") { save(state); } }));
  start();
})();
