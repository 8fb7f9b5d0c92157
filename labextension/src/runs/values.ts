/** The values of a notebook's parameters, between what is written in a form and JSON. Pure. */
import { JSONExt, type JSONValue } from '@lumino/coreutils';

import type { Trans } from '../words';
import type { Parameter } from './types';

/** Written values by name; '' of one that the notebook computes leaves it so. */
export type Texts = { [name: string]: string };

/** What an input shows for a value; null is nothing. */
export function written({ type, choices }: Shape, value: unknown): string {
  if (value === undefined || value === null) {
    return '';
  }
  const bare = type === 'str' && choices.length === 0 && typeof value === 'string';
  return bare ? value : JSON.stringify(value);
}

type Shape = Pick<Parameter, 'type' | 'choices' | 'nullable'>;

/** What the inputs begin with: what is given, else what the notebook has. */
export function textsOf(parameters: readonly Parameter[], given: Record<string, unknown>): Texts {
  const pairs = parameters.map(one => {
    const own = one.literal ? one.default : undefined;
    return [one.name, written(one, one.name in given ? given[one.name] : own)];
  });
  return Object.fromEntries(pairs);
}

/** Whether more than one line is needed to write it. */
export function isLong({ type }: Pick<Parameter, 'type'>, text: string): boolean {
  return type === 'list' || type === 'dict' || text.includes('\n');
}

/** Whether it is left to the notebook. */
function untouched({ literal }: Pick<Parameter, 'literal'>, text: string): boolean {
  return !literal && text === '';
}

/** Why a text is no value for it; '' when it is one. */
export function whyWrong(parameter: Parameter, text: string, trans: Trans): string {
  if (untouched(parameter, text)) {
    return parameter.required ? trans.__('Write a value; the notebook has none.') : '';
  }
  if (read(parameter, text) !== undefined) {
    return '';
  }
  switch (parameter.type) {
    case 'int':
      return trans.__('Write a whole number.');
    case 'float':
      return trans.__('Write a number, for example 0.5 or 1e-3.');
    case 'bool':
      return trans.__('Write true or false.');
    case 'list':
      return trans.__('Write a list as JSON, for example [1, 2].');
    case 'dict':
      return trans.__('Write an object as JSON, for example {"a": 1}.');
    default:
      return trans.__('Write a value as JSON: text goes in quotes.');
  }
}

/** The values that differ from what the notebook has, for those whose texts are right. */
export function changedValues(parameters: readonly Parameter[], texts: Texts) {
  const values: { [name: string]: unknown } = {};
  for (const parameter of parameters) {
    const text = texts[parameter.name] ?? '';
    const value = untouched(parameter, text) ? undefined : read(parameter, text);
    if (value !== undefined && !(parameter.literal && equal(value, parameter.default))) {
      values[parameter.name] = value;
    }
  }
  return values;
}

/** Undefined for what is no value of its type. */
function read({ type, choices, nullable }: Shape, text: string): unknown {
  if (nullable && text === '') {
    return null;
  }
  if (type === 'str' && choices.length === 0) {
    return text;
  }
  const value = parsed(text.trim());
  if (choices.length > 0) {
    return choices.find(one => equal(one, value));
  }
  switch (type) {
    case 'int':
      return /^[+-]?\d+$/.test(text.trim()) ? safe(Number(text)) : undefined;
    case 'float':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'list':
      return Array.isArray(value) ? value : undefined;
    case 'dict':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? value
        : undefined;
    default:
      return value;
  }
}

/** A number that a browser would change is none. */
function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function equal(one: unknown, other: unknown): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    JSONExt.deepEqual(one as JSONValue, other as JSONValue)
  );
}
