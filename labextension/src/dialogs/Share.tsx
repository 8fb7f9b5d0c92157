/** The Share dialog. */
import { useId, useState } from 'react';

import { Button } from '../components/Button';
import type { Backend } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { type AboutProps, useBackend, useChange } from './change';
import { show, useFirstFocus } from './Frame';
import { Input, Row } from './Row';
import { Said } from './Said';
import {
  type Access,
  type Entry,
  entryOf,
  sameEntries,
  shareOf,
  type With,
  wrongEntry
} from './shares';

/** Ask with whom to share it, and share it; null when it was cancelled. */
export function openShare(
  alongside: IAlongside,
  trans: Trans,
  id: string
): Promise<Backend | null> {
  const name = alongside.store.backends.get(id)?.name ?? '';
  return show<Backend>({
    title: trans.__('Share %1', name),
    accept: trans.__('Save'),
    trans,
    small: true,
    body: gate => <ShareBody {...{ alongside, trans, id, gate }} />
  });
}

const EMPTY: Entry = { with: 'user', name: '', access: 'read' };

function ShareBody(props: AboutProps) {
  const { trans, alongside } = props;
  const { backend, obstacle } = useBackend(props);
  const there = (backend?.shares ?? []).map(entryOf);
  const [chosen, setChosen] = useState<Entry[] | null>(null);
  const [next, setNext] = useState(EMPTY);
  const id = useId();
  const first = useFirstFocus();

  // until something is chosen here, the list follows what others change
  const entries = chosen ?? there;
  const wrong = next.name.trim() ? wrongEntry(next, entries, backend?.owner ?? '', trans) : '';
  // a name that is written but not added is meant, too
  const all = next.name.trim() && !wrong ? [...entries, trimmed(next)] : entries;
  const changed = !sameEntries(all, there);
  const sendable = !obstacle && !wrong && changed;
  const refused = useChange(props, sendable ? { shares: all.map(shareOf) } : null, `${id}-said`);
  const add = () => {
    if (next.name.trim() && !wrong) {
      setChosen([...entries, trimmed(next)]);
      setNext({ ...EMPTY, with: next.with, access: next.access });
    }
  };
  return (
    <div className="alongside-Fields" ref={first}>
      <dl className="alongside-Meanings">
        <dt>{trans.__('Read')}</dt>
        <dd>{trans.__('They see its state and its logs.')}</dd>
        <dt>{trans.__('Attach')}</dt>
        <dd>
          {trans.__('They also connect to it, run code in it as you, and open its dashboard.')}
        </dd>
      </dl>
      <ul className="alongside-Shares" aria-label={trans.__('Shared with')}>
        {entries.length === 0 && (
          <li className="alongside-Hint">{trans.__('Nobody else can see it.')}</li>
        )}
        {entries.map(entry => (
          <li key={`${entry.with} ${entry.name}`}>
            <span>
              {entry.name} <small>{kindText(entry.with, trans)}</small>
            </span>
            <AccessSelect
              label={trans.__('Access of %1', entry.name)}
              access={entry.access}
              trans={trans}
              onAccess={access =>
                setChosen(entries.map(one => (one === entry ? { ...entry, access } : one)))
              }
            />
            <Button
              label={trans.__('Remove %1', entry.name)}
              onPress={() => setChosen(entries.filter(one => one !== entry))}
            >
              {trans.__('Remove')}
            </Button>
          </li>
        ))}
      </ul>
      <Row id={`${id}-name`} label={trans.__('Add')} error={wrong}>
        <div className="alongside-Adding">
          <select
            className="jp-mod-styled"
            aria-label={trans.__('User or group')}
            value={next.with}
            onChange={event => setNext({ ...next, with: event.target.value as With })}
          >
            <option value="user">{trans.__('User')}</option>
            <option value="group">{trans.__('Group')}</option>
          </select>
          <Input
            id={`${id}-name`}
            value={next.name}
            placeholder={next.with === 'user' ? trans.__('user name') : trans.__('group name')}
            maxLength={255}
            wrong={Boolean(wrong)}
            onText={name => setNext({ ...next, name })}
          />
          <AccessSelect
            label={trans.__('Access')}
            access={next.access}
            trans={trans}
            onAccess={access => setNext({ ...next, access })}
          />
          <Button onPress={add} reason={next.name.trim() ? wrong : trans.__('Write a name first.')}>
            {trans.__('Add')}
          </Button>
        </div>
      </Row>
      {alongside.store.alone && (
        <p className="alongside-Hint">
          {trans.__('Without a hub there is nobody else who could use it.')}
        </p>
      )}
      <Said
        id={`${id}-said`}
        problem={obstacle ?? refused}
        text={changed ? '' : trans.__('Nothing is changed yet.')}
      />
    </div>
  );
}

interface AccessSelectProps {
  label: string;
  access: Access;
  trans: Trans;
  onAccess: (access: Access) => void;
}

function AccessSelect({ label, access, trans, onAccess }: AccessSelectProps) {
  return (
    <select
      className="jp-mod-styled"
      aria-label={label}
      value={access}
      onChange={event => onAccess(event.target.value as Access)}
    >
      <option value="read">{trans.__('read')}</option>
      <option value="attach">{trans.__('attach')}</option>
    </select>
  );
}

function trimmed(entry: Entry): Entry {
  return { ...entry, name: entry.name.trim() };
}

function kindText(kind: With, trans: Trans): string {
  return kind === 'user' ? trans.__('user') : trans.__('group');
}
