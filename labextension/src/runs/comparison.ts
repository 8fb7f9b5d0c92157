/** Two runs beside each other. Pure. */
import type { Trans } from '../words';
import { type Recorded, type Texts, text } from './crate';
import { executorTitle } from './executors';
import { faultOf } from './faults';
import {
  final,
  lastAttempt,
  newestFirst,
  progress,
  secondsOf,
  stateWord,
  tookText,
  whenText
} from './state';
import type { Run, Workflow } from './types';

/** One of the two, with what is known of it so far. */
export interface Side {
  run: Run;
  workflow: Workflow | null;
  recorded: { [step: string]: Recorded };
}

export interface Row {
  name: string;
  values: [string, string];
  /** Of a difference that says something: that one took longer does not. */
  different: boolean;
  /** Whether they are digests, of which a part is shown. */
  digest?: boolean;
}

export interface Group {
  title: string;
  rows: Row[];
}

/** The run that another one is compared with first: the newest before it of that name, else any. */
export function partnerOf(run: Run, runs: Iterable<Run>): Run | undefined {
  const others = newestFirst(runs).filter(({ id }) => id !== run.id);
  const alike = others.filter(({ name }) => name === run.name);
  return alike.find(({ created }) => created <= run.created) ?? alike[0] ?? others[0];
}

/** Only groups with something in them. */
export function compare(sides: readonly [Side, Side], now: number, trans: Trans): Group[] {
  const steps = [...new Set(sides.flatMap(({ run }) => run.steps.map(({ name }) => name)))];
  const many = steps.length > 1;
  // what is not recorded of one of them yet may still come
  const known = (step: string) => sides.every(({ recorded }) => recorded[step]);
  /** One row for each name that either has in `of`, for each step. */
  const each = (of: (side: Side, step: string) => Texts, digest = false): Row[] =>
    steps.flatMap(step => {
      const rows = rowsOf([of(sides[0], step), of(sides[1], step)], known(step), digest);
      return many ? rows.map(row => ({ ...row, name: `${step}: ${row.name}` })) : rows;
    });
  /** One row for each step. */
  const one = (of: (recorded: Recorded) => string, digest = false): Row[] =>
    steps.flatMap(step => {
      const told = ({ recorded: { [step]: found } }: Side) => ({ [step]: found ? of(found) : '' });
      return rowsOf([told(sides[0]), told(sides[1])], known(step), digest);
    });
  const groups: Group[] = [
    { title: trans.__('Run'), rows: runRows(sides, now, trans) },
    { title: trans.__('Values'), rows: each(valuesOf) },
    { title: trans.__('Steps'), rows: stepRows(sides, steps, now, trans) },
    { title: trans.__('Backends'), rows: one(({ backend }) => backend) },
    { title: trans.__('Results'), rows: each(({ recorded }, s) => recorded[s]?.results ?? {}) },
    {
      title: trans.__('Outputs'),
      rows: each(({ recorded }, s) => recorded[s]?.outputs ?? {}, true)
    },
    { title: trans.__('Code'), rows: one(({ code }) => code, true) },
    { title: trans.__('Images'), rows: one(({ image }) => image) },
    { title: trans.__('Versions'), rows: versionRows(sides) }
  ];
  return groups.filter(({ rows }) => rows.length > 0);
}

/** What either has by some name; those that neither has any text for are left out. `known`: whether
 * both could have it. */
function rowsOf([one, other]: [Texts, Texts], known: boolean, digest = false): Row[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .map(name => ({ name, values: [one[name] ?? '', other[name] ?? ''] as [string, string] }))
    .filter(({ values: [a, b] }) => a !== '' || b !== '')
    .map(row => ({ ...row, different: differ(row.values, known), digest }));
}

/** Something differs from nothing only where that is known to be nothing. */
function differ([one, other]: [string, string], known: boolean): boolean {
  return one !== other && (known || (one !== '' && other !== ''));
}

function runRows(sides: readonly [Side, Side], now: number, trans: Trans): Row[] {
  const row = (name: string, of: (run: Run) => string, telling = true): Row => {
    const values: [string, string] = [of(sides[0].run), of(sides[1].run)];
    return { name, values, different: telling && values[0] !== values[1] };
  };
  return [
    row(trans.__('State'), ({ state }) => stateWord(state, trans)),
    row(trans.__('Why'), run => {
      const fault = faultOf(run, trans);
      return fault ? [fault.cause, fault.detail].filter(Boolean).join('. ') : '';
    }),
    row(trans.__('Began'), ({ started }) => whenText(started, now, trans), false),
    row(trans.__('Took'), run => tookText(secondsOf(run, now)), false),
    row(trans.__('Steps done'), run => `${progress(run).done} / ${run.steps.length}`),
    row(trans.__('Submitted by'), ({ origin }) => origin),
    row(trans.__('Runs on'), ({ executor }) => executorTitle(executor, trans))
  ].filter(({ values }) => values.some(Boolean));
}

function stepRows(
  sides: readonly [Side, Side],
  names: readonly string[],
  now: number,
  trans: Trans
): Row[] {
  return names.map(name => {
    const [one, other] = sides.map(({ run }) => run.steps.find(step => step.name === name));
    const told = (step: typeof one, run: Run) => {
      if (!step) {
        return '';
      }
      if (final(run) && step.state === 'waiting') {
        return trans.__('not begun');
      }
      const attempts = step.attempts.length;
      return [
        stateWord(step.state, trans),
        step.unchanged ? trans.__('unchanged') : tookText(secondsOf(lastAttempt(step) ?? {}, now)),
        attempts > 1 ? trans.__('attempt %1', attempts) : ''
      ]
        .filter(Boolean)
        .join(' · ');
    };
    return {
      name,
      values: [told(one, sides[0].run), told(other, sides[1].run)],
      different: one?.state !== other?.state
    };
  });
}

/** As they were recorded; before that, as they were asked for. */
function valuesOf({ workflow, recorded }: Side, name: string): Texts {
  const step = workflow?.steps.find(one => one.name === name);
  const given = Object.entries(step?.parameters ?? {});
  return {
    ...Object.fromEntries(given.map(([key, value]) => [key, text(value)])),
    ...recorded[name]?.values
  };
}

/** Of all steps together: they seldom differ. */
function versionRows([one, other]: readonly [Side, Side]): Row[] {
  const [here, there] = [versions(one), versions(other)];
  const known = [here, there].every(all => Object.keys(all).length > 0);
  return rowsOf([here, there], known);
}

function versions({ recorded }: Side): Texts {
  const found: { [name: string]: Set<string> } = {};
  for (const { software } of Object.values(recorded)) {
    for (const [name, version] of Object.entries(software)) {
      found[name] ??= new Set();
      found[name].add(version);
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([name, all]) => [name, [...all].join(', ')])
  );
}
