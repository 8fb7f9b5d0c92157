/** What made a file, over all runs: what is told of that, and which part of it is wanted. Pure. */

/** A file or a directory, as it was when a step read or made it. */
export interface TracedFile {
  /** What the step calls it. */
  name: string;
  /** Its URL; of what lies with the run, a path in its record; of a command its words. */
  place: string;
  sha256: string;
  /** How what lies there now compares with it; '' if that isn't known. */
  now: '' | 'same' | 'changed' | 'missing';
}

/** A step that has succeeded: what it has made of what, and by which means. */
export interface Act {
  run: string;
  workflow: string;
  step: string;
  owner: string;
  origin: string;
  executor: string;
  attempt: number;
  started: string;
  ended: string;
  /** The notebook; of a command its words, without a hash. */
  code: TracedFile;
  software: { [name: string]: string };
  image: string;
  host: string;
  /** The kind of its backend; '' if it had none. */
  backend: string;
  members: number;
  values: { [name: string]: unknown };
  results: { [name: string]: unknown };
  read: TracedFile[];
  made: TracedFile[];
  /** Whose values or memory it has used. */
  after: [run: string, step: string][];
}

export interface Trace {
  file: TracedFile;
  /** What made it first, or was made of it first. */
  acts: Act[];
  /** Runs whose records were read, and earlier ones that were not looked at. */
  runs: number;
  more: number;
  /** Where in the file browser those are that are there, by their places. */
  paths: { [place: string]: string };
}

/** A file: by its path in the file browser, or by what a step of a run calls it. */
export type Wanted = { path: string } | { run: string; step: string; name: string };

/** Days that are looked back on; 0 for all. */
export const SPANS = [0, 1, 7, 30] as const;

/** What identifies a step among all. */
export function keyOf({ run, step }: Pick<Act, 'run' | 'step'>): string {
  return `${run} ${step}`;
}

/** A path for what is a file of this machine, else as it is. */
export function whereOf(place: string): string {
  try {
    return place.startsWith('file://') ? decodeURIComponent(new URL(place).pathname) : place;
  } catch {
    return place;
  }
}

/** Its name without the folders that it is in. */
export function baseOf(place: string): string {
  return whereOf(place).replace(/\/+$/, '').split('/').pop() || place;
}

/** What made a file that this step has read, where that is among `acts`. */
export function makerOf(file: TracedFile, reader: Act, acts: readonly Act[]): Act | undefined {
  const earlier = acts.filter(
    ({ ended, made }) =>
      Date.parse(ended) <= Date.parse(reader.started) &&
      made.some(({ sha256 }) => sha256 !== '' && sha256 === file.sha256)
  );
  const there = earlier.filter(({ made }) => made.some(({ place }) => place === file.place));
  const [last] = (there.length > 0 ? there : earlier).sort((a, b) =>
    b.ended.localeCompare(a.ended)
  );
  return last;
}

/** Those that ended in the last `days` (0: any) in which every word of `query` occurs. */
export function select(acts: readonly Act[], query: string, days: number, now: number): Act[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return acts.filter(act => {
    if (days > 0 && now - Date.parse(act.ended) > days * 86_400_000) {
      return false;
    }
    const files = [...act.made, ...act.read, act.code].map(({ place }) => whereOf(place));
    const values = Object.entries(act.values).flat().map(String);
    const { step, workflow, run, owner, origin, host, image } = act;
    const told = [step, workflow, run, owner, origin, host, image, ...files, ...values];
    const text = told.join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
}
