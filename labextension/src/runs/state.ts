/** How far a run has come, in words. Pure. */
import type { Look } from '../components/state';
import { type Kinds, kindOf, plural } from '../kinds';
import type { Backend } from '../model';
import { formatDuration, type Trans } from '../words';
import { failedCell } from './faults';
import type { Attempt, Run, State, StepRun } from './types';

const FINAL: ReadonlySet<State> = new Set<State>(['succeeded', 'failed', 'cancelled']);

/** Nothing of it happens any more, unless it is resumed. */
export function final({ state }: { state: State }): boolean {
  return FINAL.has(state);
}

export function look({ state }: { state: State }): Look {
  switch (state) {
    case 'succeeded':
      return 'running';
    case 'failed':
      return 'failed';
    case 'cancelled':
      return 'stopped';
    case 'waiting':
      return 'idle';
    default:
      return 'moving';
  }
}

/** How many of its steps are done, and how much of all that is, from 0 to 1. */
export function progress({ steps }: Pick<Run, 'steps'>): { done: number; share: number } {
  const done = steps.filter(({ state }) => state === 'succeeded').length;
  const parts = steps.reduce((sum, step) => sum + (final(step) ? 0 : shareOf(step)), 0);
  return { done, share: steps.length > 0 ? (done + parts) / steps.length : 0 };
}

/** How much of its cells is done, from 0 to 1; the one that it is at is not. */
export function shareOf({ state, cell, cells }: StepRun): number {
  return state === 'succeeded' ? 1 : cell && cells ? (cell - 1) / cells : 0;
}

/** Seconds from its beginning to its end, or until now; null before it began. */
export function secondsOf(
  { started, ended }: { started?: string | null; ended?: string | null },
  now: number
): number | null {
  return started ? ((ended ? Date.parse(ended) : now) - Date.parse(started)) / 1000 : null;
}

/** "12 s", "< 1 s"; '' for what has not begun. */
export function tookText(seconds: number | null): string {
  return seconds === null ? '' : seconds < 0.5 ? '< 1 s' : formatDuration(seconds);
}

/** "inputs 2 s, waiting 14 s, computing 40 s": where an attempt's time went; '' where it was all
 * computing, or isn't known. */
export function spentText({ spent }: Attempt, trans: Trans): string {
  const parts: [title: string, seconds: number][] = [
    [trans.__('inputs'), spent?.staging_in ?? 0],
    [trans.__('waiting'), spent?.waiting ?? 0],
    [trans.__('computing'), spent?.computing ?? 0],
    [trans.__('outputs'), spent?.staging_out ?? 0]
  ];
  const told = parts.filter(([, seconds]) => seconds >= 0.5);
  return told.length > 1
    ? told.map(([title, seconds]) => `${title} ${formatDuration(seconds)}`).join(', ')
    : '';
}

/** When a step's last attempt began and ended. */
export function lastAttempt({ attempts }: StepRun): Attempt | undefined {
  return attempts.at(-1);
}

/** "2 of 5 steps · 4 min", "failed · 09:41". */
export function stateText(run: Run, now: number, trans: Trans): string {
  const { done } = progress(run);
  const many = run.steps.length > 1;
  switch (run.state) {
    case 'failed':
      return [trans.__('failed'), whenText(run.ended, now, trans)].join(' · ');
    case 'cancelled':
      return [trans.__('cancelled'), whenText(run.ended, now, trans)].join(' · ');
    case 'succeeded': {
      const told = many ? trans.__('%1 of %2', done, run.steps.length) : trans.__('done');
      return [told, whenText(run.ended, now, trans)].join(' · ');
    }
    default: {
      const seconds = secondsOf(run, now);
      const told = many
        ? trans.__('%1 of %2 steps', done, run.steps.length)
        : stateWord(run.state, trans);
      return seconds === null ? told : `${told} · ${formatDuration(seconds)}`;
    }
  }
}

export function stateWord(state: State, trans: Trans): string {
  switch (state) {
    case 'waiting':
      return trans.__('waiting');
    case 'running':
      return trans.__('running');
    case 'pausing':
      return trans.__('tried again soon');
    case 'succeeded':
      return trans.__('done');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
  }
}

/** "09:41" of today, "yesterday", else the day. */
export function whenText(moment: string | null, now: number, trans: Trans): string {
  if (!moment) {
    return '';
  }
  const then = new Date(moment);
  const days = Math.round((midnight(now) - midnight(then.getTime())) / 86_400_000);
  if (days <= 0) {
    return then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  }
  return days === 1
    ? trans.__('yesterday')
    : then.toLocaleDateString([], { day: 'numeric', month: 'short' });
}

