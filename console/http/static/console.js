// What reading does not need: pages that renew themselves, keys, and times as ages.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const main = () => document.getElementById("main");

  // --- times as ages, beside the times themselves
  const ages = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const age = (seconds) => {
    const [unit, length] = ages.find(([, one]) => seconds >= one) || ages[3];
    const many = Math.floor(seconds / length);
    return `${many} ${unit}${unit === "day" && many !== 1 ? "s" : ""} ago`;
  };
  const tellAges = () => {
    for (const time of document.querySelectorAll(".incident time, .facts time")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (!(seconds >= 0)) continue;
      let beside = time.nextElementSibling;
      if (!beside || !beside.classList.contains("ago")) {
        beside = document.createElement("span");
        beside.className = "ago";
        time.after(beside);
      }
      beside.textContent = ` (${age(seconds)})`;
    }
  };

  // --- keys
  const rows = () => [...document.querySelectorAll("[data-row] a")];
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))].focus();
  };
  const toAnswer = () => {
    const button = document.querySelector("[data-verb=acknowledge], [data-verb]");
    if (button) { button.focus(); return; }
    const row = document.activeElement && document.activeElement.closest("[data-row] a");
    if (row) location.href = `${row.href}#answer`;
  };
  const keys = { j: () => move(1), k: () => move(-1), a: toAnswer };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const does = keys[event.key];
    if (does) { event.preventDefault(); does(); }
  });

  // --- what changes
  const written = () => [...document.querySelectorAll("main form:not(.filter) input:not([type=hidden])")].some((one) => one.value)
    || !!(document.activeElement && document.activeElement.closest("main form"));
  const heard = (text) => { document.getElementById("heard").textContent = text; };
  let asked = null;
  const renew = async (id) => {
    asked = null;
    if (written()) { document.getElementById("changed").hidden = false; return; }
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = read.getElementById("main");
    if (!fresh || written()) return;
    const at = read.querySelector("footer time");
    if (at) document.querySelector("footer time").replaceWith(document.adoptNode(at));
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    const unfolded = [...document.querySelectorAll("details")].map((one) => one.open);
    main().replaceWith(document.adoptNode(fresh));
    document.querySelectorAll("details").forEach((one, at) => { one.open = !!unfolded[at]; });
    const again = focused && rows().find((one) => one.getAttribute("href") === focused);
    if (again) again.focus();
    const changed = document.querySelector(`[data-row] a[href="/incidents/${id}"]`);
    if (changed) changed.closest("[data-row]").classList.add("fresh");
    heard(id ? `Incident ${id} changed` : "Live again");
    tellAges();
  };
  const live = main() && main().dataset.live;
  // --- a page that is not live says so; one that connects anew within seconds alarms nobody
  const PATIENCE = 6000;
  const AGAIN = 10000;
  let source = null;
  let doubt = null;
  const notLive = () => { root.dataset.live = "no"; document.getElementById("not-live").hidden = false; };
  const isLive = () => {
    clearTimeout(doubt);
    doubt = null;
    document.getElementById("not-live").hidden = true;
    // What changed while nobody listened was told to nobody.
    if (root.dataset.live && !asked) asked = setTimeout(() => renew(0), 0);
    root.dataset.live = "yes";
  };
  const refused = () => { source.close(); notLive(); setTimeout(listen, AGAIN); };
  const listen = () => {
    source = new EventSource("/events");
    source.addEventListener("ready", isLive);
    source.addEventListener("full", refused);
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) refused();
      else if (!doubt) doubt = setTimeout(notLive, PATIENCE);
    });
    source.addEventListener("incident", (event) => {
      const id = Number(JSON.parse(event.data).id);
      if (live !== "incidents" && live !== `incident-${id}`) return;
      if (!asked) asked = setTimeout(() => renew(id), 300);
    });
  };
  if (live && window.EventSource) {
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
    listen();
  } else if (live) notLive();
  tellAges();
  setInterval(tellAges, 10000);
})();
