"use strict";
// Live sums and sentences for the form. Everything is checked again by the service; without this
// script the form still works.
(() => {
  const root = document.getElementById("alongside");
  const data = JSON.parse(document.getElementById("alongside-data").textContent);
  const form = root.closest("form");
  let start = null;
  const UNITS = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15,
    KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30, TIB: 2 ** 40, PIB: 2 ** 50,
    K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  const NOUNS = { cores: "Cores", memory: "Memory", gpus: "GPUs", workers: data.members, backends: "Backends" };

  const parseMemory = (text) => {
    const found = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
    const unit = found && UNITS[found[2].toUpperCase()];
    const bytes = unit ? Math.floor(Number(found[1]) * unit) : NaN;
    return bytes > 0 ? bytes : NaN;
  };
  const formatMemory = (bytes) => {
    for (const unit of ["PIB", "TIB", "GIB", "MIB", "KIB"]) {
      if (bytes >= UNITS[unit]) {
        return `${Number((bytes / UNITS[unit]).toFixed(2))} ${unit.replace("IB", "iB")}`;
      }
    }
    return `${bytes} B`;
  };
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  const amounts = (cores, memory) =>
    [cores ? plural(cores, "core") : "", memory ? formatMemory(memory) : ""].filter(Boolean).join(" · ") || "as it comes";
  const shown = (name, value) => (name === "memory" ? formatMemory(value) : String(value));

  const chosen = (name) => {
    const radio = root.querySelector(`input[name="${name}"]:checked`);
    return radio ? radio.value : "";
  };
  const sizes = () => [...root.querySelectorAll(".alongside-size")];
  const sizeOf = (profile, kind) =>
    sizes().find((size) => size.dataset.profile === profile && size.dataset.kind === kind);
  const rows = (size) => [...size.querySelectorAll("[data-path]")];
  const inputOf = (row) => row.querySelector("input:not([type=range]):not([type=hidden]), select");

  // What one input says of itself: a sentence when it is wrong, else its value.
  const problemOf = (row) => {
    const input = inputOf(row);
    if (row.dataset.widget === "number") {
      const value = input.value.trim();
      if (!/^[+-]?\d+$/.test(value)) return "Write a whole number.";
      if (input.min !== "" && Number(value) < Number(input.min)) return `Choose at least ${input.min}.`;
      if (input.max !== "" && Number(value) > Number(input.max)) return `Choose at most ${input.max}.`;
    } else if (row.dataset.widget === "memory") {
      const bytes = parseMemory(input.value);
      if (Number.isNaN(bytes)) return "Write an amount with a unit, for example 4 GiB or 512 MiB.";
      const { minimum, maximum } = input.dataset;
      if (minimum && bytes < Number(minimum)) return `Choose at least ${formatMemory(Number(minimum))}.`;
      if (maximum && bytes > Number(maximum)) return `Choose at most ${formatMemory(Number(maximum))}.`;
    }
    return "";
  };
  const numberAt = (size, path) => {
    const row = rows(size).find((one) => one.dataset.path === path);
    if (!row) return undefined;
    const input = inputOf(row);
    return row.dataset.widget === "memory" ? parseMemory(input.value) : Number(input.value);
  };
  const say = (row, sentence) => {
    const input = inputOf(row);
    const message = row.querySelector(".alongside-message");
    message.textContent = sentence;
    message.hidden = !sentence;
    if (sentence) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };

  // Only the inputs that count are enabled: what is hidden is neither sent nor checked.
  const arrange = () => {
    const profile = chosen("profile");
    const { kinds: offered, unavailable } = data.profiles[profile];
    for (const radio of root.querySelectorAll('input[name="kind"]')) {
      const absent = radio.value !== "" && !offered.includes(radio.value);
      const why = absent ? "This session does not offer it." : unavailable[radio.value] || "";
      radio.disabled = why !== "";
      const place = radio.closest("label").querySelector(".alongside-why");
      place.textContent = why;
      place.hidden = !why;
    }
    if (!root.querySelector('input[name="kind"]:checked:not(:disabled)')) {
      const wanted = data.profiles[profile].default;
      const radios = [...root.querySelectorAll('input[name="kind"]:not(:disabled)')];
      (radios.find((radio) => radio.value === wanted) || radios[0]).checked = true;
    }
    const current = sizeOf(profile, chosen("kind"));
    for (const size of sizes()) {
      size.disabled = size !== current;
    }
    if (!current) return null;
    const adaptive = Boolean(current.querySelector(".alongside-mode:checked"));
    for (const part of current.querySelectorAll(".alongside-fixed, .alongside-group")) {
      const off = part.classList.contains("alongside-group") !== adaptive;
      for (const input of part.querySelectorAll("input, select")) input.disabled = off;
    }
    return current;
  };
  const counts = (row) => !inputOf(row).disabled;

  const requestOf = (size) => {
    if (!size) return { backends: 0, workers: 0, cores: 0, memory: 0, gpus: 0, each: null };
    const adaptive = size.querySelector(".alongside-group [data-path$='.maximum']");
    const members = adaptive && counts(adaptive) ? Number(inputOf(adaptive).value) : numberAt(size, size.dataset.counts) ?? 1;
    const each = { cores: numberAt(size, "cores") || 0, memory: numberAt(size, "memory") || 0, gpus: numberAt(size, "gpus") || 0 };
    return {
      backends: 1, workers: members, cores: members * each.cores, memory: members * each.memory,
      gpus: members * each.gpus, each, upTo: Boolean(adaptive && counts(adaptive)),
    };
  };
  const mostMembers = (each) => {
    const { limits, used } = data;
    const room = [];
    if (limits.workers !== undefined) room.push(limits.workers - used.workers);
    for (const name of ["cores", "memory", "gpus"]) {
      if (limits[name] !== undefined && each[name]) room.push(Math.floor((limits[name] - used[name]) / each[name]));
    }
    return room.length ? Math.max(0, Math.min(...room)) : null;
  };

  // How many members to choose for what is to be held, as the kind itself reckons.
  const adviceOf = (size) => {
    const row = rows(size).find((one) => one.dataset.needs);
    const number = row ? Number(inputOf(row).value) : 0;
    if (!number) return "";
    const { bytes, of, reserve, share } = JSON.parse(row.dataset.needs);
    const each = numberAt(size, of);
    const usable = Math.max(Math.floor(each / 2), each - Math.max(reserve, Math.floor(each * share)));
    const enough = Math.ceil((number * bytes) / usable);
    return `A column of ${number.toLocaleString("en")} rows needs at least ${plural(enough, size.dataset.member)} of ${formatMemory(each)} to be sorted.`;
  };

  const drawQuota = (request) => {
    const place = root.querySelector('[data-sum="quota"]');
    place.replaceChildren();
    for (const name of ["cores", "memory", "gpus", "workers", "backends"]) {
      const limit = data.limits[name];
      if (limit === undefined || (name === "gpus" && !limit)) continue;
      const used = data.used[name];
      const part = document.createElement("div");
      part.className = `alongside-quota${used + request[name] > limit && request[name] ? " too-much" : ""}`;
      const line = document.createElement("div");
      const label = document.createElement("span");
      label.textContent = NOUNS[name];
      const text = document.createElement("span");
      text.textContent = `${shown(name, used)} used + ${shown(name, request[name])} of ${shown(name, limit)}`;
      line.append(label, text);
      const bar = document.createElement("div");
      bar.className = "alongside-bar";
      const share = (value) => `${Math.min(100, limit ? (100 * value) / limit : 100)}%`;
      const taken = document.createElement("i");
      taken.style.width = share(used);
      const asked = document.createElement("u");
      asked.style.width = share(request[name]);
      bar.append(taken, asked);
      part.append(line, bar);
      place.append(part);
    }
  };

  // Whether it can start: [sentence, can it].
  const verdictOf = (request, platform, wrong) => {
    if (wrong) return [`${plural(wrong, "value")} above can't be used.`, false];
    if (!request.backends) return ["The session starts alone.", true];
    for (const name of ["backends", "workers", "cores", "memory", "gpus"]) {
      const limit = data.limits[name];
      if (limit !== undefined && request[name] && data.used[name] + request[name] > limit) {
        const left = Math.max(0, limit - data.used[name]);
        const noun = NOUNS[name].toLowerCase();
        return [left
          ? `Your quota leaves ${shown(name, left)} ${name === "memory" ? "of memory" : noun}. Choose less, or stop a backend.`
          : `Your quota leaves no ${noun}. Start the session alone, or stop a backend first.`, false];
      }
    }
    const total = data.total[platform] || {};
    const free = data.free[platform] || {};
    for (const name of ["cores", "memory", "gpus"]) {
      const known = total[name] || (name === "gpus" && total.cores);
      if (known && request[name] > free[name]) {
        const never = request[name] > total[name];
        return [`${never ? "There are only" : "Only"} ${shown(name, never ? total[name] : free[name])} ${name === "memory" ? "of memory" : NOUNS[name].toLowerCase()} ${never ? "in all" : "free now"}. Choose less${never ? "" : ", or try later"}.`, false];
      }
    }
    return ["Fits now.", true];
  };

  const update = () => {
    const size = arrange();
    let wrong = 0;
    for (const row of size ? rows(size) : []) {
      const sentence = counts(row) ? problemOf(row) : "";
      say(row, sentence);
      wrong += sentence ? 1 : 0;
    }
    const request = requestOf(size);
    const session = data.profiles[chosen("profile")].session;
    const put = (name, text) => { root.querySelector(`[data-sum="${name}"]`).textContent = text; };
    put("session", amounts(session.cores, session.memory));
    put("ends", session.ends);
    put("advice", size && !wrong ? adviceOf(size) : "");
    put("backend-title", size ? size.dataset.title : "Alongside");
    put("backend", !size ? "nothing" : wrong ? "–" : `${request.upTo ? "up to " : ""}${request.workers} × (${amounts(request.each.cores, request.each.memory)})`);
    put("together", wrong ? "–" : amounts(session.cores + request.cores, session.memory + request.memory));
    if (size && !wrong) {
      const most = mostMembers(request.each);
      const paths = [size.dataset.counts, "adaptive.maximum"];
      for (const row of rows(size).filter((one) => paths.includes(one.dataset.path))) {
        const bounds = row.querySelector(".alongside-bounds");
        if (!bounds) continue;
        bounds.dataset.offered ??= bounds.textContent;
        const offered = Number(inputOf(row).max) || Infinity;
        bounds.textContent =
          most !== null && most < offered ? `At most ${most} with what is left of your quota.` : bounds.dataset.offered;
      }
    }
    drawQuota(wrong ? requestOf(null) : request);
    const [sentence, fits] = verdictOf(request, size ? size.dataset.platform : "", wrong);
    const verdict = document.getElementById("alongside-verdict");
    verdict.textContent = fits ? `✓ ${sentence}` : sentence;
    verdict.className = `alongside-verdict ${fits ? "good" : "bad"}`;
    if (start) start.disabled = !fits;
  };

  const slide = (slider) => {
    const row = slider.closest("[data-path]");
    const value = Number(slider.value);
    inputOf(row).value = row.dataset.widget === "memory" ? formatMemory(value * UNITS.MIB) : value;
  };
  const follow = (input) => {
    const row = input.closest("[data-path]");
    const slider = row && row.querySelector(".alongside-slider");
    const value = slider && (row.dataset.widget === "memory" ? parseMemory(input.value) / UNITS.MIB : Number(input.value));
    if (slider && !Number.isNaN(value)) slider.value = value;
  };

  root.addEventListener("input", (event) => {
    if (event.target.classList.contains("alongside-slider")) slide(event.target);
    else follow(event.target);
    update();
  });

  // The page's own button comes after this form; it moves to where the sum is.
  const begin = () => {
    for (const hidden of root.querySelectorAll(".alongside-slider, .alongside-summary")) hidden.hidden = false;
    const button = form && form.querySelector(".feedback-container");
    start = form && form.querySelector("[type=submit]");
    if (button) root.querySelector(".alongside-start").append(button);
    if (start) start.setAttribute("aria-describedby", "alongside-verdict");
    update();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
