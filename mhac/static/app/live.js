// Lists that fetch themselves again: they rest while nobody looks at them, and are fetched at once when somebody does.
// A list whose sitting is over leads to the sign-in page instead of showing it in its place.
const isLive = (target) => target instanceof Element && target.matches("[data-live]");

document.addEventListener("htmx:beforeRequest", (event) => {
  const { requestConfig, target } = event.detail;
  const byItself = !requestConfig.triggeringEvent || requestConfig.triggeringEvent.type === "live";
  if (document.hidden && requestConfig.verb === "get" && isLive(target) && byItself) {
    event.preventDefault();
  }
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    document.querySelectorAll("[data-live]").forEach((each) => window.htmx.trigger(each, "live"));
  }
});

document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401 && isLive(event.detail.elt)) {
    location.reload();
  }
});
