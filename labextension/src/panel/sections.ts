/** Which backend is shown where, and in which order. Pure; one bad record spoils nothing. */
import { sharedWith } from '../components/permissions';
import type { Backend, Resources } from '../model';

export interface Sections {
  /** Of the session that the panel belongs to. */
  here: Backend[];
  /** Of other sessions, or of none. */
  elsewhere: Backend[];
  /** Of others, who share them. */
  shared: Backend[];
  /** Ended as they should, newest first. Failed ones stay where they were until dismissed. */
  ended: Backend[];
}

export interface Viewer {
  user: string;
  session: string | null;
  groups: readonly string[];
}

export function sections(backends: Iterable<Backend>, viewer: Viewer): Sections {
  const found: Sections = { here: [], elsewhere: [], shared: [], ended: [] };
  for (const backend of backends) {
    const place = placeOf(backend, viewer);
    if (place) {
      found[place].push(backend);
    }
  }
  found.here.sort(oldestFirst);
  found.elsewhere.sort(oldestFirst);
  found.shared.sort(oldestFirst);
  found.ended.sort((a, b) => oldestFirst(b, a));
  return found;
}

/** Null for what an admin sees besides. */
function placeOf(backend: Backend, viewer: Viewer): keyof Sections | null {
  const mine = backend.owner === viewer.user;
  if (!mine) {
    return Array.isArray(backend.shares) && sharedWith(backend, viewer) ? 'shared' : null;
  }
  if (backend.phase === 'stopped') {
    return 'ended';
  }
  return viewer.session !== null && backend.session === viewer.session ? 'here' : 'elsewhere';
}

/** By when it was asked for: new ones come last, so that nothing moves under the pointer. */
function oldestFirst(a: Backend, b: Backend): number {
  const [x, y] = [`${a.created}${a.id}`, `${b.created}${b.id}`];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Those in which every word of `query` occurs somewhere that is shown. */
export function search(backends: readonly Backend[], query: string): Backend[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return backends.filter(({ name, kind, profile, owner, session, phase }) => {
    const text = [name, kind, profile, owner, session, phase].join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
}

/** The live backends of one owner, and what they count for together. */
export interface Member {
  owner: string;
  backends: Backend[];
  used: Pick<Resources, 'cores' | 'memory' | 'gpus'>;
}

/** Everybody's backends by owner, in the order of their names. */
export function team(backends: Iterable<Backend>): Member[] {
  const members = new Map<string, Member>();
  for (const backend of backends) {
    const { owner } = backend;
    const none = { owner, backends: [], used: { cores: 0, memory: 0, gpus: 0 } };
    const member: Member = members.get(owner) ?? none;
    members.set(owner, member);
    member.backends.push(backend);
    if (backend.phase !== 'stopped' && backend.phase !== 'failed') {
      member.used.cores += backend.resources?.cores ?? 0;
      member.used.memory += backend.resources?.memory ?? 0;
      member.used.gpus += backend.resources?.gpus ?? 0;
    }
  }
  for (const member of members.values()) {
    member.backends.sort(oldestFirst);
  }
  return [...members.values()].sort((a, b) => a.owner.localeCompare(b.owner));
}
