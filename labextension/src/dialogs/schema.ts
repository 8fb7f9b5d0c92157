/** The inputs of a kind's options, made of the JSON schema that the catalogue gives. Pure.
 *
 * The hub's form is made of the same schema by the same rules. */
import type { Me, OfferedKind } from '../model';
import { formatMemory, parseMemory, type Trans } from '../words';

/** One option, as its schema describes it. */
export interface Option {
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  /** Bounds of an amount of memory, in bytes. */
  'x-minimum'?: number;
  'x-maximum'?: number;
  enum?: unknown[];
  properties?: Record<string, Option>;
  anyOf?: (Option & { $ref?: string })[];
  required?: string[];
}

export interface Schema extends Option {
  $defs?: Record<string, Option>;
}

export type Options = Record<string, unknown>;

/** The bounds between which the number of members follows the work, where a kind offers that. */
export interface Growth {
  /** Name of the option. */
  name: string;
  title: string;
  hint: string;
  fields: Option;
}

/** A kind's own bound of GPUs: with it, the profile does not speak of them. */
const ANY_GPUS = 64;

/** A bound that keeps nonsense out, and that nobody needs to be told. */
const ENDLESS = 10 ** 9;

const SIZES: [bytes: number, unit: string][] = [
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB']
];

export function schemaOf(kind: OfferedKind): Schema {
  return kind.schema as Schema;
}

/** The option that says how many members there are: `workers`, `locales`. */
export function countName(kind: OfferedKind): string {
  return `${kind.member}s`;
}

/** The option that says between which bounds the number of members follows the work. */
export function growthOf(kind: OfferedKind): Growth | null {
  const schema = schemaOf(kind);
  for (const [name, option] of Object.entries(schema.properties ?? {})) {
    const fields = option.anyOf
      ?.map(one => schema.$defs?.[one.$ref?.split('/').pop() ?? ''] ?? one)
      .find(one => one.type === 'object');
    if (fields) {
      return { name, title: option.title ?? name, hint: option.description ?? '', fields };
    }
  }
  return null;
}

/** Whether an option has an input: not what a form can't ask, nor what can't be had. */
export function shows(name: string, option: Option, me: Me | null): boolean {
  if (option.format === 'hidden' || option.type === 'array') {
    return false;
  }
  if (name !== 'gpus' || option.minimum || option.default) {
    return true;
  }
  const bound = option.maximum ?? ANY_GPUS;
  const there = Object.values(me?.capacity ?? {}).some(({ total }) => total.gpus > 0);
  return (there || bound < ANY_GPUS) && bound !== 0 && me?.limits.gpus !== 0;
}

/** What the inputs begin with. */
export function beginning(kind: OfferedKind): Options {
  const growth = growthOf(kind);
  const values: Options = {};
  for (const [name, option] of Object.entries(schemaOf(kind).properties ?? {})) {
    if (name === growth?.name) {
      const bounds = Object.entries(growth.fields.properties ?? {});
      const given = (option.default ?? {}) as Options;
      values[name] = Object.fromEntries(
        bounds.map(([bound, one]) => [bound, given[bound] ?? one.default])
      );
    } else if (option.format !== 'hidden' && option.default !== undefined) {
      values[name] = written(option, option.default);
    }
  }
  return values;
}

/** Whether the number of members follows the work when nobody chooses. */
export function growsByDefault(kind: OfferedKind): boolean {
  const growth = growthOf(kind);
  return Boolean(growth && schemaOf(kind).properties?.[growth.name]?.default);
}

/** The schema of what is asked now: a number of members, or bounds of it, but not both. */
export function asked(kind: OfferedKind, grows: boolean, me: Me | null): Schema {
  const { properties = {}, $defs = {} } = schemaOf(kind);
  const growth = growthOf(kind);
  const count = countName(kind);
  const kept: [string, Option][] = [];
  for (const [name, option] of Object.entries(properties)) {
    if (name === growth?.name) {
      if (grows) {
        kept.unshift([name, withMost(growth, properties[count]?.maximum)]);
      }
    } else if (!(grows && name === count) && shows(name, option, me)) {
      kept.push([name, bare(option)]);
    }
  }
  return { type: 'object', $defs, ...required(Object.fromEntries(kept)) };
}

/** "From 1 to 8.", "At most 4 GiB.", or nothing. */
export function boundsText(option: Option, trans: Trans): string {
  const memory = option.format === 'memory';
  const low = memory ? option['x-minimum'] : option.minimum;
  const high = memory ? option['x-maximum'] : option.maximum;
  if (!memory && low === 0 && high !== undefined && high >= ENDLESS) {
    return ''; // that it is a number says enough
  }
  const show = (value: number) => (memory ? exactMemory(value) : `${value}`);
  if (low !== undefined && low === high) {
    return trans.__('Set by the profile.');
  }
  if (low !== undefined && high !== undefined) {
    return trans.__('From %1 to %2.', show(low), show(high));
  }
  if (high !== undefined) {
    return trans.__('At most %1.', show(high));
  }
  return low === undefined ? '' : trans.__('At least %1.', show(low));
}

/** Whether the profile leaves no choice. */
export function fixed(option: Option): boolean {
  const [low, high] =
    option.format === 'memory'
      ? [option['x-minimum'], option['x-maximum']]
      : [option.minimum, option.maximum];
  return low !== undefined && low === high;
}

/** An amount of memory so that reading it gives the same number of bytes again. */
export function exactMemory(bytes: number): string {
  const short = formatMemory(bytes);
  const longer = SIZES.map(([size, unit]) => `${Number((bytes / size).toFixed(2))} ${unit}`);
  return [short, ...longer].find(text => parseMemory(text) === bytes) ?? `${bytes} B`;
}

function written(option: Option, value: unknown): unknown {
  return option.format === 'memory' && typeof value === 'number' ? exactMemory(value) : value;
}

/** Without its default: an input that was emptied must stay empty. */
function bare(option: Option): Option {
  const { default: _, ...rest } = option;
  return rest;
}

function withMost({ fields, title }: Growth, most: number | undefined): Option {
  const bounded = Object.entries(fields.properties ?? {}).map(
    ([name, option]): [string, Option] => [
      name,
      most === undefined || (option.maximum ?? most) < most
        ? bare(option)
        : { ...bare(option), maximum: most }
    ]
  );
  return { type: 'object', title, ...required(Object.fromEntries(bounded)) };
}

/** All inputs have to be filled in, but for text. */
function required(properties: Record<string, Option>): Option {
  const needed = Object.entries(properties)
    .filter(
      ([, { type, format }]) => type === 'integer' || type === 'number' || format === 'memory'
    )
    .map(([name]) => name);
  return { properties, required: needed };
}
