// Tubes scanned one after the other without waiting for the page: each number leaves the box at once, they are sent in
// turn, and what the answer lists replaces the list. Without this file the form is sent as a form.
document.querySelectorAll("form[data-scan]").forEach((form) => {
  const box = form.querySelector("input[name=number]");
  const said = form.querySelector("[data-said]");
  let turn = Promise.resolve();

  const say = (words, wrong) => {
    const line = document.createElement("p");
    line.className = `alert ${wrong ? "alert-danger" : "alert-success"}`;
    line.textContent = words;
    said.prepend(line);
    [...said.children].slice(12).forEach((old) => old.remove());
  };

  const send = async (values, number) => {
    try {
      const answer = await fetch(form.action || location.href, { method: "POST", body: values });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const alerts = [...page.querySelectorAll("#content .alert[role=status], form[data-scan] .alert-danger")];
      if (!answer.ok || !alerts.length) throw new Error(answer.status);
      alerts.forEach((each) => say(`${number}: ${each.textContent.trim()}`, each.classList.contains("alert-danger")));
      form.dataset.scan.split(" ").forEach((name) => {
        const fresh = page.querySelector(name);
        if (fresh) document.querySelector(name).replaceWith(fresh);
      });
    } catch {
      say(`${number}: ${form.dataset.unsent}`, true);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const number = box.value.trim();
    if (!number) return;
    const values = new FormData(form);
    // One showing of the form sends many numbers; each is its own request.
    values.delete("once");
    box.value = "";
    box.focus();
    const condition = form.querySelector("select");
    if (condition) condition.value = "";
    turn = turn.then(() => send(values, number));
  });
});
