/** The user's own backends, and those that others share. */
import { useState } from 'react';

import { Button } from '../components/Button';
import type { Backend } from '../model';
import { BackendList, type Shown } from './BackendList';
import { type Sections, search } from './sections';

/** As many that have ended are shown until more are asked for. */
const FEW = 3;

interface BackendsProps {
  found: Sections;
  query: string;
  shown: Shown;
}

export function Backends({ found, query, shown }: BackendsProps) {
  const { trans, session, options } = shown;
  const [all, setAll] = useState(false);
  const filtered = (backends: Backend[]) => (query ? search(backends, query) : backends);
  const here = filtered(found.here);
  const elsewhere = filtered(found.elsewhere);
  const shared = filtered(found.shared);
  const ended = options.preferences?.current.showEnded === false ? [] : filtered(found.ended);
  const few = all || query ? ended : ended.slice(0, FEW);
  if (here.length + elsewhere.length + shared.length + ended.length === 0) {
    return query ? <NothingFound query={query} shown={shown} /> : <Empty shown={shown} />;
  }
  // a heading over the only group would say nothing
  const alone = elsewhere.length + shared.length + ended.length === 0;
  return (
    <>
      <Group title={alone ? '' : trans.__('This session')} backends={here} shown={shown} />
      <Group
        title={session === null ? trans.__('Yours') : trans.__('Other sessions and free-standing')}
        backends={elsewhere}
        shown={shown}
      />
      <Group title={trans.__('Shared with you')} backends={shared} shown={shown} />
      <Group title={trans.__('Ended')} backends={few} shown={shown}>
        {few.length < ended.length && (
          <Button variant="link" onPress={() => setAll(true)}>
            {trans.__('Show %1 more', ended.length - few.length)}
          </Button>
        )}
      </Group>
    </>
  );
}

interface GroupProps {
  title: string;
  backends: Backend[];
  shown: Shown;
  children?: React.ReactNode;
}

function Group({ title, backends, shown, children }: GroupProps) {
  if (backends.length === 0) {
    return null;
  }
  return (
    <section className="alongside-Group" aria-label={title || shown.trans.__('This session')}>
      {title && <h3>{title}</h3>}
      <BackendList backends={backends} shown={shown} />
      {children && <div className="alongside-Group-more">{children}</div>}
    </section>
  );
}

function NothingFound({ query, shown: { trans } }: { query: string; shown: Shown }) {
  return (
    <div className="alongside-Empty">
      <p>{trans.__('No backend fits “%1”.', query)}</p>
    </div>
  );
}

function Empty({ shown: { alongside, trans, options, blocked } }: { shown: Shown }) {
  const kinds = Object.values(alongside.store.kinds).map(({ title }) => title);
  const titles = kinds.length > 0 ? ` (${kinds.join(', ')})` : '';
  return (
    <div className="alongside-Empty">
      <p>
        <strong>{trans.__('Nothing runs alongside yet.')}</strong>
      </p>
      <p>
        {trans.__('A backend is a cluster that computes for your notebooks%1.', titles)}{' '}
        {trans.__('It starts in moments and ends by itself.')}
      </p>
      <Button onPress={options.launch} reason={blocked}>
        {trans.__('Launch a backend')}
      </Button>
    </div>
  );
}
