/** What a backend does, in a shape and a word or two. Pure. */
import { type Backend, ended } from '../model';
import { formatDuration, type Trans } from '../words';

/** The shapes of a dot: full, ring, turning, empty, red. */
export type Look = 'running' | 'idle' | 'moving' | 'stopped' | 'failed';

export function look(backend: Backend): Look {
  switch (backend.phase) {
    case 'failed':
      return 'failed';
    case 'stopped':
      return 'stopped';
    case 'running':
      return backend.idle_since ? 'idle' : 'running';
    default:
      return 'moving';
  }
}

/** What it does now: "idle 22 min", "scaling 2 → 6", "failed". */
export function stateText(backend: Backend, attached: boolean, now: number, trans: Trans): string {
  switch (backend.phase) {
    case 'pending':
      return trans.__('waiting');
    case 'starting':
      return trans.__('starting');
    case 'scaling':
      return backend.ready === backend.wanted
        ? trans.__('scaling')
        : trans.__('scaling %1 → %2', backend.ready, backend.wanted);
    case 'stopping':
      return trans.__('stopping');
    case 'failed':
      return trans.__('failed');
    case 'stopped':
      return endedText(backend, now, trans);
    default:
      return attached ? trans.__('attached ✓') : activity(backend, now, trans);
  }
}

function activity(backend: Backend, now: number, trans: Trans): string {
  if (!backend.idle_since) {
    return trans.__('working');
  }
  const seconds = (now - Date.parse(backend.idle_since)) / 1000;
  return seconds < 60 ? trans.__('idle') : trans.__('idle %1', formatDuration(seconds));
}

function endedText(backend: Backend, now: number, trans: Trans): string {
  const seconds = backend.ended ? (now - Date.parse(backend.ended)) / 1000 : 0;
  return seconds < 60 ? trans.__('ended') : trans.__('ended %1 ago', formatDuration(seconds));
}

/** A reason, which the service writes for programs, as words: "ImageNotFound", "Image not found". */
export function reasonText(reason: string): string {
  const words = reason.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? [];
  return words
    .map((word, i) => (i === 0 || /^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase()))
    .join(' ');
}

/** The story of one that isn't ready yet: what is done, and what is waited for. */
export function story(backend: Backend): { done: string[]; waiting: string } {
  const told = backend.stages.map(({ message }) => message);
  const waiting = [backend.message || told.at(-1) || '', backend.reason && backend.remedy]
    .filter(Boolean)
    .join(' ');
  const done = told.filter(message => message !== backend.message);
  return { done: done.slice(-3), waiting };
}

/** What it has of what it counts for: one that scales by itself counts for its largest size. */
export function present(backend: Backend): { cores: number; memory: number } {
  const { cores, memory, workers } = backend.resources;
  const share = workers > 0 && !ended(backend) ? Math.min(1, backend.wanted / workers) : 1;
  return { cores: cores * share, memory: memory * share };
}
