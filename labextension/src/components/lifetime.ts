/** When a backend ends by itself, and what with. Pure. */
import { type Backend, ended } from '../model';
import { formatDuration, parseDuration, type Trans } from '../words';
import { owns } from './permissions';

export interface Ending {
  /** Milliseconds since 1970. */
  at: number;
  /** Because nothing works on it, not because its time is up. */
  idle: boolean;
  /** Milliseconds before it from which on it is near. */
  warning: number;
}

/** Milliseconds before the end that count as near, unless it lives only shortly anyway. */
const NEAR = 10 * 60_000;

/** When it ends unless something changes; null when nothing says so. */
export function ending(backend: Backend): Ending | null {
  if (!backend.expires || ended(backend)) {
    return null;
  }
  const at = Date.parse(backend.expires);
  const patience = parseDuration(backend.lifetime.idle ?? '') * 1000;
  // while it works there is no idleness to count
  const moments = [backend.idle_since, backend.created, backend.started, backend.needed];
  const since = backend.idle_since
    ? Math.max(...moments.map(moment => Date.parse(moment ?? backend.created)))
    : Number.NaN;
  const idle = Math.abs(since + patience - at) < 2000;
  const whole = idle ? patience : at - Date.parse(backend.created);
  return { at, idle, warning: Math.min(NEAR, whole / 3) };
}

/** "Ends in 8 min without work". */
export function endingText({ at, idle }: Ending, now: number, trans: Trans): string {
  const seconds = (at - now) / 1000;
  if (seconds < 1) {
    return trans.__('Ends any moment');
  }
  const left = formatDuration(seconds);
  return idle ? trans.__('Ends in %1 without work', left) : trans.__('Ends in %1', left);
}

/** Who looks at it, and from which session: '' is the default one, null is none. */
export interface Viewer {
  user: string;
  session: string | null;
}

/** What it ends with, or that it doesn't. */
export function tieText(backend: Backend, viewer: Viewer, trans: Trans): string {
  if (backend.run) {
    return trans.__('Ends with its run');
  }
  if (backend.session === null) {
    return trans.__('Stays until it is stopped');
  }
  return backend.keep
    ? trans.__('Stays when its session ends')
    : trans.__('Ends with %1', sessionText(backend, backend.session, viewer, trans));
}

/** The same after what `endingText` says: "…, or with this session". */
export function orTieText(backend: Backend, viewer: Viewer, trans: Trans): string {
  if (backend.run) {
    return trans.__(', or with its run');
  }
  return backend.session === null || backend.keep
    ? ''
    : trans.__(', or with %1', sessionText(backend, backend.session, viewer, trans));
}

function sessionText(backend: Backend, name: string, viewer: Viewer, trans: Trans): string {
  if (!owns(backend, viewer.user)) {
    return trans.__('a session of %1', backend.owner);
  }
  if (name === viewer.session) {
    return trans.__('this session');
  }
  return name ? trans.__('session %1', name) : trans.__('the default session');
}
