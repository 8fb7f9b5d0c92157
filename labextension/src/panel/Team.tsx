/** Everybody's backends, for admins: who uses how much, and what can be stopped. */
import { useId, useState } from 'react';

import { formatMemory, type Trans } from '../words';
import { BackendList, type Shown } from './BackendList';
import { type Member, search, team } from './sections';

/** With more backends than this, only the owners are shown at first. */
const MANY = 12;

export function Team({ query, shown }: { query: string; shown: Shown }) {
  const { alongside, trans } = shown;
  const every = [...alongside.store.backends.values()];
  const members = team(query ? search(every, query) : every);
  if (members.length === 0) {
    return (
      <div className="alongside-Empty">
        <p>
          {query ? trans.__('No backend fits “%1”.', query) : trans.__('Nobody has a backend.')}
        </p>
      </div>
    );
  }
  return (
    <>
      {members.map(member => (
        <Owner
          key={member.owner}
          member={member}
          shown={shown}
          unfolded={query !== '' || every.length <= MANY}
        />
      ))}
    </>
  );
}

interface OwnerProps {
  member: Member;
  shown: Shown;
  unfolded: boolean;
}

function Owner({ member, shown, unfolded }: OwnerProps) {
  const { backends } = member;
  const { trans } = shown;
  const owner = member.owner || trans.__('Kept ready, nobody’s yet');
  const [chosen, setChosen] = useState<boolean | null>(null);
  const id = useId();
  const open = chosen ?? unfolded;
  return (
    <section className="alongside-Group" aria-label={owner}>
      <h3>
        <button
          type="button"
          className="alongside-Owner"
          aria-expanded={open}
          aria-controls={open ? id : undefined}
          onClick={() => setChosen(!open)}
        >
          <span aria-hidden="true">{open ? '▾' : '▸'}</span>
          <span className="alongside-Owner-name">{owner}</span>
          <span className="alongside-Owner-used">{usedText(member, trans)}</span>
        </button>
      </h3>
      {open && (
        <div id={id}>
          <BackendList backends={backends} shown={shown} />
        </div>
      )}
    </section>
  );
}

function usedText({ backends, used }: Member, trans: Trans): string {
  const parts = [
    trans._n('%1 backend', '%1 backends', backends.length),
    trans._n('%1 core', '%1 cores', used.cores),
    formatMemory(used.memory)
  ];
  if (used.gpus > 0) {
    parts.push(trans._n('%1 GPU', '%1 GPUs', used.gpus));
  }
  return parts.join(' · ');
}