/** "22 Nov, 09:58:16", as the browser's language has it. */
export function momentText(moment: string): string {
  return new Date(moment).toLocaleString([], {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23'
  });
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** "cell 7 of 11"; '' where it has no cells, or none has begun. */
function cellText({ cell, cells }: StepRun, trans: Trans): string {
  return cell && cells ? trans.__('cell %1 of %2', cell, cells) : '';
}

/** "Dask 10 workers"; '' where it is not known. */
export function backendText(
  { backend }: StepRun,
  backends: ReadonlyMap<string, Backend>,
  kinds: Kinds
): string {
  const found = backends.get(backend);
  if (!found) {
    return '';
  }
  const { title, member } = kindOf(kinds, found.kind);
  const size = found.ready || found.wanted;
  return member ? `${title} ${size} ${plural(member, size)}` : title;
}

/** What a card tells of one step. */
export interface Line {
  name: string;
  state: State;
  text: string;
}

/** As many steps are told of in a card at most. */
const MOST = 6;

/** What has happened and what happens: the last that are done, then what is at work or waits for
 * something worth telling; and how many more of those there are. */
export function lines(
  run: Run,
  about: (step: StepRun) => string,
  now: number,
  trans: Trans
): { lines: Line[]; more: number } {
  const live = run.steps.filter(step => step.state === 'running' || step.state === 'pausing');
  const busy = [...live, ...run.steps.filter(held)];
  const done = run.steps.filter(({ state }) => state === 'succeeded');
  const last = done.sort((a, b) => endOf(a) - endOf(b)).slice(-Math.max(2, MOST - busy.length));
  const all = [...last, ...busy];
  return {
    lines: all.slice(0, MOST).map(step => ({
      name: step.name,
      state: step.state,
      text: lineText(step, about(step), now, trans)
    })),
    more: Math.max(0, all.length - MOST)
  };
}

function endOf(step: StepRun): number {
  return Date.parse(lastAttempt(step)?.ended ?? '') || 0;
}

/** "12 s", "cell 7 of 11 · Dask 10 workers", "waits for 4 locales". */
function lineText(step: StepRun, about: string, now: number, trans: Trans): string {
  if (step.state === 'succeeded') {
    return step.unchanged
      ? trans.__('skipped, unchanged')
      : tookText(secondsOf(lastAttempt(step) ?? {}, now));
  }
  const told = cellText(step, trans) || step.message;
  return [told, about].filter(Boolean).join(' · ');
}

/** Whether it can go on where it ended. */
export function resumable({ state }: Run): boolean {
  return state === 'failed' || state === 'cancelled';
}

/** The step that is looked at first: what failed, what works, what waits for something worth
 * telling, else the last one. */
export function foremost({ steps }: Pick<Run, 'steps'>): StepRun | undefined {
  const of = (state: State) => steps.find(step => step.state === state);
  return of('failed') ?? of('running') ?? of('pausing') ?? steps.find(held) ?? steps.at(-1);
}

/** Whether it waits for something worth telling. */
function held({ state, message }: StepRun): boolean {
  return state === 'waiting' && message !== '';
}

/** What tells a run from another one that was begun at the same time. */
export function markOf({ id }: Pick<Run, 'id'>): string {
  return id.slice(-4);
}

/** The newest first: what is live stays where it is when it ends. */
export function newestFirst(runs: Iterable<Run>): Run[] {
  const key = ({ created, id }: Run) => `${created}${id}`;
  return [...runs].sort((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0));
}

/** What a step says in the graph: a mark beside its name, and a few words below it. */
export function nodeText(step: StepRun, trans: Trans): { mark: string; text: string } {
  const last = lastAttempt(step);
  switch (step.state) {
    case 'succeeded': {
      const took = last?.ended ? tookText(secondsOf(last, Number.NaN)) : '';
      return { mark: '✓', text: step.unchanged ? trans.__('skipped, unchanged') : took };
    }
    case 'failed': {
      const cell = failedCell(step);
      const at = cell === null ? '' : trans.__('cell %1', cell);
      return { mark: '✗', text: [trans.__('failed'), at].filter(Boolean).join(' · ') };
    }
    case 'cancelled':
      return { mark: '', text: trans.__('cancelled') };
    case 'waiting':
      return { mark: '', text: step.message || trans.__('waits') };
    case 'pausing':
      return { mark: '↻', text: step.message || trans.__('tried again soon') };
    default:
      return { mark: '…', text: cellText(step, trans) || step.message || trans.__('begins') };
  }
}
