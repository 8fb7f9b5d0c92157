/** What is wrong with the values of inputs, as a sentence at each. */
import type { ErrorSchema } from '@rjsf/utils';

import type { Problem } from '../model';
import { parseMemory, type Trans } from '../words';
import { exactMemory, type Option, type Options, type Schema } from './schema';
import { type Fault, faults } from './validator';

/** Dotted path of an input to a sentence. */
export type Findings = Record<string, string>;

/** What the schema says to these values. */
export function findings(schema: Schema, values: Options, trans: Trans): Findings {
  const found: Findings = {};
  for (const error of faults(schema, values)) {
    const missing = error.params.missingProperty;
    const path = [...error.instancePath.split('/').slice(1), ...(missing ? [missing] : [])];
    found[path.join('.')] ??= sentence(error, optionAt(schema, path), trans);
  }
  for (const [name, option] of Object.entries(schema.properties ?? {})) {
    const outside = memoryOutside(option, values[name], trans);
    if (outside) {
      found[name] ??= outside;
    }
    const { minimum, maximum } = (values[name] ?? {}) as Record<string, unknown>;
    if (option.properties && Number(minimum) > Number(maximum)) {
      found[`${name}.minimum`] ??= trans.__('Choose at most %1.', `${maximum}`);
    }
  }
  return found;
}

/** What the service says of single inputs, and what of it has no input here. */
export function placed(
  problem: Problem | null,
  has: (path: string) => boolean,
  trans: Trans
): { at: Findings; rest: Problem | null } {
  const at: Findings = {};
  if (!problem) {
    return { at, rest: null };
  }
  const all = problem.errors?.length
    ? problem.errors
    : [{ field: problem.field ?? '', message: problem.detail, remedy: problem.remedy }];
  const homeless = all.filter(({ field, message, remedy }) => {
    const path = field.replace(/^(launch\.)?(options\.)?/, '');
    if (has(path)) {
      at[path] ??= remedy || message;
    }
    return !has(path);
  });
  if (problem.status !== 422) {
    return { at, rest: problem };
  }
  // the service names values as programs do: beside an input its remedy says it all
  const [first] = homeless;
  return {
    at,
    rest: first
      ? { ...problem, detail: first.message, remedy: first.remedy }
      : { ...problem, detail: unusable(all.length, trans), remedy: '' }
  };
}

/** How many values can't be used. */
export function unusable(count: number, trans: Trans): string {
  return trans._n('%1 value can’t be used.', '%1 values can’t be used.', count);
}

/** As the form component takes them. */
export function errorSchema(found: Findings): ErrorSchema {
  const root: Record<string, unknown> = {};
  for (const [path, text] of Object.entries(found)) {
    let place = root;
    for (const part of path.split('.').filter(Boolean)) {
      place[part] ??= {};
      place = place[part] as Record<string, unknown>;
    }
    place.__errors = [text];
  }
  return root as ErrorSchema;
}

function optionAt(schema: Schema, path: string[]): Option | undefined {
  return path.reduce<Option | undefined>((option, part) => option?.properties?.[part], schema);
}

function sentence({ keyword, params, message }: Fault, option: Option | undefined, trans: Trans) {
  if (option?.format === 'memory') {
    return trans.__('Write an amount with a unit, for example 4 GiB or 512 MiB.');
  }
  switch (keyword) {
    case 'minimum':
      return trans.__('Choose at least %1.', params.limit ?? 0);
    case 'maximum':
      return trans.__('Choose at most %1.', params.limit ?? 0);
    case 'required':
    case 'type':
      return option?.type === 'integer'
        ? trans.__('Write a whole number.')
        : trans.__('Write a value.');
    default:
      return trans.__('This value can not be used: %1.', message ?? keyword);
  }
}

function memoryOutside(option: Option, value: unknown, trans: Trans): string {
  const bytes = typeof value === 'string' ? parseMemory(value) : Number.NaN;
  const [low, high] = [option['x-minimum'], option['x-maximum']];
  if (low !== undefined && bytes < low) {
    return trans.__('Choose at least %1.', exactMemory(low));
  }
  return high !== undefined && bytes > high
    ? trans.__('Choose at most %1.', exactMemory(high))
    : '';
}
