import { currentOf, pagePath, pageTitle, safePage, stage } from '../src/plugins/pages';
import { ENGLISH } from '../src/words';
import { backend } from './plugins.stage';

test('where a page of a dashboard is', () => {
  expect(pagePath('etl-1', 'individual-task-stream')).toBe(
    'backends/etl-1/dashboard/individual-task-stream'
  );
  expect(pagePath('a/b', 'info/main/workers.html')).toBe(
    'backends/a%2Fb/dashboard/info/main/workers.html'
  );
  expect(pageTitle('individual-task-stream', ENGLISH)).toBe('Task stream');
  expect(pageTitle('individual-new', ENGLISH)).toBe('individual-new');
});

test.each([
  '../../api',
  '/etc',
  'https://x.org',
  'a//b',
  'a/../b',
  '',
  undefined,
  3,
  'javascript:x'
])('only a page can be one: %j', path => {
  expect(safePage(path)).toBe('status');
});

test('a tab stays with its backend, and goes to one that takes its name', () => {
  const remembered = { id: 'etl-1', name: 'etl', owner: 'ada' };
  const one = backend({ id: 'etl-1' });
  const ended = backend({ id: 'etl-1', phase: 'stopped' });
  const next = backend({ id: 'etl-2', phase: 'starting' });
  expect(currentOf(remembered, [next, one])).toBe(one);
  expect(currentOf(remembered, [next, ended])).toBe(next);
  expect(currentOf(remembered, [ended])).toBe(ended);
  expect(currentOf(remembered, [backend({ id: 'etl-2', owner: 'bob' })])).toBeNull();
});

test.each([
  ['pending', 'wait'],
  ['starting', 'wait'],
  ['running', 'page'],
  ['scaling', 'page'],
  ['stopping', 'stopping'],
  ['stopped', 'ended'],
  ['failed', 'ended']
] as const)('what a tab shows of one that is %s', (phase, shown) => {
  expect(stage(backend({ phase }))).toBe(shown);
  expect(stage(null)).toBe('ended');
});
