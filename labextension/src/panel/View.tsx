/** The panel: what there is of it, and in which state. */
import {
  Button as LabButton,
  Tab,
  TabPanel,
  Tabs,
  type TabsElement
} from '@jupyter/react-components';
import { memo, useEffect, useMemo, useState } from 'react';

import { Meter } from '../components/Meter';
import { Trouble } from '../components/Trouble';
import type { Catalogue, Me, Problem } from '../model';
import type { Trans } from '../words';
import { Announcer } from './announcer';
import type { Shown } from './BackendList';
import { Backends } from './Backends';
import { Boundary } from './Boundary';
import type { PanelContext } from './context';
import { bars } from './quotas';
import { type Sections, sections } from './sections';
import { Team } from './Team';
import { kindTitles, useCatalogue, useSignals } from './watch';

/** From as many backends on there is a field to search them. */
const MANY = 8;
const NO_GROUPS: readonly string[] = [];

interface ViewProps extends PanelContext {
  /** Whether it can be seen: what can't isn't drawn again. */
  visible: boolean;
}

export function View(props: ViewProps) {
  const { trans } = props;
  return (
    <Boundary of={props} trans={trans} detail={trans.__('The backends cannot be shown.')}>
      <Content {...props} />
    </Boundary>
  );
}

function Content({ visible, ...context }: ViewProps) {
  const { alongside, trans, options } = context;
  const { store } = alongside;
  const { stops, attachments, preferences } = options;
  useSignals(visible, store.changed, stops?.changed, attachments?.changed, preferences?.changed);
  const catalogue = useCatalogue(alongside, visible && store.problem === null);
  const titles = useMemo(() => kindTitles(catalogue), [catalogue]);
  const { me, session, problem } = store;
  const shown: Shown = {
    ...context,
    user: store.user || me?.user || '',
    session,
    groups: me?.groups ?? NO_GROUPS,
    admin: me?.admin ?? false,
    blocked: problem?.detail ?? '',
    titles
  };
  // a server that has just started hasn't heard from the service yet
  const waiting = !store.loaded || (!store.connected && store.backends.size === 0);
  const loading = waiting && problem === null;
  return (
    <div className={`alongside-Panel${problem ? ' alongside-mod-old' : ''}`} aria-busy={loading}>
      <Header {...context} blocked={shown.blocked} />
      {problem && <Offline problem={problem} old={store.loaded} trans={trans} />}
      {shown.admin && <CatalogueProblem catalogue={catalogue} trans={trans} />}
      {loading && <Loading trans={trans} />}
      {store.loaded && !loading && (shown.admin ? <Views shown={shown} /> : <Own shown={shown} />)}
      <Announcements context={context} />
    </div>
  );
}

/** An admin's own backends, and everybody's. */
function Views({ shown }: { shown: Shown }) {
  const { alongside, trans } = shown;
  const [tab, setTab] = useState('alongside-own');
  return (
    <Tabs
      className="alongside-Tabs"
      aria-label={trans.__('Whose backends')}
      activeid={tab}
      onChange={event => setTab((event.target as TabsElement).activeid)}
    >
      <Tab id="alongside-own">{trans.__('Backends %1', countOf(ownSections(shown)))}</Tab>
      <Tab id="alongside-team">{trans.__('Team %1', alongside.store.backends.size)}</Tab>
      {/* what can't be seen isn't drawn */}
      <TabPanel>{tab === 'alongside-own' && <Own shown={shown} />}</TabPanel>
      <TabPanel>{tab === 'alongside-team' && <Everybodys shown={shown} />}</TabPanel>
    </Tabs>
  );
}

function Own({ shown }: { shown: Shown }) {
  const { alongside, trans } = shown;
  const { me } = alongside.store;
  const [query, setQuery] = useState('');
  const found = ownSections(shown);
  const many = countOf(found) + found.ended.length > MANY;
  return (
    <>
      {me && <Quota me={me} trans={trans} />}
      {many && <Find onChange={setQuery} trans={trans} />}
      <Backends found={found} query={many ? query.trim() : ''} shown={shown} />
    </>
  );
}

function Everybodys({ shown }: { shown: Shown }) {
  const { alongside, trans } = shown;
  const [query, setQuery] = useState('');
  const many = alongside.store.backends.size > MANY;
  return (
    <>
      {many && <Find onChange={setQuery} trans={trans} />}
      <Team query={many ? query.trim() : ''} shown={shown} />
    </>
  );
}

function ownSections(shown: Shown): Sections {
  return sections(shown.alongside.store.backends.values(), shown);
}

/** Those that the user has to do with now. */
function countOf({ here, elsewhere, shared }: Sections): number {
  return here.length + elsewhere.length + shared.length;
}

function Header({ trans, options, blocked }: PanelContext & { blocked: string }) {
  return (
    <div className="alongside-Header">
      <h2>{trans.__('Alongside')}</h2>
      <LabButton
        appearance="accent"
        disabled={blocked !== ''}
        title={blocked || trans.__('Launch a backend')}
        onClick={options.launch}
      >
        {trans.__('+ Launch')}
      </LabButton>
    </div>
  );
}

function Offline({ problem, old, trans }: { problem: Problem; old: boolean; trans: Trans }) {
  return (
    <div className="alongside-Banner" role="alert">
      <Trouble
        level="warning"
        detail={problem.detail}
        remedy={[problem.remedy, old ? trans.__('What is below may be old.') : '']
          .filter(Boolean)
          .join(' ')}
      />
    </div>
  );
}

function CatalogueProblem({ catalogue, trans }: { catalogue: Catalogue | null; trans: Trans }) {
  return catalogue?.problem ? (
    <div className="alongside-Banner">
      <Trouble
        level="warning"
        cause={trans.__('The newest edit of the catalogue is not in use')}
        detail={catalogue.problem}
      />
    </div>
  ) : null;
}

const Quota = memo(function Quota({ me, trans }: { me: Me; trans: Trans }) {
  const found = bars(me, trans);
  return found.length > 0 ? (
    <section className="alongside-Quota" aria-label={trans.__('What you use of what you may')}>
      {found.map(bar => (
        <Meter key={bar.name} {...bar} />
      ))}
    </section>
  ) : null;
});

/** The browser's own field: the button that clears JupyterLab's has no name for those who listen. */
function Find({ onChange, trans }: { onChange: (query: string) => void; trans: Trans }) {
  return (
    <input
      type="search"
      className="alongside-Find"
      placeholder={trans.__('Find by name, kind, state …')}
      aria-label={trans.__('Find backends')}
      onChange={event => onChange(event.target.value)}
    />
  );
}

function Loading({ trans }: { trans: Trans }) {
  return (
    <div className="alongside-Loading" role="status" aria-label={trans.__('Looking for backends')}>
      <div />
      <div />
      <div />
    </div>
  );
}

function Announcements({ context }: { context: PanelContext }) {
  const { alongside, trans } = context;
  const [text, setText] = useState('');
  useEffect(() => {
    const announcer = new Announcer(alongside.store, trans);
    announcer.said.connect((_, said) => setText(said));
    return () => announcer.dispose();
  }, [alongside.store, trans]);
  return (
    <div className="alongside-Unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}
