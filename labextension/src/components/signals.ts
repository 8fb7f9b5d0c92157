/** Lumino's signals and React's drawing. */
import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer } from 'react';

import type { Store } from '../store';

/** Draw again whenever a signal is emitted, while `active`; and once when it becomes so. */
export function useSignals(
  active: boolean,
  ...signals: (ISignal<unknown, unknown> | null | undefined)[]
): void {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signals are listed one by one
  useEffect(() => {
    if (!active) {
      return;
    }
    draw(); // something may have happened since it was drawn first
    for (const signal of signals) {
      signal?.connect(draw);
    }
    return () => {
      for (const signal of signals) {
        signal?.disconnect(draw);
      }
    };
  }, [active, ...signals]);
}

/** The same store, drawn again whenever it changes. */
export function useStore(store: Store): Store {
  useSignals(true, store.changed);
  return store;
}
