// Looks at a page as a person would: does anything stick out, can everything
// be read? Put into the page by the tests, which look at it in a frame of some
// width; the frame's own page is told what was found.
{
const channels = text => (text.match(/[\d.]+/g) || []).map(Number);
const luminance = ([r, g, b]) => {
  const linear = [r, g, b].map(c => c / 255).map(c => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4));
  return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
};
// The WCAG 2 contrast ratio.
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + .05) / (dark + .05);
};
const ground = (element, outside) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = channels(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return outside;
};
const texts = (page, outside, found) => {
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    const ratio = contrast(channels(getComputedStyle(element).color), ground(element, outside));
    found.push({ ratio, text: node.data.trim().slice(0, 40) });
  }
};
const measure = () => {
  const page = document.documentElement;
  const found = [];
  const paper = channels(getComputedStyle(document.body).backgroundColor);
  texts(document, paper, found);
  const cramped = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const inner = frame.contentDocument;
    if (!inner || !inner.body || !inner.body.textContent.trim()) continue;
    texts(inner, paper, found);
    const root = inner.documentElement;
    if (root.scrollHeight > root.clientHeight + 1) cramped.push(frame.title + " (height)");
    if (root.scrollWidth > root.clientWidth) cramped.push(frame.title + " (width)");
  }
  const worst = found.reduce((a, b) => (b.ratio < a.ratio ? b : a));
  const result = {
    title: document.title,
    width: innerWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    overflow: page.scrollWidth - page.clientWidth,
    frames: document.querySelectorAll("iframe").length,
    letters: document.querySelectorAll("#list button").length,
    texts: found.length,
    worst,
    cramped,
  };
  const ascii = c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
  parent.postMessage(JSON.stringify(result).replace(/[<>&]|[^ -~]/g, ascii), "*");
};
addEventListener("load", async () => {
  const frames = [...document.querySelectorAll("iframe")];
  const loaded = frames.filter(frame => frame.loading === "lazy").map(frame => new Promise(done => {
    frame.addEventListener("load", done, { once: true });
    if (frame.contentDocument?.body?.textContent.trim()) done();
    frame.loading = "eager";
  }));
  await Promise.all(loaded);
  document.querySelector("#list button")?.click();
  // Time for what the page itself adjusts; it is virtual, and costs none.
  setTimeout(measure, 1000);
});
}
