// Keeps the author's place: where a frame was scrolled to, and which page of the site was looked at.
for (const frame of document.querySelectorAll("iframe[data-scrolled]")) {
  const key = `scrolled ${frame.dataset.scrolled}`;
  const attend = () => {
    const inside = frame.contentWindow;
    inside.scrollTo(0, Number(sessionStorage.getItem(key)) || 0);
    inside.addEventListener("scroll", () => sessionStorage.setItem(key, inside.scrollY), { passive: true });
  };
  if (frame.contentDocument?.readyState === "complete" && frame.contentWindow.location.href !== "about:blank") attend();
  else frame.addEventListener("load", attend);
}

// A long list of issues shows the one that was chosen.
const chosen = document.querySelector(".issue .chooser [aria-current]");
if (chosen) {
  const list = chosen.closest("ol");
  const [inner, outer] = [chosen.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
  list.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}

// Plays a light or dark screen: the site's own media queries are made true or false.
const play = (document, scheme) => {
  const decide = (media) => {
    const text = media.mediaText;
    const decided = text.replace(/\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)/gi,
      (_, asked) => (asked.toLowerCase() === scheme ? "(min-width: 0px)" : "(max-width: 0px)"));
    if (decided !== text) media.mediaText = decided;
  };
  const visit = (rules) => {
    for (const rule of rules) {
      if (rule.media) decide(rule.media);
      if (rule.cssRules) visit(rule.cssRules);
      if (rule.style?.colorScheme) rule.style.colorScheme = scheme;
    }
  };
  for (const sheet of document.styleSheets) {
    decide(sheet.media);
    try { visit(sheet.cssRules); } catch { /* a stylesheet from elsewhere keeps its secrets */ }
  }
  document.documentElement.style.colorScheme = scheme;
};

const site = document.querySelector("iframe[data-site]");
site?.addEventListener("load", () => {
  if (site.dataset.scheme) play(site.contentDocument, site.dataset.scheme);
  const { pathname, hash } = site.contentWindow.location;
  const alone = document.querySelector("[data-alone]");
  alone.textContent = pathname;
  alone.href = pathname + hash;
  for (const link of [location, ...document.querySelectorAll(".tools .choices a")]) {
    const url = new URL(link.href);
    url.searchParams.set("at", pathname);
    if (link === location) history.replaceState(null, "", url);
    else link.href = url;
  }
});
