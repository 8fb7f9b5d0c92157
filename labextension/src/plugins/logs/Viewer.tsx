/** The log of one role at a time: followed, searched, saved. */
import { useEffect, useRef, useState } from 'react';

import { type Backend, ended } from '../../model';
import type { IAlongside } from '../../tokens';
import type { Trans } from '../../words';
import { download } from '../download';
import { LineList } from './LineList';
import { Lines } from './lines';
import { follow, type Status } from './stream';

export interface ViewerProps {
  alongside: IAlongside;
  trans: Trans;
  /** Undefined when it is no longer there. */
  backend: Backend | undefined;
  id: string;
  name: string;
  /** The role that is shown; '' is the first. */
  role: string;
  choose(role: string): void;
}

export function Viewer({ alongside, trans, backend, id, name, role, choose }: ViewerProps) {
  const [query, setQuery] = useState('');
  const [only, setOnly] = useState(false);
  const [following, setFollowing] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [status, setStatus] = useState<Status>({ state: 'connecting' });
  const [count, setCount] = useState(0);
  const [hits, setHits] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useRef(new Lines());
  const list = useRef<LineList | null>(null);
  const wanted = useRef(following);
  wanted.current = following;

  const roles = backend?.roles ?? [];
  const shown = roles.includes(role) || roles.length === 0 ? role : (roles[0] ?? '');
  const known = backend !== undefined;

  useEffect(() => {
    if (!scroller.current || !shown || !known) {
      return undefined;
    }
    list.current = new LineList(scroller.current);
    lines.current.clear();
    list.current.show([], '', false);
    const abort = new AbortController();
    const goesOn = () => {
      const now = alongside.store.backends.get(id);
      return !!now && !ended(now);
    };
    const listener = {
      added: (added: readonly string[], gone: number) => {
        list.current?.add(added, gone, lines.current.all, wanted.current);
        setCount(lines.current.all.length);
        setHits(list.current?.hits ?? 0);
      },
      status: setStatus
    };
    void follow(alongside.service, id, shown, lines.current, goesOn, listener, abort.signal);
    return () => abort.abort();
  }, [alongside, id, shown, known]);

  useEffect(() => {
    list.current?.show(lines.current.all, query, only);
    setHits(list.current?.hits ?? 0);
    if (query) {
      scroller.current?.querySelector('mark')?.scrollIntoView({ block: 'nearest' });
    } else if (wanted.current) {
      list.current?.toBottom();
    }
  }, [query, only]);

  const setFollow = (on: boolean) => {
    setFollowing(on);
    if (on) {
      list.current?.toBottom();
    }
  };

  return (
    <div className="alongside-Logs">
      <div
        className="alongside-Logs-tools"
        role="toolbar"
        aria-label={trans.__('Logs of %1', name)}
      >
        <label>
          {trans.__('Process')}
          <select
            value={shown}
            disabled={roles.length === 0}
            onChange={event => choose(event.target.value)}
          >
            {roles.map(one => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label className="alongside-Logs-search">
          {trans.__('Find')}
          <input type="search" value={query} onChange={event => setQuery(event.target.value)} />
        </label>
        <output className="alongside-Logs-count">
          {query
            ? trans._n('%1 line', '%1 lines', hits)
            : trans._n('%1 line in all', '%1 lines in all', count)}
        </output>
        <Toggle label={trans.__('Only these')} on={only} set={setOnly} disabled={!query} />
        <Toggle label={trans.__('Follow')} on={following} set={setFollow} />
        <Toggle label={trans.__('Wrap')} on={wrap} set={setWrap} />
        <button
          type="button"
          className="jp-mod-styled"
          disabled={count === 0}
          onClick={() => download(`${name}-${shown}.log`, fileOf(lines.current.all))}
        >
          {trans.__('Download')}
        </button>
      </div>
      <p className="alongside-Logs-status" role="status">
        {sentence(status, backend, roles.length, count, name, trans)}
      </p>
      <div
        ref={scroller}
        className={`alongside-Logs-lines${wrap ? ' alongside-mod-wrap' : ''}`}
        role="log"
        aria-live="off"
        aria-label={trans.__('Log of %1, %2', name, shown)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
      />
    </div>
  );
}

function Toggle(props: { label: string; on: boolean; set(on: boolean): void; disabled?: boolean }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={props.on}
        disabled={props.disabled}
        onChange={event => props.set(event.target.checked)}
      />
      {props.label}
    </label>
  );
}

/** What to say about the lines; '' when they speak for themselves. */
function sentence(
  status: Status,
  backend: Backend | undefined,
  roles: number,
  count: number,
  name: string,
  trans: Trans
): string {
  if (!backend) {
    return trans.__('“%1” is no longer there, nor are its logs.', name);
  }
  if (roles === 0) {
    return trans.__('No process of “%1” has been started yet.', name);
  }
  if (status.state === 'broken') {
    return `${trans.__('The log is not followed at the moment.')} ${status.problem}`;
  }
  if (ended(backend)) {
    return trans.__('“%1” has ended. These are its last lines.', name);
  }
  return count === 0 ? trans.__('Nothing has been written yet.') : '';
}

function fileOf(lines: readonly string[]): Blob {
  return new Blob([`${lines.join('\n')}\n`], { type: 'text/plain' });
}
