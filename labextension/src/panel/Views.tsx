/** What the panel can show: the user's own backends, runs, and for admins everybody's backends. */
import { useState } from 'react';

import { Sections } from '../components/Sections';
import type { Shown } from './BackendList';
import { Backends } from './Backends';
import { Find } from './Find';
import { Quota } from './Quota';
import { ownRuns, Runs } from './Runs';
import { Schedules } from './Schedules';
import { type Sections as Groups, sections } from './sections';
import { Team } from './Team';

export type Section = 'backends' | 'runs' | 'team';

/** From as many backends on there is a field to search them. */
const MANY = 8;

/** What there is to choose from; one alone needs no tabs. */
export function sectionsOf({ alongside, admin, options }: Shown): Section[] {
  const runs: Section[] = alongside.store.runs && options.runs ? ['runs'] : [];
  return ['backends', ...runs, ...(admin ? (['team'] as const) : [])];
}

interface ViewsProps {
  shown: Shown;
  chosen: Section;
  onChoose: (section: Section) => void;
}

export function Views({ shown, chosen, onChoose }: ViewsProps) {
  const { trans } = shown;
  const there = sectionsOf(shown);
  if (there.length === 1) {
    return <Own shown={shown} />;
  }
  return (
    <Sections
      label={trans.__('What is shown')}
      titles={there.map(section => [section, titleOf(section, shown)] as const)}
      chosen={chosen}
      onChoose={onChoose}
    >
      <Content section={chosen} shown={shown} />
    </Sections>
  );
}

function titleOf(section: Section, shown: Shown): string {
  const { alongside, trans } = shown;
  switch (section) {
    case 'backends':
      return trans.__('Backends %1', countOf(ownSections(shown)));
    case 'runs':
      return trans.__('Runs %1', ownRuns(shown).length);
    case 'team':
      return trans.__('Team %1', alongside.store.backends.size);
  }
}

function Content({ section, shown }: { section: Section; shown: Shown }) {
  switch (section) {
    case 'backends':
      return <Own shown={shown} />;
    case 'runs':
      return <Runs shown={shown} />;
    case 'team':
      return <Everybodys shown={shown} />;
  }
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
      {many && (
        <Find
          label={trans.__('Find backends')}
          hint={trans.__('Find by name, kind, state …')}
          onChange={setQuery}
        />
      )}
      <Backends found={found} query={many ? query.trim() : ''} shown={shown} />
      <Schedules shown={shown} />
    </>
  );
}

function Everybodys({ shown }: { shown: Shown }) {
  const { alongside, trans } = shown;
  const [query, setQuery] = useState('');
  const many = alongside.store.backends.size > MANY;
  return (
    <>
      {many && (
        <Find
          label={trans.__('Find backends')}
          hint={trans.__('Find by name, kind, state …')}
          onChange={setQuery}
        />
      )}
      <Team query={many ? query.trim() : ''} shown={shown} />
    </>
  );
}

function ownSections(shown: Shown): Groups {
  return sections(shown.alongside.store.backends.values(), shown);
}

/** Those that the user has to do with now. */
function countOf({ here, elsewhere, shared }: Groups): number {
  return here.length + elsewhere.length + shared.length;
}
