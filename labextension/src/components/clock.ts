/** One clock for everything that shows an age or what is left, so that hundreds of them cost one
 * timer, and only those whose text differs are drawn again. */
import { useCallback, useSyncExternalStore } from 'react';

/** Milliseconds between two looks. */
const TICK = 1000;

const listeners = new Set<() => void>();
let timer = 0;

function tick(): void {
  for (const listener of [...listeners]) {
    listener();
  }
}

/** Run while somebody listens and the page can be seen. */
function wind(): void {
  const wanted = listeners.size > 0 && document.visibilityState !== 'hidden';
  if (wanted && timer === 0) {
    timer = window.setInterval(tick, TICK);
  } else if (!wanted && timer !== 0) {
    window.clearInterval(timer);
    timer = 0;
  }
}

function seenAgain(): void {
  wind();
  if (timer !== 0) {
    tick();
  }
}

function listen(listener: () => void): () => void {
  if (listeners.size === 0) {
    document.addEventListener('visibilitychange', seenAgain);
  }
  listeners.add(listener);
  wind();
  return () => {
    listeners.delete(listener);
    wind();
    if (listeners.size === 0) {
      document.removeEventListener('visibilitychange', seenAgain);
    }
  };
}

/** What `read` makes of the present (milliseconds since 1970), read anew each second. It has to
 * give text, a number or a truth value: only when that differs is anything drawn.
 *
 * `now` stands still instead of the present. */
export function useClock<T extends string | number | boolean>(
  read: (now: number) => T,
  now?: number
): T {
  const look = useCallback(() => read(now ?? Date.now()), [read, now]);
  return useSyncExternalStore(listen, look);
}
