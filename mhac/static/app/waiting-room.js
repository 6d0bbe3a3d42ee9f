// The board of the waiting room fetches itself again. A screen that lost the clinic keeps what it showed and tries on; one
// whose key or sitting is over shows what the clinic says to that.
const again = async () => {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok && !answer.redirected) {
      const board = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.body.replaceChildren(...board.body.childNodes);
    } else if (answer.status < 500) {
      location.reload();
    }
  } catch {
    // The next turn tries it again.
  }
};

setInterval(again, Number(document.body.dataset.refresh) * 1000);
