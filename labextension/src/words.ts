/** Amounts, times and states as people read them. Pure: panel and widget say the same. */
import { type Kind, plural } from './kinds';
import type { Backend } from './model';

/** The part of JupyterLab's `TranslationBundle` that is used here. */
export interface Trans {
  __(text: string, ...values: (string | number)[]): string;
  _n(one: string, many: string, n: number, ...values: (string | number)[]): string;
}

/** For where there is no translator: English, with `%1`, `%2` filled in. */
export const ENGLISH: Trans = {
  __: (text, ...values) => fill(text, values),
  _n: (one, many, n, ...values) => fill(n === 1 ? one : many, [n, ...values])
};

function fill(text: string, values: (string | number)[]): string {
  return text.replace(/%(\d)/g, (whole, place) => `${values[Number(place) - 1] ?? whole}`);
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1610612736` is "1.5 GiB". */
export function formatMemory(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BINARY.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${Number(value.toFixed(digits))} ${BINARY[unit]}`;
}

/** Bytes, from "1.5 GiB", "512 MB" or "4 G" (GiB), as the service reads them too; NaN for what is
 * no amount of memory. */
export function parseMemory(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgtp]?)(i?)b|([kmgtp])i?)\s*$/i.exec(text);
  if (!match) {
    return Number.NaN;
  }
  const [, count, decimal, binary, bare] = match;
  const power = ' kmgtp'.indexOf((bare || decimal || ' ').toLowerCase());
  return Math.round(Number(count) * (binary || bare ? 1024 : 1000) ** power);
}

const UNITS: [seconds: number, name: string][] = [
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's']
];

/** Seconds as "2 h", "1 h 30 min", "45 s": two units at most, the second only if it matters. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const index = UNITS.findIndex(([size]) => whole >= size);
  const [size, name] = UNITS[index] ?? [1, 's'];
  const count = Math.floor(whole / size);
  const next = UNITS[index + 1];
  const rest = next && count < 10 ? Math.floor((whole - count * size) / next[0]) : 0;
  // seconds beside minutes only make numbers flicker
  return next && rest && next[1] !== 's'
    ? `${count} ${name} ${rest} ${next[1]}`
    : `${count} ${name}`;
}

/** Seconds, from what the service writes ("1 h 30 min"); NaN for what is no duration. */
export function parseDuration(text: string): number {
  const sizes: Record<string, number> = { d: 86400, h: 3600, min: 60, m: 60, s: 1, w: 604800 };
  const parts = [...text.matchAll(/([\d.]+)\s*([a-z]+)/gi)];
  const total = parts.reduce(
    (sum, [, n, unit]) => sum + Number(n) * (sizes[unit ?? ''] ?? Number.NaN),
    0
  );
  return parts.length > 0 ? total : Number.NaN;
}

/** How many CPU cores and how much memory: "8 cores · 16 GiB". */
export function formatSize(backend: Backend, trans: Trans): string {
  const { cores, memory, gpus } = backend.resources;
  const parts = [trans._n('%1 core', '%1 cores', cores), formatMemory(memory)];
  if (gpus) {
    parts.push(trans._n('%1 GPU', '%1 GPUs', gpus));
  }
  return parts.join(' · ');
}

/** Members there are and members wanted: "3 of 4 workers". */
export function formatMembers(
  { ready, wanted }: Pick<Backend, 'ready' | 'wanted'>,
  { member }: Kind,
  trans: Trans
): string {
  return member
    ? trans.__('%1 of %2 %3', ready, wanted, plural(member, wanted))
    : trans.__('%1 of %2', ready, wanted);
}
