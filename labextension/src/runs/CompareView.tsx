/** Two runs beside each other, whichever are chosen. */
import { useCallback, useId, useState } from 'react';

import { useStore } from '../components/signals';
import { Trouble } from '../components/Trouble';
import type { Store } from '../store';
import type { Trans } from '../words';
import { compare, type Group, partnerOf, type Row, type Side } from './comparison';
import { recorded } from './crate';
import { useFresh } from './fresh';
import { Hash } from './Hash';
import type { RunRequests } from './requests';
import { final, markOf, newestFirst, stateWord, whenText } from './state';
import type { Run } from './types';

/** As many runs can be chosen from. */
const MOST = 300;

export interface CompareViewProps {
  /** Ids; '' is for the newest that fits. */
  ids: readonly [string, string];
  store: Store;
  requests: Pick<RunRequests, 'get' | 'crate'>;
  trans: Trans;
  onChoose: (ids: [string, string]) => void;
}

export function CompareView(props: CompareViewProps) {
  const { ids, trans, onChoose } = props;
  const store = useStore(props.store);
  const all = store.runs ?? new Map<string, Run>();
  const own = newestFirst(all.values()).filter(({ owner }) => !store.user || owner === store.user);
  const one = all.get(ids[0]) ?? own[0];
  const other = all.get(ids[1]) ?? (one && partnerOf(one, own));
  if (!one || !other) {
    return (
      <p className="alongside-Hint" role="status">
        {store.loaded
          ? trans.__('There are no two runs yet that could be compared.')
          : trans.__('A moment …')}
      </p>
    );
  }
  const choices = own.slice(0, MOST);
  return (
    <Content
      {...props}
      one={one}
      other={other}
      choices={choices}
      onChoose={([a, b]) => onChoose([a || one.id, b || other.id])}
    />
  );
}

interface ContentProps extends CompareViewProps {
  one: Run;
  other: Run;
  choices: readonly Run[];
}

function Content({ one, other, choices, requests, trans, onChoose }: ContentProps) {
  const [only, setOnly] = useState(false);
  const first = useSide(one, requests, trans);
  const second = useSide(other, requests, trans);
  const problem = first.problem ?? second.problem;
  const groups = compare([first.side, second.side], Date.now(), trans)
    .map(group => ({ ...group, rows: group.rows.filter(({ different }) => different || !only) }))
    .filter(({ rows }) => rows.length > 0);
  const count = groups.flatMap(({ rows }) => rows).filter(({ different }) => different).length;
  return (
    <div className="alongside-Compare alongside-Panel">
      <div className="alongside-Compare-tools">
        <label>
          <input type="checkbox" checked={only} onChange={() => setOnly(!only)} />
          {trans.__('Only what differs')}
        </label>
        <span className="alongside-Card-note" role="status">
          {first.waiting || second.waiting
            ? trans.__('Reading their records …')
            : trans._n('%1 difference', '%1 differences', count)}
        </span>
      </div>
      {problem && <Trouble level="warning" detail={problem.detail} remedy={problem.remedy} />}
      <table className="alongside-Compare-table" aria-label={trans.__('Two runs compared')}>
        <thead>
          <tr>
            <td />
            <Choice
              label={trans.__('First run')}
              run={one}
              choices={choices}
              trans={trans}
              onChoose={id => onChoose([id, ''])}
            />
            <Choice
              label={trans.__('Second run')}
              run={other}
              choices={choices}
              trans={trans}
              onChoose={id => onChoose(['', id])}
            />
          </tr>
        </thead>
        {groups.map(group => (
          <Rows key={group.title} group={group} trans={trans} />
        ))}
      </table>
    </div>
  );
}

/** What is known of one of them, asked for again when its state is another one. */
function useSide(run: Run, requests: CompareViewProps['requests'], trans: Trans) {
  const { id } = run;
  const askRun = useCallback(() => requests.get(id), [requests, id]);
  const askRecord = useCallback(() => requests.crate(id), [requests, id]);
  const done = run.steps.filter(final).length;
  const whole = useFresh(askRun, '', false, trans);
  const record = useFresh(askRecord, `${run.state} ${done}`, false, trans);
  const side: Side = {
    run,
    workflow: whole.value?.workflow ?? null,
    recorded: recorded(record.value)
  };
  const problem = whole.problem ?? record.problem;
  return { side, problem, waiting: !problem && (!whole.value || !record.value) };
}

interface ChoiceProps {
  label: string;
  run: Run;
  choices: readonly Run[];
  trans: Trans;
  onChoose: (id: string) => void;
}

function Choice({ label, run, choices, trans, onChoose }: ChoiceProps) {
  const now = Date.now();
  const shown = choices.some(({ id }) => id === run.id) ? choices : [run, ...choices];
  return (
    <th scope="col">
      <select
        className="alongside-Select"
        aria-label={label}
        value={run.id}
        onChange={event => onChoose(event.target.value)}
      >
        {shown.map(({ id, name, state, started, created }) => (
          <option key={id} value={id}>
            {[
              name,
              stateWord(state, trans),
              whenText(started ?? created, now, trans),
              markOf({ id })
            ].join(' · ')}
          </option>
        ))}
      </select>
    </th>
  );
}

function Rows({ group: { title, rows }, trans }: { group: Group; trans: Trans }) {
  const id = useId();
  return (
    <tbody aria-labelledby={id}>
      <tr>
        <th id={id} scope="rowgroup" colSpan={3}>
          {title}
        </th>
      </tr>
      {rows.map(row => (
        <tr key={row.name} className={row.different ? 'alongside-mod-different' : undefined}>
          <th scope="row">
            {row.name}
            {row.different && (
              <>
                <span aria-hidden="true"> ≠</span>
                <span className="alongside-Unseen">{trans.__('differs')}</span>
              </>
            )}
          </th>
          {row.values.map((value, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: there are always two
            <Value key={place} row={row} value={value} />
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Value({ row, value }: { row: Row; value: string }) {
  const digest = row.digest && /^[0-9a-f]{64}$/.test(value);
  return digest ? (
    <td>
      <Hash sha256={value} />
    </td>
  ) : (
    <td>{value || '–'}</td>
  );
}
