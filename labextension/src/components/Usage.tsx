/** CPU and memory of a backend: the figure now, and how it went. */
import { memo, useMemo } from 'react';

import type { Backend, Sample } from '../model';
import { formatMemory, type Trans } from '../words';
import { Sparkline } from './Sparkline';
import { present } from './state';

interface UsageProps {
  backend: Backend;
  history: readonly Sample[];
  trans: Trans;
}

export const Usage = memo(function Usage({ backend, history, trans }: UsageProps) {
  const { cores, memory } = present(backend);
  const latest = history.at(-1);
  const cpu = latest?.[1] ?? backend.usage.cpu;
  const bytes = latest?.[2] ?? backend.usage.memory;
  const cpus = useMemo(() => history.map(([time, amount]) => [time, amount] as const), [history]);
  const memories = useMemo(
    () => history.map(([time, , amount]) => [time, amount] as const),
    [history]
  );
  const percent = cores > 0 ? Math.round((cpu / cores) * 100) : 0;
  const most = Math.max(cpu, ...cpus.map(([, amount]) => amount));
  const mostBytes = Math.max(bytes, ...memories.map(([, amount]) => amount));
  return (
    <div className="alongside-Usage">
      <figure>
        <figcaption>{trans.__('CPU %1 %', percent)}</figcaption>
        <Sparkline
          points={cpus}
          whole={cores}
          label={trans.__(
            'CPU: %1 of %2 cores now, %3 at most',
            round(cpu),
            round(cores),
            round(most)
          )}
        />
      </figure>
      <figure>
        <figcaption>{trans.__('Memory %1', amountOf(bytes, memory, trans))}</figcaption>
        <Sparkline
          points={memories}
          whole={memory}
          label={trans.__(
            'Memory: %1 now, %2 at most',
            amountOf(bytes, memory, trans),
            formatMemory(mostBytes)
          )}
        />
      </figure>
    </div>
  );
});

function round(cores: number): number {
  return Math.round(cores * 10) / 10;
}

/** "6.2 of 16 GiB": the unit once where both have the same. */
function amountOf(part: number, whole: number, trans: Trans): string {
  const [some, unit] = formatMemory(part).split(' ');
  const all = formatMemory(whole);
  return trans.__('%1 of %2', unit === all.split(' ')[1] ? `${some}` : `${some} ${unit}`, all);
}
