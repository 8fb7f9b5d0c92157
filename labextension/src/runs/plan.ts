/** What somebody has chosen for a run of one notebook, and what is asked for with it. Pure. */
import { type Choice as Launch, offerOf, optionsOf } from '../dialogs/choice';
import { type Backend, type Catalogue, usable } from '../model';
import type { Store } from '../store';
import { parseDuration, type Trans } from '../words';
import type { BackendWish, Described, Step, WholeRun, Workflow } from './types';
import { changedValues, type Texts, textsOf, whyWrong } from './values';

/** On what it computes besides its own process. */
export type Computing = 'none' | 'own' | 'session';

export interface Choice {
  /** Empty: the notebook's. */
  name: string;
  texts: Texts;
  /** Who carries it out; '' is the first that can. */
  executor: string;
  computing: Computing;
  retries: string;
  /** As written; empty: none. */
  timeout: string;
  cache: boolean;
  /** Where the executed notebook goes; empty: it is only kept with the run. */
  output: string;
}

/** What the dialog may be opened with. */
export interface Wish {
  name?: string;
  /** Of an earlier run. */
  step?: Step;
  /** Who carried it out. */
  executor?: string;
  /** Without a step: on what the notebook's kernel computes now. */
  computing?: Computing;
}

/** The file whose run this was, by its absolute path, and the wish that repeats it; null for any
 * other run than that of a notebook of ours. */
export function wishOf({
  name,
  workflow,
  executor
}: Pick<WholeRun, 'name' | 'workflow' | 'executor'>): { file: string; wish: Wish } | null {
  const [step, ...others] = workflow.steps;
  const notebook = step?.notebook;
  if (!notebook || others.length > 0) {
    return null;
  }
  const file = notebook.startsWith('/') ? notebook : `${workflow.directory ?? ''}/${notebook}`;
  const elsewhere = notebook.includes('://') || (file !== notebook && !workflow.directory);
  return elsewhere ? null : { file, wish: { name, step, executor } };
}

/** The backend that a step of this session can compute on, if there is one. */
export function ofSession({
  backends,
  user,
  session
}: Pick<Store, 'backends' | 'user' | 'session'>): Backend | undefined {
  return [...backends.values()].find(
    one => one.owner === user && one.session === session && usable(one)
  );
}

export function begin(
  { parameters }: Described,
  { name = '', step, executor = '', computing = 'none' }: Wish
): Choice {
  const backend = step?.backend;
  const asBefore = !backend ? 'none' : backend === 'session' ? 'session' : 'own';
  return {
    name,
    texts: textsOf(parameters, step?.parameters ?? {}),
    executor,
    computing: step ? asBefore : computing,
    retries: `${step?.retry?.times ?? 0}`,
    timeout: step?.timeout ?? '',
    cache: step?.cache ?? false,
    output: step?.output ?? ''
  };
}

/** "etl.ipynb" is "etl". */
export function stemOf(notebook: string): string {
  return notebook.replace(/\.ipynb$/i, '');
}

/** A step's name has lower case letters, digits and dashes only. */
export function stepName(notebook: string): string {
  const plain = stemOf(notebook).normalize('NFKD').toLowerCase();
  const name = plain.replace(/[^a-z0-9]+/g, '-').slice(0, 50);
  return name.replace(/^-+|-+$/g, '') || 'notebook';
}

/** What can't be used, by the input's name; parameters as `parameters.NAME`. `home`: whether the
 * step finds the user's files. */
export function wrongOf(
  { parameters }: Described,
  choice: Choice,
  home: boolean,
  trans: Trans
): { [input: string]: string } {
  const found: { [input: string]: string } = {};
  for (const parameter of parameters) {
    const why = whyWrong(parameter, choice.texts[parameter.name] ?? '', trans);
    if (why) {
      found[`parameters.${parameter.name}`] = why;
    }
  }
  const retries = Number(choice.retries || '0');
  if (!Number.isInteger(retries) || retries < 0 || retries > 20) {
    found.retries = trans.__('Write a whole number from 0 to 20.');
  }
  if (choice.timeout.trim() && !(parseDuration(choice.timeout) > 0)) {
    found.timeout = trans.__('Write a time with its unit, for example 2 h or 30 min.');
  }
  if (!home && choice.output.trim() && !choice.output.includes('://')) {
    found.output = trans.__('Write a URL, for example s3://bucket/key: your files are not there.');
  }
  return found;
}

/** The notebook as a run calls it that brings it along: as what it is found by when the run is
 * repeated. */
export function placeOf({ notebook, directory }: Described): string {
  return `${directory.replace(/\/$/, '')}/${notebook}`;
}

/** The workflow of one step that is asked for; without a `home` it begins in one that is not ours,
 * and its notebook has to be added. */
export function workflowOf(
  described: Described,
  choice: Choice,
  own: BackendWish | null,
  home: boolean
): Workflow {
  const { notebook, directory, parameters } = described;
  const output = choice.output.trim();
  const timeout = choice.timeout.trim();
  const retries = Number(choice.retries || '0');
  const backend = choice.computing === 'own' ? own : choice.computing === 'session' && 'session';
  const step: Step = {
    name: stepName(notebook),
    notebook: home ? notebook : placeOf(described),
    parameters: changedValues(parameters, choice.texts),
    ...(backend && { backend }),
    ...(retries > 0 && { retry: { times: retries } }),
    ...(timeout && { timeout }),
    ...(choice.cache && { cache: true }),
    ...(output && { output })
  };
  const name = choice.name.trim() || stemOf(notebook);
  return { name, ...(home && { directory }), steps: [step] };
}

/** What of a choice in the Launch dialog's fields a step asks for. */
export function backendWish(catalogue: Catalogue, choice: Launch): BackendWish | null {
  const offer = offerOf(catalogue, choice);
  const { kind, profile } = choice;
  return offer && { kind, profile, options: optionsOf(offer, choice) };
}
