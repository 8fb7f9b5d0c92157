/** Amounts and times as people read them. */

import { ending, endingText, orTieText, tieText } from '../src/components/lifetime';
import { present, reasonText, stateText } from '../src/components/state';
import { kindOf } from '../src/kinds';
import {
  ENGLISH,
  formatDuration,
  formatMembers,
  formatMemory,
  formatSize,
  parseDuration,
  parseMemory
} from '../src/words';
import { ARKOUDA, backendOf, DASK, minutes, NOW } from './card.stage';

test.each([
  [0, '0 B'],
  [512, '512 B'],
  [1024, '1 KiB'],
  [1.5 * 2 ** 30, '1.5 GiB'],
  [16 * 2 ** 30, '16 GiB'],
  [150.4 * 2 ** 30, '150 GiB'],
  [3 * 2 ** 50, '3 PiB']
])('%d bytes are "%s"', (bytes, text) => {
  expect(formatMemory(bytes)).toBe(text);
});

test.each(['0 B', '512 B', '1 KiB', '1.5 GiB', '16 GiB', '3 PiB'])('"%s" comes back', text => {
  expect(formatMemory(parseMemory(text))).toBe(text);
});

test('memory as the service reads it too, and nothing else', () => {
  expect(parseMemory('2 GB')).toBe(2e9);
  expect(parseMemory('4 G')).toBe(4 * 2 ** 30);
  for (const text of ['', 'much', '1 GiB or so', '1.2.3 GiB', '-1 GiB']) {
    expect(parseMemory(text)).toBeNaN();
  }
});

test.each([
  [0, '0 s'],
  [45, '45 s'],
  [60, '1 min'],
  [119, '1 min'],
  [3600, '1 h'],
  [5400, '1 h 30 min'],
  [11 * 3600 + 1800, '11 h'],
  [90000, '1 d 1 h'],
  [-5, '0 s']
])('%d seconds are "%s"', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each(['45 s', '1 min', '1 h 30 min', '8 h', '1 d 1 h'])('"%s" comes back', text => {
  expect(formatDuration(parseDuration(text))).toBe(text);
});

test('no duration', () => {
  expect(parseDuration('')).toBeNaN();
  expect(parseDuration('soon')).toBeNaN();
  expect(parseDuration('3 fortnights')).toBeNaN();
});

test('members and size, of one and of several', () => {
  const one = backendOf({ ready: 1, wanted: 1 });
  expect(formatMembers(one, DASK, ENGLISH)).toBe('1 of 1 worker');
  expect(formatMembers(backendOf({ ready: 3 }), DASK, ENGLISH)).toBe('3 of 4 workers');
  const two = backendOf({ kind: 'arkouda', wanted: 2, ready: 0 });
  expect(formatMembers(two, ARKOUDA, ENGLISH)).toBe('0 of 2 locales');
  expect(formatMembers(two, kindOf({}, 'arkouda'), ENGLISH)).toBe('0 of 2');
  const resources = { backends: 1, workers: 1, cores: 1, memory: 2 ** 30, gpus: 2 };
  expect(formatSize(backendOf({ resources }), ENGLISH)).toBe('1 core · 1 GiB · 2 GPUs');
});

test('one that scales by itself has as much as its members have', () => {
  expect(present(backendOf({ wanted: 1 }))).toEqual({ cores: 2, memory: 4 * 2 ** 30 });
  expect(present(backendOf()).cores).toBe(8);
});

test('what it does', () => {
  const state = (over: Parameters<typeof backendOf>[0], attached = false) =>
    stateText(backendOf(over), attached, NOW, ENGLISH);
  expect(state({ phase: 'pending' })).toBe('waiting');
  expect(state({})).toBe('working');
  expect(state({ idle_since: minutes(0) })).toBe('idle');
  expect(state({ idle_since: minutes(-22) })).toBe('idle 22 min');
  expect(state({ idle_since: minutes(-22) }, true)).toBe('attached ✓');
  expect(state({ phase: 'scaling', ready: 2, wanted: 6 })).toBe('scaling 2 → 6');
});

test.each([
  ['ImageNotFound', 'Image not found'],
  ['OOMKilled', 'OOM killed'],
  ['Exit137', 'Exit 137'],
  ['', '']
])('the reason %s is "%s"', (reason, text) => {
  expect(reasonText(reason)).toBe(text);
});

test('when it ends and what with', () => {
  const idle = ending(backendOf({ idle_since: minutes(-22), expires: minutes(8) }));
  expect(idle).toEqual({ at: NOW + 8 * 60_000, idle: true, warning: 10 * 60_000 });
  expect(idle && endingText(idle, NOW, ENGLISH)).toBe('Ends in 8 min without work');
  expect(idle && endingText(idle, NOW + 9 * 60_000, ENGLISH)).toBe('Ends any moment');
  expect(ending(backendOf())?.idle).toBe(false);
  // who says that it is still needed starts its idleness anew
  const needed = { idle_since: minutes(-22), needed: minutes(-2), expires: minutes(28) };
  expect(ending(backendOf(needed))?.idle).toBe(true);
  // one that is too short for ten minutes' notice gives a third of its life
  const short = backendOf({ created: minutes(0), expires: minutes(3), lifetime: {} });
  expect(ending(short)?.warning).toBe(60_000);
  expect(ending(backendOf({ expires: null }))).toBeNull();
  const here = { user: 'ann', session: '' };
  expect(tieText(backendOf({ session: null }), here, ENGLISH)).toBe('Stays until it is stopped');
  expect(tieText(backendOf({ keep: true }), here, ENGLISH)).toBe('Stays when its session ends');
  expect(tieText(backendOf({ session: 'gpu' }), here, ENGLISH)).toBe('Ends with session gpu');
  expect(orTieText(backendOf(), here, ENGLISH)).toBe(', or with this session');
  // another user's default session is not this one
  expect(orTieText(backendOf({ owner: 'bob' }), here, ENGLISH)).toBe(', or with a session of bob');
});
