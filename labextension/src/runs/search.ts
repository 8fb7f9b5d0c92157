/** Which of many runs are looked for. Pure. */
import type { Trans } from '../words';
import { final, stateWord } from './state';
import type { Run } from './types';

/** Which states: all, those that go on, or one. */
export const WHICH = ['all', 'live', 'failed', 'succeeded', 'cancelled'] as const;
export type Which = (typeof WHICH)[number];

export function whichText(which: Which, trans: Trans): string {
  switch (which) {
    case 'all':
      return trans.__('all states');
    case 'live':
      return trans.__('at work or waiting');
    default:
      return stateWord(which, trans);
  }
}

/** Those of these states in which every word of `query` occurs somewhere that is shown. */
export function search(runs: readonly Run[], query: string, which: Which, trans: Trans): Run[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter(run => {
    if (which === 'live' ? final(run) : which !== 'all' && run.state !== which) {
      return false;
    }
    const told = [run.name, run.id, run.origin, stateWord(run.state, trans), run.message];
    const text = [...told, ...run.steps.map(({ name }) => name)].join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
}
