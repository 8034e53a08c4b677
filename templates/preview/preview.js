// Keeps the author's place: where a frame was scrolled to, and which page of the site was looked at.
const whenLoaded = (frame, act) => {
  if (frame.contentDocument?.readyState === "complete" && frame.contentWindow.location.href !== "about:blank") act();
  frame.addEventListener("load", act);
};
for (const frame of document.querySelectorAll("iframe[data-scrolled]")) {
  const key = `scrolled ${frame.dataset.scrolled}`;
  whenLoaded(frame, () => {
    const inside = frame.contentWindow;
    inside.scrollTo(0, Number(sessionStorage.getItem(key)) || 0);
    inside.addEventListener("scroll", () => sessionStorage.setItem(key, inside.scrollY), { passive: true });
  });
}

// A long list stays where it was, and shows what was chosen.
const list = document.querySelector("[data-list]");
const chosen = list?.querySelector("[aria-current]");
if (chosen) {
  const key = `scrolled list of ${list.dataset.list}`;
  list.scrollTop = Number(sessionStorage.getItem(key)) || 0;
  list.addEventListener("scroll", () => sessionStorage.setItem(key, list.scrollTop), { passive: true });
  const [inner, outer] = [chosen.getBoundingClientRect(), list.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top - outer.height / 2;
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

for (const frame of document.querySelectorAll("iframe[data-scheme]")) {
  whenLoaded(frame, () => play(frame.contentDocument, frame.dataset.scheme));
}

const site = document.querySelector("iframe[data-site]");
site?.addEventListener("load", () => {
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
