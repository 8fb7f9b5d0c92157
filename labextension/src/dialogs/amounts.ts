/** What a choice takes, what is left for it, and whether it can start. Pure. */
import { plural } from '../kinds';
import type { Me, OfferedKind, Resources } from '../model';
import { formatMemory, parseMemory, type Trans } from '../words';
import { countName, growthOf, type Options } from './schema';

export const AMOUNTS = ['backends', 'workers', 'cores', 'memory', 'gpus'] as const;
export type Amount = (typeof AMOUNTS)[number];
export type Limits = Partial<Record<Amount, number>>;

export const NOTHING: Resources = { backends: 0, workers: 0, cores: 0, memory: 0, gpus: 0 };

/** What one member takes. */
export type Each = Pick<Resources, 'cores' | 'memory' | 'gpus'>;

/** What is there without the backend that is asked about. */
export interface Room {
  limits: Limits;
  used: Resources;
  /** Of the platform where it would run; null: not known. */
  capacity: Me['capacity'][string] | null;
}

/** `without` is what the backend has already. */
export function roomFor(me: Me | null, platform: string, without: Resources = NOTHING): Room {
  if (!me) {
    return { limits: {}, used: NOTHING, capacity: null };
  }
  const limits: Limits = {};
  for (const amount of AMOUNTS) {
    const limit = me.limits[amount];
    if (limit !== null && limit !== undefined) {
      limits[amount] = typeof limit === 'string' ? parseMemory(limit) : limit;
    }
  }
  const there = me.capacity[platform];
  const capacity = there
    ? { total: there.total, free: combine(there.free, without, (a, b) => a + b) }
    : null;
  return { limits, used: combine(me.used, without, (a, b) => Math.max(0, a - b)), capacity };
}

/** What one member takes, by the options that say so; what can't be read is nothing. */
export function eachOf(options: Options): Each {
  const number = (value: unknown) => (Number.isFinite(value) ? (value as number) : 0);
  const memory = options.memory;
  return {
    cores: number(options.cores),
    memory: number(typeof memory === 'string' ? parseMemory(memory) : memory),
    gpus: number(options.gpus)
  };
}

/** How many members options ask for: of those that vary by themselves, the most. */
export function membersOf(offer: OfferedKind, options: Options, grows: boolean): number {
  const bounds = options[growthOf(offer)?.name ?? ''] as { maximum?: number } | undefined;
  const count = grows ? bounds?.maximum : options[countName(offer)];
  return typeof count === 'number' ? count : 0;
}

export function times(each: Each, members: number): Resources {
  return {
    backends: 1,
    workers: members,
    cores: each.cores * members,
    memory: each.memory * members,
    gpus: each.gpus * members
  };
}

/** Amounts with another number of members; what else there is stays as it is. */
export function resized(now: Resources, each: Each, by: number): Resources {
  return combine(now, { ...times(each, by), backends: 0 }, (a, b) => a + b);
}

/** How many members the quota leaves; null: as many as you like. `others` is what is taken
 * besides. */
export function mostMembers({ limits, used }: Room, each: Each, others = NOTHING): number | null {
  const left = (amount: Amount) => (limits[amount] ?? 0) - used[amount] - others[amount];
  const found: number[] = [];
  if (limits.workers !== undefined) {
    found.push(left('workers'));
  }
  for (const amount of ['cores', 'memory', 'gpus'] as const) {
    if (limits[amount] !== undefined && each[amount] > 0) {
      found.push(Math.floor(left(amount) / each[amount]));
    }
  }
  return found.length > 0 ? Math.max(0, Math.min(...found)) : null;
}

/** One line of the quota: what is taken already, and what would be. */
export interface Share {
  amount: Amount;
  used: number;
  asked: number;
  limit: number;
  over: boolean;
}

export function shares({ limits, used }: Room, wanted: Resources): Share[] {
  return AMOUNTS.filter(amount => limits[amount] !== undefined)
    .map(amount => {
      const [limit, own, asked] = [limits[amount] as number, used[amount], wanted[amount]];
      return { amount, used: own, asked, limit, over: asked > 0 && own + asked > limit };
    })
    .filter(({ amount, limit }) => amount !== 'gpus' || limit > 0);
}

/** Whether it can start, in words. */
export interface Verdict {
  fits: boolean;
  sentence: string;
  remedy: string;
}

/** Whether there is room. `most` is how many members the quota leaves, `grown` what is more than
 * there is now: what is not asked for more is never refused. */
export function verdict(
  room: Room,
  wanted: Resources,
  most: number | null,
  member: string,
  trans: Trans,
  grown: Resources = wanted
): Verdict {
  const over = shares(room, wanted).find(one => one.over && grown[one.amount] > 0);
  if (over) {
    const left = show(over.amount, Math.max(0, over.limit - over.used), member, trans);
    const fewer = most !== null && most > 0 && over.amount !== 'backends';
    return {
      fits: false,
      sentence: trans.__('Your quota leaves %1.', left),
      remedy: fewer
        ? trans.__('Choose at most %1, or stop a backend.', `${most} ${plural(member, most)}`)
        : trans.__('Stop a backend first.')
    };
  }
  const { total, free } = room.capacity ?? { total: NOTHING, free: NOTHING };
  for (const amount of ['cores', 'memory', 'gpus'] as const) {
    const known = total[amount] > 0 || (amount === 'gpus' && total.cores > 0);
    if (known && grown[amount] > 0 && wanted[amount] > free[amount]) {
      const never = wanted[amount] > total[amount];
      return {
        fits: false,
        sentence: never
          ? trans.__('There are only %1 in all.', show(amount, total[amount], member, trans))
          : trans.__('Only %1 are free now.', show(amount, free[amount], member, trans)),
        remedy: never ? trans.__('Choose less.') : trans.__('Choose less, or try later.')
      };
    }
  }
  const sentence =
    total.cores > 0 ? trans.__('Fits now.') : trans.__('It starts as soon as nodes are free.');
  return { fits: true, sentence, remedy: '' };
}

/** "3 cores", "6 GiB of memory". */
export function show(amount: Amount, value: number, member: string, trans: Trans): string {
  switch (amount) {
    case 'memory':
      return trans.__('%1 of memory', formatMemory(value));
    case 'cores':
      return trans._n('%1 core', '%1 cores', value);
    case 'gpus':
      return trans._n('%1 GPU', '%1 GPUs', value);
    case 'workers':
      return `${value} ${plural(member, value)}`;
    case 'backends':
      return trans._n('%1 backend', '%1 backends', value);
  }
}

/** "8 cores · 16 GiB". */
export function together({ cores, memory, gpus }: Each, trans: Trans): string {
  const parts = [
    cores > 0 ? trans._n('%1 core', '%1 cores', cores) : '',
    memory > 0 ? formatMemory(memory) : '',
    gpus > 0 ? trans._n('%1 GPU', '%1 GPUs', gpus) : ''
  ];
  return parts.filter(Boolean).join(' · ') || trans.__('as it comes');
}

function combine(
  one: Resources,
  other: Resources,
  how: (a: number, b: number) => number
): Resources {
  return Object.fromEntries(
    AMOUNTS.map(amount => [amount, how(one[amount], other[amount])])
  ) as unknown as Resources;
}
