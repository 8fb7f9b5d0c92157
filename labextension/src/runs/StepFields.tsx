/** How a step is carried out: how often it is tried, for how long, and where its notebook goes. */
import { Input, Row } from '../dialogs/Row';
import type { Trans } from '../words';
import { type Choice, stemOf } from './plan';

interface StepFieldsProps {
  /** What all ids begin with. */
  id: string;
  notebook: string;
  /** Whether the step finds the user's files. */
  home: boolean;
  choice: Choice;
  wrong: { [input: string]: string };
  trans: Trans;
  onChoice: (choice: Choice) => void;
}

export function StepFields(props: StepFieldsProps) {
  const { id, notebook, home, choice, wrong, trans, onChoice } = props;
  const input = (name: 'name' | 'retries' | 'timeout' | 'output', placeholder = '') => (
    <Input
      id={`${id}-${name}`}
      value={choice[name]}
      placeholder={placeholder}
      wrong={Boolean(wrong[name])}
      onText={text => onChoice({ ...choice, [name]: text })}
    />
  );
  return (
    <fieldset className="alongside-Box">
      <legend>{trans.__('Run')}</legend>
      <Row
        id={`${id}-name`}
        label={trans.__('Name of the run')}
        hint={trans.__('As it is shown in the panel.')}
      >
        {input('name', stemOf(notebook))}
      </Row>
      <Row
        id={`${id}-output`}
        label={trans.__('Executed notebook')}
        hint={
          home
            ? trans.__(
                'A path from the notebook’s folder, or a URL; {run} stands for the run’s id. It is kept with the run in any case.'
              )
            : trans.__('A URL; {run} stands for the run’s id. It is kept with the run in any case.')
        }
        error={wrong.output}
      >
        {input('output', trans.__('only kept with the run'))}
      </Row>
      <details open={wrong.retries || wrong.timeout ? true : undefined}>
        <summary>{trans.__('More: failures and repetition')}</summary>
        <Row
          id={`${id}-retries`}
          label={trans.__('Tried again')}
          hint={trans.__('Times, when it fails.')}
          error={wrong.retries}
        >
          {input('retries', '0')}
        </Row>
        <Row
          id={`${id}-timeout`}
          label={trans.__('At most for')}
          hint={trans.__('An attempt that takes longer has failed.')}
          error={wrong.timeout}
        >
          {input('timeout', trans.__('any time'))}
        </Row>
        <Row
          id={`${id}-cache`}
          label={trans.__('Skip when unchanged')}
          hint={trans.__('When code, values, inputs and environment are those of an earlier run.')}
        >
          <input
            id={`${id}-cache`}
            type="checkbox"
            checked={choice.cache}
            aria-describedby={`${id}-cache-hint`}
            onChange={event => onChoice({ ...choice, cache: event.target.checked })}
          />
        </Row>
      </details>
    </fieldset>
  );
}
