/** What is asked for again while it changes. */
import { useEffect, useState } from 'react';

import type { Problem } from '../model';
import { problemOf } from '../requests';
import type { Trans } from '../words';

/** Milliseconds between two questions. */
const PAUSE = 3000;

export interface Fresh<T> {
  value: T | null;
  problem: Problem | null;
}

/** The answer to `ask`, anew whenever `ask` or `key` is another one, and every few seconds while
 * `live`. Without `ask` there is none yet. What was answered stays until there is something newer;
 * another `ask` begins anew. */
export function useFresh<T>(
  ask: (() => Promise<T>) | null,
  key: string,
  live: boolean,
  trans: Trans
): Fresh<T> {
  const [said, setSaid] = useState<Fresh<T> & { of: unknown }>({
    of: ask,
    value: null,
    problem: null
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key is a reason to ask
  useEffect(() => {
    if (!ask) {
      return;
    }
    let stale = false;
    let timer = 0;
    const again = async () => {
      if (document.visibilityState !== 'hidden') {
        try {
          const value = await ask();
          stale || setSaid({ of: ask, value, problem: null });
        } catch (error) {
          const problem = problemOf(error, trans);
          stale || setSaid(old => ({ of: ask, value: old.of === ask ? old.value : null, problem }));
        }
      }
      if (live && !stale) {
        timer = window.setTimeout(again, PAUSE);
      }
    };
    void again();
    return () => {
      stale = true;
      window.clearTimeout(timer);
    };
  }, [ask, key, live, trans]);
  return said.of === ask ? said : { value: null, problem: null };
}
