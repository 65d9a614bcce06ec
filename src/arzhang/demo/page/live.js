// Asking while the hand moves: one call at a time, and the latest wins.

const PAUSE = 25;  // ms: what changes within it is asked for once

// ask(signal) → a promise; show(answer); line: the status that tells an error; place: what is busy until the last answer
// is shown. Gives request(now).
//
// A change while a call runs waits for it, so that a long stroke shows on its way however slow the model is; `now`
// (a stroke's end, another seed) gives the running call up. An answer that was given up is never shown.
export function live(ask, show, line, place) {
  let timer = 0, running = null, stale = false;

  async function run() {
    clearTimeout(timer);
    timer = 0;
    stale = false;
    running?.abort();
    const mine = running = new AbortController();
    try {
      const answer = await ask(mine.signal);
      if (mine.signal.aborted) return;
      if (line.classList.contains('wrong')) line.say('');
      show(answer);
    } catch (error) {
      if (!mine.signal.aborted) line.wrong(error);
    } finally {
      if (running === mine) {
        running = null;
        if (stale) request();
        else if (!timer) place.setAttribute('aria-busy', 'false');
      }
    }
  }

  function request(now = false) {
    place.setAttribute('aria-busy', 'true');
    if (now) run();
    else if (running) stale = true;
    else timer ||= setTimeout(run, PAUSE);
  }
  return request;
}
