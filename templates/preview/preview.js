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
