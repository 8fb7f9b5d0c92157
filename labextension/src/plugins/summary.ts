/** A backend in a few words, for places with little room. Pure. */
import { present } from '../components/state';
import { type Kind, plural } from '../kinds';
import { type Backend, ended, type Problem, usable } from '../model';
import type { Trans } from '../words';

/** "4 workers". */
export function members({ ready }: Pick<Backend, 'ready'>, { member }: Kind): string {
  return member ? `${ready} ${plural(member, ready)}` : `${ready}`;
}

/** Per cent of its cores that are in use. */
export function busy(backend: Backend): number {
  const { cores } = present(backend);
  return cores > 0 ? Math.min(100, Math.round((100 * backend.usage.cpu) / cores)) : 0;
}

/** What the notebook's button says of the backend that its kernel is connected to. */
export function pill(backend: Backend, kind: Kind, trans: Trans): string {
  return usable(backend)
    ? `${backend.name} · ${members(backend, kind)}`
    : `${backend.name} · ${phase(backend, trans)}`;
}

function phase(backend: Backend, trans: Trans): string {
  switch (backend.phase) {
    case 'stopping':
      return trans.__('stopping');
    case 'stopped':
      return trans.__('ended');
    case 'failed':
      return trans.__('failed');
    default:
      return trans.__('starting');
  }
}

/** The one that is worth the status bar: the attached one, else the session's own, else any. */
export function foremost(
  backends: Iterable<Backend>,
  attached: Backend | null,
  session: string | null,
  user: string
): Backend | null {
  const live = [...backends].filter(backend => !ended(backend) && backend.owner === user);
  const rank = (backend: Backend) => (backend.session === session ? 0 : 1);
  const sorted = live.sort(
    (a, b) => rank(a) - rank(b) || Date.parse(a.created) - Date.parse(b.created)
  );
  return attached ?? sorted[0] ?? null;
}

/** "1 run, 2 backends"; '' while nothing runs by itself. */
export function runsText(runs: number, backends: number, trans: Trans): string {
  if (runs === 0) {
    return '';
  }
  const first = trans._n('%1 run', '%1 runs', runs);
  return backends > 0 ? `${first}, ${trans._n('%1 backend', '%1 backends', backends)}` : first;
}

/** What the status bar says: "session: 4 workers, 71 %". */
export function statusText(
  backend: Backend | null,
  kind: Kind | null,
  others: number,
  problem: Problem | null,
  trans: Trans
): string {
  if (problem) {
    return trans.__('Alongside: no connection');
  }
  if (!backend || !kind) {
    return '';
  }
  const about = usable(backend)
    ? trans.__('%1: %2, %3 %', backend.name, members(backend, kind), busy(backend))
    : `${backend.name}: ${phase(backend, trans)}`;
  return others > 0 ? trans._n('%2 and %1 more', '%2 and %1 more', others, about) : about;
}
