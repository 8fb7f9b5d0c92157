/** Lists of those that a backend is shared with. Pure. */
import type { Share } from '../model';
import type { Trans } from '../words';

export type With = 'user' | 'group';
export type Access = Share['access'];

/** One entry that is being written. */
export interface Entry {
  with: With;
  name: string;
  access: Access;
}

export function entryOf({ user, group, access }: Share): Entry {
  return user ? { with: 'user', name: user, access } : { with: 'group', name: group ?? '', access };
}

export function shareOf({ with: kind, name, access }: Entry): Share {
  return kind === 'user' ? { user: name.trim(), access } : { group: name.trim(), access };
}

/** What is wrong with an entry; '' when nothing is. */
export function wrongEntry(
  entry: Entry,
  entries: readonly Entry[],
  owner: string,
  trans: Trans
): string {
  const name = entry.name.trim();
  if (entry.with === 'user' && name === owner) {
    return trans.__('It is yours already.');
  }
  return entries.some(one => one.with === entry.with && one.name === name)
    ? trans.__('%1 is in the list already.', name)
    : '';
}

export function sameEntries(one: readonly Entry[], other: readonly Entry[]): boolean {
  const text = (entries: readonly Entry[]) =>
    JSON.stringify(entries.map(({ with: kind, name, access }) => [kind, name, access]).sort());
  return text(one) === text(other);
}
