/** Another size where it is another start: asked for below the card, as there are no dialogs here. */
import { useId, useState } from 'react';

import { Button } from '../components/Button';
import { capital, type Kind, plural } from '../kinds';
import type { Backend } from '../model';
import { ENGLISH } from '../words';
import type { Control } from './control';

const trans = ENGLISH;

interface ResizeProps {
  backend: Backend;
  kind: Kind;
  control: Control;
}

export function Resize({ backend, kind, control }: ResizeProps) {
  const id = useId();
  const [text, setText] = useState(`${backend.wanted}`);
  const [discard, setDiscard] = useState(false);
  const members = Number(text);
  const sound = Number.isInteger(members) && members > 0;
  const why = !sound
    ? trans.__('Write a whole number.')
    : members === backend.wanted
      ? trans.__('That is its size now.')
      : '';
  return (
    <form
      className="alongside-Resize"
      aria-label={trans.__('Another size for %1', backend.name)}
      onSubmit={event => {
        event.preventDefault();
        if (!why) {
          control.resize(members, discard);
        }
      }}
    >
      <label>
        {capital(plural(kind.member, 2))}{' '}
        <input
          type="number"
          min={1}
          step={1}
          value={text}
          aria-describedby={`${id}-how`}
          onChange={event => setText(event.target.value)}
        />
      </label>
      <p id={`${id}-how`}>
        {discard
          ? trans.__('It starts again, and all that it has in memory is lost.')
          : trans.__(
              'It starts again. What this notebook has in it is saved first, and loaded again ' +
                'afterwards; what others have in it is lost.'
            )}
      </p>
      <label>
        <input
          type="checkbox"
          checked={discard}
          onChange={event => setDiscard(event.target.checked)}
        />{' '}
        {trans.__('Start empty: save nothing')}
      </label>
      <div>
        <Button onPress={() => control.resize(members, discard)} reason={why}>
          {trans.__('Scale')}
        </Button>{' '}
        <Button onPress={control.keepSize}>{trans.__('Cancel')}</Button>
      </div>
    </form>
  );
}
