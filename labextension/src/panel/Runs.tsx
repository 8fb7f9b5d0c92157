/** The user's runs, the newest first: a few of them until more are asked for, or looked for. */
import { useState } from 'react';

import { Button } from '../components/Button';
import { usable } from '../model';
import { RunCard } from '../runs/RunCard';
import { search, WHICH, type Which, whichText } from '../runs/search';
import { backendText, final, markOf, newestFirst } from '../runs/state';
import type { Run } from '../runs/types';
import type { Shown } from './BackendList';
import { Boundary } from './Boundary';
import { Find } from './Find';

/** As many that have ended are shown until more are asked for. */
const FEW = 8;
/** As many more at a time; and as many that have not ended, in any case. */
const MORE = 40;

/** Those of who looks at them. */
export function ownRuns({ alongside: { store }, user }: Shown): Run[] {
  const all = [...(store.runs?.values() ?? [])];
  return newestFirst(all.filter(({ owner }) => !user || owner === user));
}

export function Runs({ shown }: { shown: Shown }) {
  const { trans } = shown;
  const [most, setMost] = useState(FEW);
  const [query, setQuery] = useState('');
  const [which, setWhich] = useState<Which>('all');
  const runs = ownRuns(shown);
  if (runs.length === 0) {
    return <Empty shown={shown} />;
  }
  const many = runs.length > FEW;
  const found = many ? search(runs, query, which, trans) : runs;
  const ended = found.filter(final);
  const live = found.filter(run => !final(run));
  const names = runs.map(({ name }) => name);
  const twin = ({ name }: Run) => names.indexOf(name) !== names.lastIndexOf(name);
  const folded = new Set([...live.slice(Math.max(most, MORE)), ...ended.slice(most)]);
  return (
    <>
      {many && (
        <div className="alongside-Runs-find">
          <Find label={trans.__('Find runs')} hint={trans.__('Find …')} onChange={setQuery} />
          <select
            className="alongside-Select"
            aria-label={trans.__('Which runs')}
            value={which}
            onChange={event => setWhich(event.target.value as Which)}
          >
            {WHICH.map(one => (
              <option key={one} value={one}>
                {whichText(one, trans)}
              </option>
            ))}
          </select>
        </div>
      )}
      {found.length === 0 && (
        <div className="alongside-Empty" role="status">
          <p>{trans.__('No run fits.')}</p>
        </div>
      )}
      <section className="alongside-Group" aria-label={trans.__('Runs')}>
        <ul className="alongside-List">
          {found
            .filter(run => !folded.has(run))
            .map(run => (
              <li key={run.id} className="alongside-List-item">
                <Boundary
                  of={run}
                  trans={trans}
                  detail={trans.__('The run %1 cannot be shown.', String(run.name))}
                >
                  <Item run={run} mark={twin(run) ? markOf(run) : ''} shown={shown} />
                </Boundary>
              </li>
            ))}
        </ul>
        {folded.size > 0 && (
          <div className="alongside-Group-more">
            <Button variant="link" onPress={() => setMost(most + MORE)}>
              {folded.size > MORE
                ? trans.__('Show %1 of %2 more', MORE, folded.size)
                : trans.__('Show %1 more', folded.size)}
            </Button>
          </div>
        )}
      </section>
    </>
  );
}

function Item({ run, mark, shown }: { run: Run; mark: string; shown: Shown }) {
  const { alongside, trans, blocked, options } = shown;
  const { backends, kinds } = alongside.store;
  const computing = run.steps
    .filter(step => step.backend && !final(step))
    .map(step => [step.name, backendText(step, backends, kinds)]);
  const kept = run.steps.some(({ state, backend }) => {
    const found = state === 'failed' ? backends.get(backend) : undefined;
    return found !== undefined && usable(found);
  });
  return options.runs ? (
    <RunCard
      run={run}
      mark={mark}
      computing={Object.fromEntries(computing)}
      kept={kept}
      actions={options.runs}
      trans={trans}
      blocked={blocked}
    />
  ) : null;
}

function Empty({ shown: { trans, options, blocked } }: { shown: Shown }) {
  return (
    <div className="alongside-Empty">
      <p>
        <strong>{trans.__('Nothing has been run yet.')}</strong>
      </p>
      <p>
        {trans.__('A run executes a notebook with the values that you give it.')}{' '}
        {trans.__('It goes on when you close the browser, and keeps the executed notebook.')}
      </p>
      {options.run && (
        <Button onPress={options.run} reason={blocked}>
          {trans.__('Run a notebook')}
        </Button>
      )}
    </div>
  );
}
