/** How much of what may be had is used, as bars. Pure. */
import type { Me } from '../model';
import { formatMemory, parseMemory, type Trans } from '../words';

export interface Bar {
  name: string;
  used: number;
  whole: number;
  /** "18 / 32", or "18 · 14 free" where only the platform sets a limit. */
  text: string;
  /** What else there is to know. */
  title: string;
}

type Amount = 'cores' | 'memory' | 'backends' | 'gpus';

/** One bar for each amount that is limited, by a quota or by what the platforms have. */
export function bars(me: Me, trans: Trans): Bar[] {
  const names: Record<Amount, string> = {
    cores: trans.__('Cores'),
    memory: trans.__('Memory'),
    backends: trans.__('Backends'),
    gpus: trans.__('GPUs')
  };
  const found = (Object.keys(names) as Amount[]).map(amount => bar(me, amount, names, trans));
  return found.filter(one => one !== null);
}

function bar(me: Me, amount: Amount, names: Record<Amount, string>, trans: Trans): Bar | null {
  const name = names[amount];
  const used = me.used[amount];
  const limit = limitOf(me, amount);
  const free = freeOf(me, amount);
  const show = (n: number) => (amount === 'memory' ? formatMemory(n) : `${n}`);
  if (limit !== null) {
    if (limit === 0 && used === 0) {
      return null; // what can't be had is no news
    }
    const short = free !== null && free < limit - used;
    const title = short
      ? trans.__('Your quota. Only %1 are free at present.', show(free))
      : trans.__('Your quota: %1 of %2 used.', show(used), show(limit));
    return { name, used, whole: limit, text: ofText(used, limit, amount), title };
  }
  if (free === null || used + free === 0) {
    return null;
  }
  const text = trans.__('%1 · %2 free', show(used), show(free));
  const title = trans.__('You have no quota; this much is free for everybody at present.');
  return { name, used, whole: used + free, text, title };
}

/** Null without a quota. */
function limitOf({ limits }: Me, amount: Amount): number | null {
  const limit = limits[amount];
  if (typeof limit !== 'string') {
    return limit ?? null;
  }
  const bytes = parseMemory(limit);
  return Number.isNaN(bytes) ? null : bytes;
}

/** What the platforms that know it have free; null where none does. */
function freeOf({ capacity }: Me, amount: Amount): number | null {
  const known = Object.values(capacity).filter(({ total }) => total[amount] > 0);
  return known.length > 0 ? known.reduce((sum, { free }) => sum + free[amount], 0) : null;
}

/** "36 / 96 GiB": the unit once where both have the same. */
function ofText(used: number, limit: number, amount: Amount): string {
  if (amount !== 'memory') {
    return `${used} / ${limit}`;
  }
  const [some, unit] = formatMemory(used).split(' ');
  const all = formatMemory(limit);
  const same = used === 0 || unit === all.split(' ')[1];
  return `${same ? some : `${some} ${unit}`} / ${all}`;
}
