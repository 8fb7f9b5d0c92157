/** Lumino's signals and React's drawing. */
import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer, useState } from 'react';

import type { Catalogue } from '../model';
import type { PanelContext } from './context';

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
    draw();
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

/** What can be launched, asked for anew whenever the panel is shown or the service is back. */
export function useCatalogue(
  { service }: PanelContext['alongside'],
  active: boolean
): Catalogue | null {
  const [catalogue, setCatalogue] = useState<Catalogue | null>(null);
  useEffect(() => {
    let current = active;
    if (active) {
      service.catalogue().then(
        found => current && setCatalogue(found),
        () => undefined // the panel says already that the service doesn't answer
      );
    }
    return () => {
      current = false;
    };
  }, [service, active]);
  return catalogue;
}

/** The kinds' titles by their names. */
export function kindTitles(catalogue: Catalogue | null): Record<string, string> {
  const titles: Record<string, string> = {};
  for (const { backends } of catalogue?.profiles ?? []) {
    for (const [kind, { title }] of Object.entries(backends)) {
      titles[kind] = title;
    }
  }
  return titles;
}
