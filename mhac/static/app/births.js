// The fields of the two calendars fill each other. The clinic's server counts, so that page and record always agree;
// without this script either side may be written, and the server answers both.
document.querySelectorAll("[data-birth]").forEach((birth) => {
  const said = birth.querySelector("[data-said]");
  const fields = (calendar) => [...birth.querySelectorAll(`[data-calendar=${calendar}]`)];
  let turn = 0;

  const fill = (calendar, parts) => {
    fields(calendar).forEach((field, place) => {
      field.value = parts[place];
    });
  };

  const answer = async (changed) => {
    const calendar = changed.dataset.calendar;
    const written = fields(calendar);
    const other = calendar === "hijri" ? "gregorian" : "hijri";
    // A whole date in the first field stands for the others.
    if (changed === written[0] && !/^\s*\p{Nd}{4}\s*$/u.test(changed.value)) {
      written[1].value = "";
      written[2].value = "";
    }
    const [year, month, day] = written.map((field) => field.value.trim());
    if (!year && !month && !day) {
      fill(other, ["", "", ""]);
      said.textContent = "";
      return;
    }
    // Not all is written yet: the year follows.
    if (!year) return;
    turn += 1;
    const mine = turn;
    try {
      const asked = new URLSearchParams({ calendar, year, month, day });
      const response = await fetch(`${birth.dataset.birth}?${asked}`);
      if (!response.ok) return;
      const found = await response.json();
      if (mine !== turn) return;
      said.textContent = found.error || [found.said, found.doubt].filter(Boolean).join(" – ");
      said.classList.toggle("wrong", Boolean(found.error));
      if (found.error) return;
      fill("gregorian", found.gregorian);
      fill("hijri", found.hijri);
    } catch {
      // No connection: what is written is sent as it is.
    }
  };

  birth.addEventListener("change", (event) => {
    if (event.target.dataset.calendar) answer(event.target);
  });
});

// A paper tazkira has its number in three parts: choosing it opens the fields that are folded away.
document.querySelectorAll("select[name$=kind]").forEach((kind) => {
  const more = kind.closest("form, section")?.querySelector("details.paper");
  if (more) kind.addEventListener("change", () => (more.open = more.open || kind.value === "tazkira"));
});
