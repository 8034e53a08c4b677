// What a sign-up form needs so that nobody has to prove to be human: the browser works for a second, unseen.
//
// It looks after every form[data-signup] of the page, ours or one pasted into another site. On the first touch of
// the form it fetches a challenge from the form's own address and looks for a number that solves it (SHA-256 over
// challenge, colon and number begins with so many zero bits), in slices that let the page scroll and type. Both go
// along in two hidden fields. Whatever goes wrong here, the form is sent all the same, and the server offers who
// comes without a solution a slower way, as it does without JavaScript.
//
// Nothing is stored, no cookie is sent, nothing is watched; on a page without such a form nothing happens.
(() => {
  "use strict";

  // A page with two forms may bring this script twice: one looks after both.
  const HERE = Symbol.for("newsletter sign-up");
  if (document[HERE]) return;
  document[HERE] = true;

  // Times are milliseconds.
  const SLICE = 8; // of work without a break: a page feels smooth while nothing holds it for 16
  const PATIENCE = 10000; // that a pressed button waits, before the form goes without a solution
  const TRAP = 2100; // between challenge and sign-up: what comes within 2 s is a robot's to the server
  const STALE = 100 * 60000; // after which another challenge is fetched; the server takes none of two hours
  const HARDEST = 24; // leading zero bits; more is not worth a reader's battery

  // --- SHA-256 (FIPS 180-4), because crypto.subtle is not there on plain http and slow for many short texts ---

  const FIRST = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ];
  const ROUNDS = new Int32Array([
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ]);
  const schedule = new Int32Array(64);

  // Works one block of 16 words, which start at `at`, into the eight words of the state (section 6.2.2).
  const compress = (state, words, at) => {
    for (let t = 0; t < 16; t++) schedule[t] = words[at + t];
    for (let t = 16; t < 64; t++) {
      const x = schedule[t - 15], y = schedule[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      schedule[t] = schedule[t - 16] + s0 + schedule[t - 7] + s1;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let t = 0; t < 64; t++) {
      const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + S1 + ((e & f) ^ (~e & g)) + ROUNDS[t] + schedule[t]) | 0;
      const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0;
      d = c; c = b; b = a; a = (one + two) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  };

  // Writes ASCII text into words, big end first, and returns how many characters that were.
  const write = (words, text) => {
    for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
    return text.length;
  };

  // --- The work ---

  // A function that hashes challenge, colon and number, and returns the first 32 bits. The challenge's whole
  // blocks are worked through once: what is left for each number is one block, or two.
  const hasher = (challenge) => {
    const whole = challenge.length - (challenge.length % 64);
    const middle = Int32Array.from(FIRST), state = new Int32Array(8), words = new Int32Array(32);
    for (let at = 0; at < whole; at += 64) {
      words.fill(0);
      write(words, challenge.slice(at, at + 64));
      compress(middle, words, 0);
    }
    const rest = challenge.slice(whole) + ":";
    return (number) => {
      words.fill(0);
      const length = write(words, rest + number + "\x80") - 1; // a one and zeros fill up the block (section 5.1.1)
      const last = length < 56 ? 15 : 31;
      words[last] = (whole + length) * 8; // then comes the length in bits
      state.set(middle);
      for (let at = 0; at < last; at += 16) compress(state, words, at);
      return state[0];
    };
  };

  // A promise of the first number from 0 that solves the challenge, as long as it is wanted. A message to oneself
  // ends each slice: a timer would wait 4 ms in vain, and a second in a tab that is not looked at.
  const solve = (challenge, difficulty, wanted) => new Promise((resolve) => {
    const hash = hasher(challenge);
    const { port1: here, port2: there } = new MessageChannel();
    let number = 0;
    here.onmessage = () => {
      const end = performance.now() + SLICE;
      do {
        for (const some = number + 32; number < some; number++) {
          if (Math.clz32(hash(number)) >= difficulty) {
            here.close();
            resolve(number);
            return;
          }
        }
      } while (performance.now() < end);
      if (wanted()) there.postMessage(null);
      else here.close();
    };
    there.postMessage(null);
  });

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  // The form's own address and "challenge" below it. Read as written: a field called "action" hides the property.
  const address = (form) => {
    const url = new URL(form.getAttribute("action") || "", document.baseURI);
    url.search = url.hash = "";
    url.pathname = url.pathname.replace(/\/*$/, "/challenge");
    return url;
  };

  // A promise of a challenge and its solution, no sooner than the time trap lets them pass.
  const work = async (form, wanted) => {
    const asking = { credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
    const answer = await fetch(address(form), asking);
    const { challenge, difficulty } = answer.ok ? await answer.json() : {};
    const sensible = /^[!-~]{1,120}$/.test(challenge) && difficulty >= 0 && difficulty <= HARDEST;
    if (!sensible) throw new Error(`no challenge to work for (${answer.status})`);
    const [solution] = await Promise.all([solve(challenge, difficulty, wanted), pause(TRAP)]);
    return { challenge, solution };
  };

  // --- The form ---

  const FORM = "form[data-signup]";
  const fields = ["challenge", "solution"];
  const tries = new WeakMap(); // form -> what was begun for it and not yet sent
  let leaving = null; // the form that is being sent on by this script

  const fill = (form, values) => {
    for (const name of fields) {
      let field = form.querySelector(`input[name="${name}"]`);
      if (!field) {
        field = document.createElement("input");
        field.type = "hidden";
        field.name = name;
        form.append(field);
      }
      field.value = name in values ? values[name] : "";
    }
  };

  const begin = (form) => {
    const tried = { since: Date.now(), state: "working", waits: false };
    tries.set(form, tried);
    fill(form, {}); // what a browser has kept from an earlier visit is spent
    const wanted = () => tries.get(form) === tried && form.isConnected;
    tried.over = work(form, wanted).then(
      (values) => {
        if (!wanted()) return;
        fill(form, values);
        tried.state = "solved";
      },
      () => { tried.state = "failed"; },
    );
    return tried;
  };

  // Sends the form as if the button had been pressed now: checked by the browser, with the button's own value.
  const send = (form, button) => {
    form.removeAttribute("aria-busy");
    tries.delete(form);
    leaving = form;
    try {
      HTMLFormElement.prototype.requestSubmit.call(form, ...(button ? [button] : []));
    } catch (error) { // an old browser, or the button is gone
      HTMLFormElement.prototype.submit.call(form);
    } finally {
      leaving = null;
    }
  };

  const touched = (event) => {
    const form = event.target.closest && event.target.closest(FORM);
    if (form && !tries.has(form)) begin(form);
  };

  // A challenge is good once. What is sent is forgotten, so that a page that comes back fetches another.
  const pressed = (event) => {
    const form = event.target, button = event.submitter;
    if (event.defaultPrevented || form === leaving || !form.matches(FORM)) return;
    let tried = tries.get(form);
    if (!tried || tried.state === "failed" || Date.now() - tried.since > STALE) tried = begin(form);
    if (tried.state === "solved") {
      tries.delete(form);
      return;
    }
    event.preventDefault();
    if (tried.waits) return;
    tried.waits = true;
    form.setAttribute("aria-busy", "true");
    Promise.race([tried.over, pause(PATIENCE)]).then(() => send(form, button));
  };

  document.addEventListener("focusin", touched);
  document.addEventListener("input", touched);
  document.addEventListener("submit", pressed);
  const focused = document.activeElement; // who was quicker than this script
  if (focused) touched({ target: focused });
})();
