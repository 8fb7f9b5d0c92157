/** What made a file, or what was made of it: the steps of all runs, one below the other. */
import { useCallback, useState } from 'react';

import { Button } from '../components/Button';
import { Sections } from '../components/Sections';
import { useStore } from '../components/signals';
import { Trouble } from '../components/Trouble';
import { Find } from '../panel/Find';
import type { Store } from '../store';
import type { Trans } from '../words';
import { useFresh } from './fresh';
import { Hash } from './Hash';
import type { RunRequests } from './requests';
import { type TraceActions, TraceStep } from './TraceStep';
import { baseOf, keyOf, SPANS, select, type Trace, type Wanted, whereOf } from './tracing';

/** As many runs are looked at first, and at most. */
const FIRST = 100;
const MOST = 1000;

export interface TraceViewProps {
  wanted: Wanted;
  /** Whether it is shown what was made of the file. */
  derived: boolean;
  store: Store;
  requests: Pick<RunRequests, 'trace'>;
  actions: TraceActions;
  trans: Trans;
  onDerived: (derived: boolean) => void;
}

export function TraceView(props: TraceViewProps) {
  const { wanted, derived, requests, actions, trans, onDerived } = props;
  const [limit, setLimit] = useState(FIRST);
  const [turn, setTurn] = useState(0);
  const ask = useCallback(
    () => requests.trace(wanted, derived, limit),
    [requests, wanted, derived, limit]
  );
  const { value: trace, problem } = useFresh(ask, `${turn}`, false, trans);
  const name = 'path' in wanted ? baseOf(wanted.path) : wanted.name;
  const path = trace?.paths[trace.file.place];
  return (
    <div className="alongside-Trace alongside-Panel">
      <div className="alongside-RunView-header">
        <div>
          <strong>{trace?.acts.length ? baseOf(trace.file.place) : name}</strong>{' '}
          {trace && <Hash sha256={trace.file.sha256} />}
        </div>
        <div className="alongside-Card-buttons">
          {path !== undefined && (
            <Button variant="link" onPress={() => actions.file(path)}>
              {trans.__('Open')}
            </Button>
          )}
          {trace && (
            <Button variant="link" onPress={() => actions.copy(trace.file.sha256, derived)}>
              {trans.__('Copy command')}
            </Button>
          )}
          <Button variant="link" onPress={() => setTurn(turn + 1)}>
            {trans.__('Look again')}
          </Button>
        </div>
      </div>
      <Sections
        label={trans.__('What is told of %1', name)}
        titles={[
          ['back', trans.__('What made it')],
          ['onward', trans.__('What was made of it')]
        ]}
        chosen={derived ? 'onward' : 'back'}
        onChoose={section => onDerived(section === 'onward')}
      >
        {problem && <Trouble level="warning" detail={problem.detail} remedy={problem.remedy} />}
        {!trace && !problem && (
          <p className="alongside-Hint" role="status">
            {trans.__('Reading the records of runs …')}
          </p>
        )}
        {trace && <Told {...props} trace={trace} onMore={() => setLimit(MOST)} />}
      </Sections>
    </div>
  );
}

function Told(props: TraceViewProps & { trace: Trace; onMore: () => void }) {
  const { trace, derived, actions, trans, onMore } = props;
  const { kinds } = useStore(props.store);
  const [query, setQuery] = useState('');
  const [days, setDays] = useState(0);
  const { acts, file, paths, runs, more } = trace;
  const shown = select(acts, query, days, Date.now());
  return (
    <>
      <Standing trace={trace} trans={trans} />
      {acts.length > 2 && (
        <div className="alongside-Runs-find">
          <Find label={trans.__('Find steps')} hint={trans.__('Find …')} onChange={setQuery} />
          <select
            className="alongside-Select"
            aria-label={trans.__('When')}
            value={days}
            onChange={event => setDays(Number(event.target.value))}
          >
            {SPANS.map(one => (
              <option key={one} value={one}>
                {one > 0 ? trans._n('last day', 'last %1 days', one) : trans.__('at any time')}
              </option>
            ))}
          </select>
        </div>
      )}
      <p className="alongside-Hint" role="status">
        {acts.length === 0
          ? nothingText(derived, runs, trans)
          : shown.length < acts.length
            ? trans.__('%1 of %2 steps', shown.length, acts.length)
            : derived
              ? trans._n('%1 step has used it.', '%1 steps go back to it.', acts.length)
              : trans._n('It goes back to %1 step.', 'It goes back to %1 steps.', acts.length)}{' '}
        {more > 0 &&
          trans._n(
            '%1 earlier run was not looked at.',
            '%1 earlier runs were not looked at.',
            more
          )}{' '}
        {more > 0 && runs < MOST && (
          <Button variant="link" onPress={onMore}>
            {trans.__('Look at earlier ones, too')}
          </Button>
        )}
      </p>
      <ol className="alongside-Trace-steps" aria-label={whereOf(file.place)}>
        {shown.map(act => (
          <li key={keyOf(act)}>
            <TraceStep
              {...{ act, paths, actions, kinds, trans }}
              acts={shown}
              traced={file.sha256}
            />
          </li>
        ))}
      </ol>
    </>
  );
}

function nothingText(derived: boolean, runs: number, trans: Trans): string {
  const looked = derived
    ? trans._n(
        'Nothing in %1 run is known that has used it.',
        'Nothing in %1 runs is known that has used it.',
        runs
      )
    : trans._n(
        'Nothing in %1 run is known that made it.',
        'Nothing in %1 runs is known that made it.',
        runs
      );
  const why = derived
    ? trans.__('Files that steps name as inputs are known, and their notebooks.')
    : trans.__('It was put there in another way, or its run was deleted.');
  return `${looked} ${why}`;
}

/** What is to be said of the file itself, as it lies there now. */
function Standing({ trace, trans }: { trace: Trace; trans: Trans }) {
  const { file } = trace;
  if (trace.acts.length === 0) {
    return null;
  }
  const detail =
    file.now === 'changed'
      ? trans.__('%1 is another one now. This is told of what it was.', baseOf(file.place))
      : file.now === 'missing'
        ? trans.__('%1 is no longer there. This is told of what it was.', baseOf(file.place))
        : '';
  return detail ? <Trouble level="warning" detail={detail} /> : null;
}
