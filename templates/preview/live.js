// Reloads the page when the preview has a new version, and marks links to pages that readers do not see.
(() => {
  const { version, hidden } = document.currentScript.dataset;
  const framed = window.top !== window;
  let events = null;

  // A browser keeps six connections to one server: pages out of sight give theirs back.
  const listen = () => {
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (!events) {
      events = new EventSource(`/_preview/events?version=${encodeURIComponent(version)}`);
      events.addEventListener("reload", () => location.reload());
    }
  };
  document.addEventListener("visibilitychange", listen);
  window.addEventListener("pagehide", () => { events?.close(); events = null; });
  window.addEventListener("pageshow", listen);
  listen();

  if (framed) document.querySelector("digest-preview")?.setAttribute("framed", "");
  if (!hidden) return;
  const why = JSON.parse(hidden);
  for (const link of document.querySelectorAll("a[href]")) {
    const says = why[link.pathname];
    if (!says || link.host !== location.host || !link.textContent.trim()) continue;
    const mark = document.createElement("small");
    mark.textContent = says;
    mark.style.cssText = "margin-inline-start:.6em;padding:.1em .5em;border:1px solid;border-radius:1em;font:600 11px/1.4 system-ui,sans-serif;white-space:nowrap;vertical-align:middle;opacity:.8";
    link.append(mark);
  }
})();
