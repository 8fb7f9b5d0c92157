/** What kinds of backends are called, and how their size changes. The words are the service's. */
import type { Catalogue } from './model';
import type { Trans } from './words';

export interface Kind {
  title: string;
  /** What its size counts, in the singular: "worker". '' while it isn't known. */
  member: string;
  /** Whether members come and go while it works. '' while it isn't known. */
  scaling: 'live' | 'relaunch' | '';
}

export type Kinds = Readonly<Record<string, Kind>>;

/** The kinds that a catalogue speaks of. One of an older service names only those on offer. */
export function kindsOf({ kinds, profiles }: Catalogue): Record<string, Kind> {
  const offered = profiles.flatMap(({ backends }) => Object.entries(backends));
  const known = [...offered, ...Object.entries(kinds ?? {})];
  return Object.fromEntries(
    known.map(([name, { title, member, scaling }]) => [name, { title, member, scaling }])
  );
}

const unknown = new Map<string, Kind>();

/** The kind of this name; the same object each time, so that nothing is drawn for it. */
export function kindOf(kinds: Kinds, name: string): Kind {
  const known = kinds[name] ?? unknown.get(name);
  if (known) {
    return known;
  }
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  const found: Kind = { title, member: '', scaling: '' };
  unknown.set(name, found);
  return found;
}

/** "worker" or "workers". */
export function plural(member: string, count: number): string {
  return count === 1 ? member : `${member}s`;
}

/** What a quota of members counts, of all kinds: "Workers and locales". */
export function membersTitle(kinds: Kinds, trans: Trans): string {
  const words = new Set(Object.values(kinds).map(({ member }) => plural(member, 2)));
  const [first, ...others] = words;
  const text = others.reduce((one, other) => trans.__('%1 and %2', one, other), first ?? '');
  return capital(text) || trans.__('Members');
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
