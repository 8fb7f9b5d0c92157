/** The address and title of a dashboard's page, and which backend a tab that was open is about now. Pure. */
import { everyPage } from '../components/pages';
import { type Backend, ended, usable } from '../model';
import type { Trans } from '../words';

/** What a page is called; one that isn't known is called as in its URL. */
export function pageTitle(path: string, trans: Trans): string {
  return everyPage(trans).find(({ page }) => page === path)?.title ?? path;
}

/** Only what can be a page: not an address elsewhere, nor one that climbs out. */
export function safePage(path: unknown): string {
  return typeof path === 'string' && /^[\w][\w-]*(\/[\w][\w.-]*)*$/.test(path) ? path : 'status';
}

/** Where a page is, relative to `alongside/` on the session's server. */
export function pagePath(id: string, path: string): string {
  return `backends/${encodeURIComponent(id)}/dashboard/${safePage(path)}`;
}

/** What a tab remembers of its backend. */
export interface Remembered {
  id: string;
  name: string;
  owner: string;
}

/** The backend that a tab is about: the one that it was opened for, or, when that has ended, a
 * live one that has taken its name. */
export function currentOf(remembered: Remembered, backends: Iterable<Backend>): Backend | null {
  const all = [...backends];
  const same = all.find(({ id }) => id === remembered.id);
  if (same && !ended(same)) {
    return same;
  }
  const next = all.find(
    backend =>
      backend.name === remembered.name && backend.owner === remembered.owner && !ended(backend)
  );
  return next ?? same ?? null;
}

/** What a tab shows: the page, a wait, or that there is none (any more). */
export function stage(backend: Backend | null): 'page' | 'wait' | 'stopping' | 'ended' {
  if (!backend || ended(backend)) {
    return 'ended';
  }
  if (backend.phase === 'stopping') {
    return 'stopping'; // a page would go on calling for what goes away
  }
  return usable(backend) ? 'page' : 'wait';
}
